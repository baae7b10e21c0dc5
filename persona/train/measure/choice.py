"""Choosing one of n candidates, as the engine does: the guards' verdict first, then the rank."""

from __future__ import annotations

from collections.abc import Sequence

from ...compose.rank import rank
from ...guard import Decision
from ..corpus import Example
from .candidates import Candidates, Written
from .judged import verdict
from .sheet import Sheet
from .vectors import Embed, Vectors

_RECENT = 12
_WEIGHT: dict[Decision, int] = {"publish": 0, "hold": 1, "block": 2}


class Chooser:
    """Makes sheets of candidates."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed

    def chosen(self, writer: str, examples: Sequence[Example], candidates: Candidates, count: int) -> Sheet:
        """Return the best of the first `count` candidates of each example; of one, that one.

        Examples are gone through in order, and the texts chosen for a persona so far are its memory.
        """
        texts: dict[str, str] = {}
        logprobs: dict[str, float] = {}
        recent: dict[str, list[str]] = {}
        for example in examples:
            own = recent.setdefault(example.handle, [])
            best = self._best(example, candidates[example.key][:count], own[-_RECENT:])
            own.append(best.text)
            texts[example.key] = best.text
            if best.logprob is not None:
                logprobs[example.key] = best.logprob
        return Sheet(writer=writer, texts=texts, logprobs=logprobs)

    def likeliest(self, writer: str, examples: Sequence[Example], candidates: Candidates, count: int) -> Sheet:
        """Return of each example's first `count` candidates the one with the largest log-probability: fluency alone."""
        best = {e.key: max(candidates[e.key][:count], key=lambda c: c.logprob or float("-inf")) for e in examples}
        return Sheet(
            writer=writer,
            texts={key: each.text for key, each in best.items()},
            logprobs={key: each.logprob for key, each in best.items() if each.logprob is not None},
        )

    def _best(self, example: Example, found: Sequence[Written], recent: Sequence[str]) -> Written:
        if len(found) == 1:
            return found[0]
        texts = [each.text for each in found]
        ranked = rank(example.brief, texts, [each.logprob for each in found], self._vectors, recent)
        # The first of equal verdicts is the best ranked.
        return found[min(ranked, key=lambda each: _WEIGHT[verdict(example.brief, texts[each.place]).decision]).place]

    def _vectors(self, texts: Sequence[str]) -> list[Vectors]:
        return list(self._embed(texts))
