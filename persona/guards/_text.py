"""What the guards share: folding, words, sentences, and what stands inside quotation marks."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_HIDDEN = dict.fromkeys(
    [0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
)
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'"})
_WORD = re.compile(r"\w+(?:'\w+)*")
_MENTION_OR_TAG = re.compile(r"(?<!\w)[@#][\w][\w.@-]*")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"”»')\]]*\s+|\n+|(?<=[。！？])")
_QUOTED = re.compile(r'"[^"\n]{3,400}"|“[^”\n]{3,400}”|«[^»\n]{3,400}»|„[^“”\n]{3,400}[“”]')


def listed(text: str) -> frozenset[str]:
    """Return the words that `text` lists, spaces between them."""
    return frozenset(text.split())


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Return `text` for comparison: NFKC, without hidden characters, case-folded, with plain apostrophes."""
    return unicodedata.normalize("NFKC", text).translate(_HIDDEN).casefold().translate(_APOSTROPHES)


def plain(text: str) -> str:
    """Return `text` in NFKC without hidden characters and with plain apostrophes; case is kept."""
    return unicodedata.normalize("NFKC", text).translate(_HIDDEN).translate(_APOSTROPHES)


def words(text: str) -> list[str]:
    """Return the folded words of `text`."""
    return _WORD.findall(fold(text))


def without_tags(text: str) -> str:
    """Return `text` without @mentions and #hashtags."""
    return _MENTION_OR_TAG.sub(" ", text)


def without_quotes(text: str) -> str:
    """Return `text` with what stands in double quotation marks taken out: it is somebody else's word."""
    return _QUOTED.sub(' "" ', text)


def sentences(text: str) -> list[str]:
    """Return the sentences of `text`, stripped, in order."""
    return [part for raw in _SENTENCE.split(text) if (part := raw.strip())]


def excerpt(text: str, limit: int = 80) -> str:
    """Return `text` on one line, cut to `limit` characters, for a reason."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
