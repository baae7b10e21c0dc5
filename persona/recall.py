"""How records are scored against a query. Every memory that uses it gives the same answer for the same records.

Vectors are kept on a grid of six decimals. On that grid a dot product is a sum of integers below 2**53, which
float64 adds without rounding, so relevance does not depend on the order of the sum, the size of the batch or the
linear algebra library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

_GRID = 1_000_000
SAME = 0.92
"""Two records whose cosine is above this say the same thing; only the better one is recalled."""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What counts how much, and after how long a memory has faded to one half."""

    relevance: float = 0.7
    recency: float = 0.2
    importance: float = 0.1
    half_life: timedelta = timedelta(days=7)

    @property
    def total(self) -> float:
        return (self.relevance + self.recency + self.importance) or 1.0

    def ceiling(self, relevance: float) -> float:
        """Return the best score that a record of at most this relevance can have."""
        return (self.relevance * relevance + self.recency + self.importance) / self.total


@dataclass(frozen=True, kw_only=True)
class Pool:
    """The records to choose among, as columns. `vectors` is what `grid` returns, one row per record."""

    ids: Sequence[str]
    at: Sequence[datetime]
    importance: Sequence[float]
    trust: Sequence[float]
    vectors: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One chosen record: its place in the pool, its score and the score's parts."""

    index: int
    score: float
    parts: dict[str, float]


def rounded(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return unit vectors rounded to the grid, as they are stored and searched."""
    return np.round(vectors.astype(np.float64), 6).astype(np.float32)


def grid(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return stored vectors as whole numbers of millionths."""
    return np.rint(vectors.astype(np.float64) * _GRID)


def cosine(rows: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine of each row to `vector`, both on the grid."""
    return np.asarray((rows @ vector) / float(_GRID) ** 2, dtype=np.float64)


def choose(pool: Pool, vector: NDArray[np.float64], *, now: datetime, limit: int, scoring: Scoring) -> list[Choice]:
    """Return the `limit` best records of `pool`, best first; equal scores go by id.

    score = (w1 * relevance + w2 * recency + w3 * importance) * trust / (w1 + w2 + w3). A record that nearly
    repeats a better one is passed over.
    """
    if not pool.ids or limit < 1:
        return []
    relevance = np.clip(cosine(pool.vectors, vector), 0.0, 1.0)
    half = scoring.half_life.total_seconds() or 1.0
    recency = np.array([0.5 ** (max((now - at).total_seconds(), 0.0) / half) for at in pool.at])
    importance, trust = np.asarray(pool.importance, dtype=np.float64), np.asarray(pool.trust, dtype=np.float64)
    blend = scoring.relevance * relevance + scoring.recency * recency + scoring.importance * importance
    score = np.round(blend * trust / scoring.total, 6)
    chosen: list[int] = []
    for i in sorted(range(len(pool.ids)), key=lambda i: (-score[i], pool.ids[i])):
        if chosen and float(cosine(pool.vectors[chosen], pool.vectors[i]).max()) > SAME:
            continue
        chosen.append(i)
        if len(chosen) == limit:
            break
    return [
        Choice(
            index=i,
            score=float(score[i]),
            parts={
                "relevance": round(float(relevance[i]), 6),
                "recency": round(float(recency[i]), 6),
                "importance": round(float(importance[i]), 6),
                "trust": round(float(trust[i]), 6),
            },
        )
        for i in chosen
    ]
