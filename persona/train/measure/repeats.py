"""Variety: how many word pairs are new, and how often a persona says the same again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ...digest import seed_of
from ..corpus import Example
from .judged import given
from .vectors import Embed

WINDOW = 1000
"""Word pairs a window. The share of different pairs falls with the length of a text, so all are cut to one length."""
CLOSE = 0.9
GRAM = 5
_WORD = re.compile(r"\w+(?:['’]\w+)*")

Gram = tuple[str, ...]


def distinct_2(texts: Mapping[str, str]) -> float:
    """Return the share of different pairs among neighbouring words, in windows of 1,000 pairs (or all, if fewer).

    The texts are joined in an order drawn by digest; pairs do not reach over the end of a text.
    """
    pairs = [
        pair for key in sorted(texts, key=lambda key: (seed_of("pairs", key), key)) for pair in _grams(texts[key], 2)
    ]
    size = min(WINDOW, len(pairs))
    if not size:
        return 0.0
    windows = [pairs[at : at + size] for at in range(0, len(pairs) - size + 1, size)]
    return sum(len(set(window)) for window in windows) / (size * len(windows))


def repeats(examples: Sequence[Example], texts: Mapping[str, str], embed: Embed) -> list[bool]:
    """Tell of each draft whether it repeats another draft of its persona.

    It does if the cosine to the nearest of them is above 0.9, or if they share five words in a row that stand in
    neither brief: what was given to both may be said by both.
    """
    by_handle: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_handle[example.handle].append(example)
    found: dict[str, bool] = {}
    for own in by_handle.values():
        vectors = embed([texts[example.key] for example in own])
        cosines = vectors @ vectors.T
        grams = [_own_grams(example, texts[example.key]) for example in own]
        for i, example in enumerate(own):
            found[example.key] = any(
                cosines[i, j] > CLOSE or bool(grams[i] & grams[j]) for j in range(len(own)) if j != i
            )
    return [found[example.key] for example in examples]


def _own_grams(example: Example, text: str) -> set[Gram]:
    brief = example.brief
    known = {gram for source in (*given(brief), brief.comment) for gram in _grams(source, GRAM)}
    return set(_grams(text, GRAM)) - known


def _grams(text: str, size: int) -> list[Gram]:
    words = _WORD.findall(text.casefold())
    return [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
