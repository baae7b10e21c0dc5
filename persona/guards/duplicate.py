"""A persona does not say the same thing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ..guard import Draft, Finding, Guard
from ._text import excerpt, without_tags, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_RECENT = 200
"""How far back is looked, in texts: about a month of a busy persona, and still within a millisecond."""
SHARED_TRIGRAMS = 0.4
"""Jaccard share of word 3-grams: two texts that share two of five are one text with words swapped."""
CONTAINED_TRIGRAMS = 0.6
"""Share of the shorter text's word 3-grams that stand in the longer: catches a text with a new beginning or end."""
SHARED_SHINGLES = 0.6
"""Jaccard share of 5-letter shingles: catches changed endings and spelling, which break word 3-grams."""
MIN_TRIGRAMS = 4
"""Shorter texts ("Thank you so much!") resemble each other without being copies; only an exact repeat counts."""
OPENING_WORDS = 5
OPENINGS_BACK = 10
"""A reader sees about this many texts on a profile at once; two with one opening look like a machine."""
CLOSE_MEANING = 0.92
"""Cosine of the sentence embeddings (all-MiniLM-L6-v2): above it lie paraphrases, below it mere common topics."""

SHORT_REPLY = 12
"""Words. Thanks and wishes of up to this length may be like one another, but not the same."""

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]


class DuplicateGuard(Guard):
    """Blocks an exact repeat of an own earlier text (labels, case and punctuation aside), holds a near one, except of a
    short reply.

    The words that the persona's card sets for the question of its identity may be said again and again. With
    `embed` (unit vectors, one per text) texts of the same meaning are held too.
    """

    name = "duplicate"

    def __init__(self, embed: Embed | None = None) -> None:
        self._embed = embed

    def look(self, draft: Draft) -> Sequence[Finding]:
        own = _parts(_bare(draft.body, draft))
        if not own.key or own.key == _parts(_bare(draft.persona.disclosure.answer, draft)).key:
            return []
        recent = [_bare(text, draft) for text in draft.recent[:MOST_RECENT]]
        for text in recent:
            if own.key == _parts(text).key:
                return [self._say("block", "the same text went out before", text)]
        if draft.kind == "reply" and len(draft.body.split()) <= SHORT_REPLY:
            # "Thank you, Petra" and "Thank you, Luc" are no copies: each stands in a thread of its own.
            return []
        for place, text in enumerate(recent):
            if cause := _alike(own, _parts(text), same_view=place < OPENINGS_BACK):
                return [self._say("hold", cause, text)]
        if self._embed is not None and recent:
            vectors = self._embed([draft.body, *recent])
            scores = vectors[1:] @ vectors[0]
            if float(scores.max()) >= CLOSE_MEANING:
                return [self._say("hold", "it says the same as an earlier text", recent[int(scores.argmax())])]
        return []

    def _say(self, decision: str, cause: str, text: str) -> Finding:
        reason = f"{cause}: {excerpt(text)!r}"
        return Finding(rule=self.name, decision="block" if decision == "block" else "hold", reason=reason)


class _Parts:
    __slots__ = ("key", "opening", "shingles", "trigrams")

    def __init__(self, text: str) -> None:
        found = words(without_tags(text))
        self.key = " ".join(found)
        self.opening = tuple(found[:OPENING_WORDS])
        self.trigrams = frozenset(zip(found, found[1:], found[2:], strict=False))
        self.shingles = frozenset(self.key[i : i + 5] for i in range(len(self.key) - 4))


@lru_cache(maxsize=4096)
def _parts(text: str) -> _Parts:
    return _Parts(text)


def _bare(text: str, draft: Draft) -> str:
    for label in draft.labels:
        text = text.replace(label, " ")
    return text


def _alike(own: _Parts, other: _Parts, *, same_view: bool) -> str:
    least = min(len(own.trigrams), len(other.trigrams))
    if least >= MIN_TRIGRAMS:
        shared = len(own.trigrams & other.trigrams)
        if shared / (len(own.trigrams) + len(other.trigrams) - shared) >= SHARED_TRIGRAMS:
            return "it is nearly the same as an earlier text"
        if shared / least >= CONTAINED_TRIGRAMS:
            return "it repeats the greater part of an earlier text"
        both = len(own.shingles & other.shingles)
        if both / max(1, len(own.shingles) + len(other.shingles) - both) >= SHARED_SHINGLES:
            return "it is spelled nearly like an earlier text"
    if same_view and len(own.opening) == OPENING_WORDS and own.opening == other.opening:
        return f"it opens with the same {OPENING_WORDS} words as an earlier text"
    return ""
