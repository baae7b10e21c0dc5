"""Words of other people that a data folder has kept: they are never trained on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Engine, select

from ..store import InboxRow, JournalRow, reading
from .near import plain

RUN = 8
"""Words in a row that are no chance: two people say "I would like to know" without having read each other."""
_QUOTE_RUN = 4
_LEAST = 2
_MENTION = re.compile(r"@(\w{2,})")
_QUOTED = re.compile(r"[“\"„«]([^“”\"„«»]{3,})[”\"“»]")
_HELD, _ENDED = "\ue000", "\ue001"
_SENTENCE = re.compile(f"(?<=[.!?…{_ENDED}])\\s+")
_MARKS = re.compile(f"{_HELD}{_ENDED}?")


class Foreign:
    """What others have said, and who they are. `words` are their texts, `authors` their handles.

    `run` is how many words in a row make a text another's; of shorter things that were said, all words do, and within
    quotation marks a few are enough.
    """

    def __init__(self, words: Iterable[str] = (), authors: Iterable[str] = (), *, run: int = RUN) -> None:
        self.authors = frozenset(author.casefold().lstrip("@") for author in authors if author)
        self._run = run
        self._runs: set[str] = set()
        self._short: set[str] = set()
        self._quotable: set[str] = set()
        for text in words:
            tokens = plain(text).split()
            if _LEAST <= len(tokens) < run:
                self._short.add(" ".join(tokens))
            self._runs.update(_runs(tokens, run))
            self._quotable.update(_runs(tokens, _QUOTE_RUN))

    def __bool__(self) -> bool:
        return bool(self.authors or self._runs or self._short)

    def said(self, text: str) -> bool:
        """Tell whether `text` is, or holds, what another person has said."""
        tokens = plain(text).split()
        if " ".join(tokens) in self._short or any(run in self._runs for run in _runs(tokens, self._run)):
            return True
        return any(run in self._short for size in range(_QUOTE_RUN, self._run) for run in _runs(tokens, size))

    def quoted(self, quotation: str) -> bool:
        """Tell whether the words of a quotation are another person's."""
        return self.said(quotation) or any(run in self._quotable for run in _runs(plain(quotation).split(), _QUOTE_RUN))

    def names(self, text: str) -> bool:
        """Tell whether `text` speaks to or of one of the people by their handle."""
        return any(found.casefold() in self.authors for found in _MENTION.findall(text))

    def without(self, text: str) -> str:
        """Return `text` without the sentences that quote or name another person; it may become empty."""
        quotes: list[str] = []

        def hold(found: re.Match[str]) -> str:
            # A quotation's own full stops must not part it; it may end its sentence without one after it.
            quotes.append(found[0])
            ends = (
                found[1].rstrip().endswith((".", "!", "?", "…")) or found.string[found.end() :].lstrip()[:1].isupper()
            )
            return _HELD + _ENDED if ends else _HELD

        kept = []
        for sentence in _SENTENCE.split(_QUOTED.sub(hold, re.sub(f"[{_HELD}{_ENDED}]", "", text))):
            own = [quotes.pop(0) for _ in range(sentence.count(_HELD))]
            rest = iter(own)
            whole = _MARKS.sub(lambda _, rest=rest: next(rest), sentence)
            if not (_MENTION.search(whole) or self.said(whole) or any(self.quoted(quote[1:-1]) for quote in own)):
                kept.append(whole)
        return " ".join(kept).strip()


def foreign_of(engine: Engine) -> Foreign:
    """Return what the people on a data folder's channels have said, to any of its personas."""
    with reading(engine) as session:
        heard = session.execute(select(InboxRow.text, InboxRow.author)).all()
        told = session.execute(select(JournalRow.text, JournalRow.author).where(JournalRow.kind == "told")).all()
    rows = [*heard, *told]
    return Foreign([row[0] for row in rows], [row[1] for row in rows])


def _runs(tokens: list[str], size: int) -> list[str]:
    return [" ".join(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]
