"""Finding a person's name and words in texts, and taking them out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..train.near import plain
from .person import Traces
from .tombstones import SOMEONE

FORGOTTEN = "[forgotten]"
"""Stands where a text stood that was erased."""
RUN = 6
"""So many words in a row, said by one person alone and by the persona only after that, are a quotation."""
_LEAST, _LONG = 4, 16
"""A shorter saying counts whole if it has so many words or letters; "so nice" is nobody's own."""


_WORD = re.compile(r"\w+")


class Words:
    """What some people are called and what they said, to be taken out of everything else.

    `own` are texts of the persona with their instants and `others` those of other people: a run of words that one
    of these used as early, or that others use too, is nobody's own and betrays nobody.
    """

    def __init__(self, held: Traces, own: Iterable[tuple[str, datetime]] = (), others: Iterable[str] = ()) -> None:
        self._names = held.folded
        self._ids = frozenset((*held.records, *held.posts, *(event for event, _ in held.events)))
        self.keys = frozenset(held.keys)
        names = "|".join(re.escape(name) for name in sorted(held.names, key=lambda name: (-len(name), name)))
        self._mention = re.compile(rf"(?<!\w)@(?:{names})(?!\w|[.@-]\w)", re.IGNORECASE) if names else None
        self._runs: dict[str, datetime] = {}
        for text, at in held.texts.items():
            for run, _ in runs_of(text):
                self._runs[run] = min(at, self._runs.get(run, at))
        self._sizes = sorted({run.count(" ") + 1 for run in self._runs})
        for text, at in own:
            for run in self._found(text):
                if at <= self._runs[run]:
                    del self._runs[run]
        for text in others:
            for run in self._found(text):
                del self._runs[run]

    def named(self, text: str) -> bool:
        """Tell whether `text` speaks to or of one of the people by their handle."""
        return self._mention is not None and "@" in text and self._mention.search(text) is not None

    def without_names(self, text: str) -> str:
        """Return `text` with the people's handles replaced by @someone."""
        return text if self._mention is None or "@" not in text else self._mention.sub(f"@{SOMEONE}", text)

    def quoted(self, text: str) -> bool:
        """Tell whether the persona's `text` holds what one of the people said, and names or ids of theirs."""
        return self.named(text) or bool(self._found(text)) or self._has_id(text)

    def about(self, value: object) -> bool:
        """Tell whether `value` is a mapping that says it is theirs."""
        return isinstance(value, Mapping) and str(value.get("author", "")).casefold() in self._names

    def without(self, value: Any, *, quotes: bool) -> Any:
        """Return plain data without the people: mappings that are theirs and ids go, handles are replaced.

        With `quotes`, a text that holds their words is replaced as a whole.
        """
        if isinstance(value, str):
            if value in self._ids or value.casefold() in self._names or (quotes and self.quoted(value)):
                return FORGOTTEN
            return self.without_names(value)
        if isinstance(value, Mapping):
            kept = {name: None if self.about(one) else self.without(one, quotes=quotes) for name, one in value.items()}
            return {(FORGOTTEN if name in self._ids else name): one for name, one in kept.items()}
        if isinstance(value, list | tuple):
            return [self.without(one, quotes=quotes) for one in value if not self.about(one) and not self._is_id(one)]
        return value

    def own_pieces(self, text: str) -> list[str]:
        """Return pieces of a person's text that are nobody else's: the first, the middle and the last of its runs."""
        pieces = [piece for run, piece in runs_of(text) if run in self._runs]
        return [pieces[i] for i in sorted({0, len(pieces) // 2, len(pieces) - 1})] if pieces else []

    def _found(self, text: str) -> set[str]:
        words = plain(text).split() if self._runs else []
        windows = (" ".join(words[i : i + n]) for n in self._sizes for i in range(len(words) - n + 1))
        return {run for run in windows if run in self._runs}

    def _is_id(self, value: object) -> bool:
        return isinstance(value, str) and value in self._ids

    def _has_id(self, text: str) -> bool:
        return bool(self._ids) and any(word in self._ids for word in re.findall(r"[\w:-]+", text))


def runs_of(text: str) -> list[tuple[str, str]]:
    """Return what makes a text recognisable: its runs of `RUN` words in plain form, each with the piece of the text.

    A short text is one run, if it is long enough to be anybody's own.
    """
    places = [(m.start(), m.end(), plain(m[0])) for m in _WORD.finditer(text)]
    if len(places) < RUN:
        whole = " ".join(word for _, _, word in places)
        return [(whole, text.strip())] if len(places) >= _LEAST or len(whole) >= _LONG else []
    windows = (places[i : i + RUN] for i in range(len(places) - RUN + 1))
    return [(" ".join(w for _, _, w in window), text[window[0][0] : window[-1][1]]) for window in windows]
