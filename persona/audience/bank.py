"""The bank of comments an audience draws from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from persona.errors import CommentsUnreadable
from persona.text import clean_text

from .words import stems

Intent = Literal[
    "praise",
    "question",
    "story",
    "wish",
    "complaint",
    "chat",
    "identity",
    "hostile",
    "spam",
    "followup",
    "returning",
]
Slot = Literal["word", "topic", "product", "past", "other"]
_SLOT = re.compile(r"\{(" + "|".join(get_args(Slot)) + r")\}")
_NOT_SAID = re.compile(r"[^\w\s]|_")
BUILTIN = Path(__file__).with_name("comments.jsonl")
MAX_CHARS = 300


@dataclass(frozen=True, kw_only=True)
class Line:
    """One comment. Its slots are filled from the post: a noun, a topic, a product, what was said before, a handle.

    `product` lines suit posts about a product only: any ("*"), or one with these words (`about`).
    `later` is what the same person says under a later post, when the first was a story that goes on.
    """

    intent: Intent
    text: str
    later: str = ""
    language: str = "en"
    product: str = ""
    about: frozenset[str] = frozenset()

    @property
    def slots(self) -> frozenset[str]:
        return frozenset(_SLOT.findall(self.text)) if self.about == frozenset() else frozenset()

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with its slots filled; every slot must be in `values`."""
        return _SLOT.sub(lambda m: values[m[1]], self.text) if self.slots else self.text


@lru_cache(maxsize=8192)
def said(text: str) -> str:
    """Return the words of `text` alone: the same for two ways of typing the same comment."""
    return " ".join(_NOT_SAID.sub("", text.casefold()).split())


def _pattern(text: str, slots: bool) -> re.Pattern[str]:
    parts = _SLOT.split(text) if slots else [text]
    return re.compile(r"\s*.+?\s*".join(re.escape(said(part)) for part in parts[::2]), re.DOTALL)


class CommentBank:
    """Lines by intent, each text once, in the order of their file."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines: Sequence[Line] = tuple({line.text: line for line in lines}.values())
        self._patterns: list[re.Pattern[str]] | None = None
        self.line_of = cache(self._line_of)

    def __len__(self) -> int:
        return len(self.lines)

    @classmethod
    def load(cls, path: Path | None = None) -> CommentBank:
        """Return the built-in bank, and with `path` the comments of that file in front of it.

        A file holds one JSON object a line: a comment ({"intent", "text", ...}), or a product with its comments
        ({"product": {...}, "comments": [...]}). Raises CommentsUnreadable with the line that is neither.
        """
        lines = [] if path is None else _read(path)
        return cls([*lines, *_read(BUILTIN)])

    def _line_of(self, text: str) -> int | None:
        """Return the place of the line that `text` was made from, however it was typed; None for no line."""
        if self._patterns is None:
            self._patterns = [_pattern(line.text, bool(line.slots)) for line in self.lines]
        typed = said(text)
        for place, pattern in enumerate(self._patterns):
            if pattern.fullmatch(typed):
                return place
        return None


def _read(path: Path) -> list[Line]:
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommentsUnreadable(file_text=str(path), line=0, cause_text=str(error)) from error
    found: list[Line] = []
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            found += _lines(json.loads(row), foreign=path != BUILTIN)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            cause = f"{type(error).__name__}: {error}"[:200]
            raise CommentsUnreadable(file_text=str(path), line=number, cause_text=cause) from error
    return found


def _lines(row: Mapping[str, Any], *, foreign: bool) -> list[Line]:
    if "comments" not in row:
        return [_line(row, product=str(row.get("product", "")), about=frozenset())]
    product = row["product"]
    about = stems(
        " ".join([str(product["name"]), str(product.get("category", "")), *map(str, product.get("facts", ()))])
    )
    return [_line(c, product=str(product["name"]), about=about | {"*"}) for c in row["comments"]]


def _line(row: Mapping[str, Any], *, product: str, about: frozenset[str]) -> Line:
    intent, text = row["intent"], clean_text(str(row["text"]), MAX_CHARS)
    if intent not in get_args(Intent):
        raise ValueError(f"no intent {intent!r}; there are {', '.join(get_args(Intent))}")
    if not text:
        raise ValueError("an empty text")
    language = str(row.get("lang", "en"))
    # Strangers' rudeness and spam fit any post; what they say of a product fits that product only.
    anywhere = intent in ("hostile", "spam") and about
    return Line(
        intent=intent,
        text=text,
        later=clean_text(str(row.get("later", "")), MAX_CHARS),
        language=language,
        product="" if anywhere else product,
        about=about,
    )
