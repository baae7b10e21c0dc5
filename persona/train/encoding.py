"""From bytes to text: which encoding a file is in, which of its lines cannot be read, and text that was read wrongly.

A file is UTF-8 (with or without its mark), UTF-16 or UTF-32 (by mark, UTF-16 also by its zero bytes), else, where no
line of it is UTF-8 beyond ASCII, Windows-1252, the wider form of Latin-1. Anything else is refused.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ..errors import BadTrainingData

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 4096
_HIGH = re.compile(rb"[\x80-\xff]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# How UTF-8's leading and following bytes look when they are read as Windows-1252.
_MOJIBAKE = re.compile("[ÂÃ][\u0080-¿€-™]|â€|ðŸ|Å[\u0080-¿ŒŸ¡]|[ÐÑ][\u0080-¿]")


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A file's text and encoding. `lost` holds the numbers of lines whose bytes could not be read (U+FFFD there)."""

    text: str
    encoding: str
    lost: frozenset[int] = frozenset()


def decode(data: bytes, place: str) -> Decoded:
    """Return the text of a file. Raises BadTrainingData if it is no text, or in an encoding that cannot be told."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "") or _wide(data)
    if encoding:
        try:
            return Decoded(text=data.decode(encoding), encoding=encoding)
        except UnicodeDecodeError as error:
            cause = f"it begins as {encoding} and is damaged at byte {error.start}"
            raise BadTrainingData(place_text=place, cause_text=cause) from error
    if _CONTROL.search(data):
        raise BadTrainingData(place_text=place, cause_text="it is no text: it holds control bytes")
    try:
        return Decoded(text=data.decode("utf-8"), encoding="utf-8")
    except UnicodeDecodeError:
        return _by_lines(data, place)


def mended(text: str) -> str:
    """Return `text` as it was before its UTF-8 was read as Windows-1252, or unchanged where that is not plain."""
    if not _MOJIBAKE.search(text):
        return text
    try:
        found = "".join(_byte(char) for char in text).encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text
    return found


def _byte(char: str) -> str:
    # Five bytes have no character in Windows-1252 and stand as themselves.
    try:
        return char.encode("cp1252").decode("latin-1")
    except UnicodeEncodeError:
        return char


def _wide(data: bytes) -> str:
    """Return which UTF-16 a text without a mark is in: its ASCII has a zero in every second byte."""
    sample = data[:_SAMPLE]
    if len(sample) < 4 or len(data) % 2:
        return ""
    half = len(sample) / 2
    even, odd = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    return "utf-16-le" if odd > 0.4 and even < 0.05 else "utf-16-be" if even > 0.4 and odd < 0.05 else ""


def _by_lines(data: bytes, place: str) -> Decoded:
    lines = data.split(b"\n")
    lost, good = set(), 0
    for number, line in enumerate(lines, 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            lost.add(number)
        else:
            good += bool(_HIGH.search(line))
    if good:
        # A file in UTF-8 with some damaged lines, put together from several sources perhaps.
        return Decoded(text=data.decode("utf-8", "replace"), encoding="utf-8", lost=frozenset(lost))
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        cause = f"its encoding cannot be told (byte {error.start}); save it as UTF-8"
        raise BadTrainingData(place_text=place, cause_text=cause) from error
    high = [char for char in text if char > "\x7f"]
    letters = sum(char.isalpha() or char in "’‘“”…–— «»°€£§" for char in high)
    # A Western text is written in plain letters with some others; Cyrillic read as Latin-1 is the other way round.
    plain = sum(char.isascii() and char.isalpha() for char in text)
    if letters < 0.8 * len(high) or sum(map(str.isalpha, high)) > plain:
        cause = "its encoding cannot be told: read as Latin-1 it makes no words; save it as UTF-8"
        raise BadTrainingData(place_text=place, cause_text=cause)
    return Decoded(text=text, encoding="cp1252")
