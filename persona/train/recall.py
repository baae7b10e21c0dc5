"""How often a query finds its own text among all others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .batches import Pair
from .near import plain

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Recall:
    """Shares in percent of the queries with a right text at the first place, and among the first ten.

    `ranks` holds the place of each query's best right text, from 0, in the order of the queries.
    """

    at_1: float
    at_10: float
    ranks: tuple[int, ...]

    def better_than(self, other: Recall) -> bool:
        """Tell whether one of the two shares is higher and none is lower."""
        mine, its = (self.at_1, self.at_10), (other.at_1, other.at_10)
        return mine != its and all(own >= before for own, before in zip(mine, its, strict=True))


def recall(embed: Embed, held: Sequence[Pair], others: Sequence[str] = ()) -> Recall:
    """Look for each held-out query's text among all held-out texts and `others`. Equal texts count once."""
    right: dict[str, set[str]] = defaultdict(set)
    queries: dict[str, str] = {}
    texts: dict[str, str] = {}
    for query, text in held:
        right[plain(query)].add(plain(text))
        queries.setdefault(plain(query), query)
        texts.setdefault(plain(text), text)
    for text in others:
        texts.setdefault(plain(text), text)
    places = {name: place for place, name in enumerate(texts)}
    found = embed(list(texts.values()))
    asked = embed(list(queries.values()))
    ranks = []
    for name, vector in zip(queries, asked, strict=True):
        scores = found @ vector
        best = max(scores[places[text]] for text in right[name])
        # A tie counts against it: a model that makes all texts one finds nothing.
        own = {places[text] for text in right[name]}
        ranks.append(sum(1 for place in np.flatnonzero(scores >= best) if place not in own))
    shares = [100 * sum(rank < k for rank in ranks) / max(len(ranks), 1) for k in (1, 10)]
    return Recall(at_1=round(shares[0], 2), at_10=round(shares[1], 2), ranks=tuple(ranks))
