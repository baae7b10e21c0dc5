"""Batches for the embedding model: words hidden by a seeded draw, and pairs of which no two belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..digest import rng_of, seed_of
from .near import plain
from .sentences import Masked, Pairs, Sentences

_SHARE = 0.15
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”’)]*\s+")
_LEAST_WORDS = 3

Pair = tuple[str, str]
"""A query and the text that belongs to it."""


def masked(sentences: Sentences, texts: Sequence[str], *, seed: int, epoch: int, size: int = 16) -> list[Masked]:
    """Return batches of `size` texts; which words are hidden follows from text, seed and epoch alone."""
    rows = [row for row in sentences.tokens(texts) if len(row) > _LEAST_WORDS]
    rows.sort(key=len)
    batches = []
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        changed: list[tuple[int, ...]] = []
        hidden: list[tuple[int, int, int]] = []
        for line, row in enumerate(part):
            new, places = _hide(sentences, row, seed, epoch)
            changed.append(new)
            hidden += [(line, place, row[place]) for place in places]
        batches.append(Masked(rows=tuple(changed), hidden=tuple(hidden)))
    return batches


def _hide(sentences: Sentences, row: tuple[int, ...], seed: int, epoch: int) -> tuple[tuple[int, ...], list[int]]:
    random = rng_of("hide", seed, epoch, row)
    own = [place for place, token in enumerate(row) if token not in sentences.special] or [0]
    places = sorted(random.sample(own, max(round(_SHARE * len(own)), 1)))
    new = list(row)
    for place in places:
        draw = random.random()
        if draw < 0.8:
            new[place] = sentences.mask
        elif draw < 0.9:
            new[place] = random.randrange(sentences.words)
    return tuple(new), places


def paired(sentences: Sentences, pairs: Sequence[Pair], *, seed: int, epoch: int, size: int = 32) -> list[Pairs]:
    """Return batches of up to `size` pairs with no query and no text twice: each would be the other's wrong answer.

    A pair that is alone in its batch teaches nothing and is left out.
    """
    order = sorted(pairs, key=lambda pair: seed_of("pair", seed, epoch, pair))
    batches: list[list[Pair]] = []
    known: list[set[str]] = []
    first = 0
    for pair in order:
        names = {plain(pair[0]), plain(pair[1])}
        for place in range(first, len(batches)):
            if len(batches[place]) < size and not names & known[place]:
                batches[place].append(pair)
                known[place] |= names
                break
        else:
            batches.append([pair])
            known.append(set(names))
        while first < len(batches) and len(batches[first]) == size:
            first += 1
    found = []
    for batch in batches:
        if len(batch) > 1:
            queries = sentences.tokens([query for query, _ in batch])
            texts = sentences.tokens([text for _, text in batch])
            found.append(Pairs(queries=tuple(queries), texts=tuple(texts)))
    return found


def halves(texts: Sequence[str]) -> list[Pair]:
    """Return, of each text of two sentences or more, the first and the rest: what stood together belongs together.

    This is the inverse cloze task of Lee et al. 2019 (arXiv:1906.00300), with the first sentence as the query.
    """
    pairs = []
    for text in texts:
        first, *rest = _SENTENCE.split(text.strip())
        second = " ".join(rest)
        if min(len(plain(first).split()), len(plain(second).split())) >= _LEAST_WORDS:
            pairs.append((first, second))
    return pairs
