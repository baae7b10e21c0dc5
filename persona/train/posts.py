"""Reading a user's texts: .jsonl, .csv, or .txt with one post a line. What cannot be read is reported by line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadTrainingData
from .encoding import decode, mended

_FIELDS = ("text", "topic", "comment", "persona")
_LONGEST = 100_000
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, kw_only=True)
class Post:
    """One text with the line it stands on. `comment` is what it answers (of a pair: its query), `persona` whose it is.

    `card` holds what the line itself says of the persona (name, bio, voice), where it says more than a name.
    """

    line: int
    text: str
    topic: str = ""
    comment: str = ""
    persona: str = ""
    card: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A line that is not trained on: `reason` is one of a fixed set of words, `detail` says more of it."""

    line: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a file holds: its posts, the lines that could not be read, and what was mended on the way."""

    place: str
    encoding: str
    posts: tuple[Post, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[LeftOut, ...] = ()


def read_posts(file: Path) -> Read:
    """Read a file of posts. Raises BadTrainingData where it as a whole cannot be used."""
    if not file.is_file():
        raise BadTrainingData(place_text=str(file), cause_text="there is no such file")
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".tsv": _csv, ".txt": _txt}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        cause = f"it is no {', '.join(readers)} file"
        raise BadTrainingData(place_text=str(file), cause_text=cause)
    found = decode(file.read_bytes(), str(file))
    posts: list[Post] = []
    left_out: list[LeftOut] = []
    notes: list[LeftOut] = []
    for each in reader(found.text, str(file)):
        line = each.line
        if isinstance(each, LeftOut):
            lost = line in found.lost
            left_out.append(LeftOut(line=line, reason="encoding") if lost else each)
        elif line in found.lost or "\ufffd" in each.text:
            left_out.append(LeftOut(line=line, reason="encoding", detail="some of its characters are lost"))
        else:
            post = Post(
                line=line,
                text=mended(each.text),
                topic=mended(each.topic),
                comment=mended(each.comment),
                persona=each.persona,
                card=each.card,
            )
            posts.append(post)
            if post.text != each.text:
                notes.append(LeftOut(line=line, reason="mended", detail="UTF-8 that had been read as Latin-1"))
    return Read(
        place=str(file), encoding=found.encoding, posts=tuple(posts), left_out=tuple(left_out), notes=tuple(notes)
    )


def _txt(text: str, place: str) -> Iterator[Post | LeftOut]:
    for number, line in _lines(text):
        if line.strip():
            yield Post(line=number, text=line.strip())


def _lines(text: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): it also cuts at characters that may stand within a JSON text.
    for number, line in enumerate(text.split("\n"), 1):
        yield number, line.rstrip("\r")


def _jsonl(text: str, place: str) -> Iterator[Post | LeftOut]:
    for number, line in _lines(text):
        if not line.strip():
            continue
        if len(line) > _LONGEST:
            yield LeftOut(line=number, reason="too long", detail=f"{len(line)} characters")
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield LeftOut(line=number, reason="unreadable", detail=f"no JSON ({str(error)[:60]})")
            continue
        if not isinstance(found, dict):
            yield LeftOut(line=number, reason="unreadable", detail="no JSON object")
            continue
        yield _post(number, found)


def _post(number: int, found: Mapping[str, Any]) -> Post | LeftOut:
    if not isinstance(found.get("text"), str):
        return LeftOut(line=number, reason="unreadable", detail="it has no `text`")
    values = {name: found.get(name) or "" for name in _FIELDS}
    values["comment"] = values["comment"] or found.get("query") or ""
    comment, persona, card = values["comment"], values["persona"], None
    if isinstance(comment, dict):
        values["comment"] = comment.get("text") or ""
    if isinstance(persona, dict):
        values["persona"], card = persona.get("handle") or persona.get("name") or "", persona
    wrong = next((name for name, value in values.items() if not isinstance(value, str)), "")
    if wrong:
        return LeftOut(line=number, reason="unreadable", detail=f"`{wrong}` is no text")
    return Post(line=number, card=card, **values)


def _csv(text: str, place: str) -> Iterator[Post | LeftOut]:
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            # After a torn quotation nothing can be trusted to begin where it seems to.
            raise BadTrainingData(place_text=f"{place}:{line}", cause_text=str(error)) from error
        if not names:
            names = [name.strip().casefold() for name in row]
            if "text" not in names:
                raise BadTrainingData(place_text=f"{place}:1", cause_text="no column is called `text`")
        elif any(cell.strip() for cell in row):
            if len(row) != len(names):
                detail = f"{len(row)} cells, and the head has {len(names)}"
                yield LeftOut(line=line, reason="unreadable", detail=detail)
            else:
                cells = dict(zip(names, row, strict=True))
                text, topic, comment, persona = (cells.get(name, "").strip() for name in _FIELDS)
                comment = comment or cells.get("query", "").strip()
                yield Post(line=line, text=text, topic=topic, comment=comment, persona=persona)
