"""How records are scored against a query. Every memory that uses it gives the same answer for the same records.

Vectors are kept on a grid of six decimals. On that grid a dot product is a sum of integers below 2**53, which
float64 adds without rounding, so relevance does not depend on the order of the sum, the size of the batch or the
linear algebra library. Means and deviations are taken of whole millionths for the same reason.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from .lexical import Postings, terms
from .times import Span, span_of

Floats = NDArray[np.float64]
_GRID = 1_000_000
_BLOCK = 512
SAMPLE = 512
"""From how many cosines at most their mean and deviation are taken: of the records with the lowest ids."""
SAME = 0.92
"""Two records whose cosine is above this say the same thing; only the better one is recalled."""
REACH = 4
"""How many turns before and after a record of a conversation speak for it."""
PARTS = ("relevance", "words", "neighbours", "time", "recency", "importance", "trust")
"""The names of a score's parts, in their order."""
_SOFT = 4.0
_FADE = timedelta(days=2) / timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What counts how much, and after how long a memory has faded to one half.

    `relevance` and `words` weigh standard scores: how many deviations a record's cosine, or its BM25 score, lies
    above the mean of all records that may be answered with. `neighbours` is what share of its score a turn of a
    conversation gives to the next one, a step further the square of it, and so on. The other weights are added for
    a full match. `kinds` multiplies the score of whole kinds.
    """

    relevance: float = 1.0
    words: float = 0.7
    neighbours: float = 0.45
    time: float = 3.5
    recency: float = 0.2
    importance: float = 0.1
    half_life: timedelta = timedelta(days=7)
    kinds: Mapping[str, float] = field(default_factory=dict)


@dataclass(kw_only=True)
class Pool:
    """Records to choose among, as columns, one place per record.

    `rank` is a record's place when all ids of the pool are sorted. `at` and `used` are microseconds since 1970:
    when it was made, and when it was last recalled (`at` if never). `thread` numbers conversations, 0 for none.
    `trust` has the kind's factor in it. `vectors` are what `grid` returns, in float32, which holds them exactly.
    """

    rank: NDArray[np.int64]
    at: NDArray[np.int64]
    used: NDArray[np.int64]
    importance: Floats
    trust: Floats
    thread: NDArray[np.int32]
    vectors: NDArray[np.float32]
    postings: Postings


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A query made ready: its vector on the grid, its terms, the time it speaks of, and its limits."""

    vector: Floats
    terms: Counter[int]
    span: Span | None
    now: datetime
    limit: int
    tokens: int = 0

    @classmethod
    def of(cls, text: str, vector: Floats, *, now: datetime, limit: int, tokens: int = 0) -> Wanted:
        """Read `text` for words and times."""
        return cls(vector=vector, terms=terms(text), span=span_of(text, now), now=now, limit=limit, tokens=tokens)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One chosen record: its place in the pool, its score and the score's parts."""

    index: int
    score: float
    parts: dict[str, float]


def rounded(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return unit vectors rounded to the grid, as they are stored and searched."""
    return np.round(vectors.astype(np.float64), 6).astype(np.float32)


def grid(vectors: NDArray[np.float32]) -> Floats:
    """Return stored vectors as whole numbers of millionths."""
    return np.rint(vectors.astype(np.float64) * _GRID)


def cosine(rows: NDArray[np.float32] | Floats, vector: Floats) -> Floats:
    """Return the cosine of each row to `vector`, both on the grid."""
    if len(rows) <= _BLOCK:
        return np.asarray((rows.astype(np.float64) @ vector) / float(_GRID) ** 2, dtype=np.float64)
    return np.concatenate([cosine(rows[i : i + _BLOCK], vector) for i in range(0, len(rows), _BLOCK)])


def micros(at: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text costs a writer: one for four bytes, as is usual for English."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def choose(
    pool: Pool, wanted: Wanted, scoring: Scoring, allowed: NDArray[np.bool_] | None = None, sizes: Sequence[int] = ()
) -> list[Choice]:
    """Return the best records of `pool`, best first; equal scores go by id.

    Only `allowed` places (None: all) are looked at, for statistics and neighbours too. A record that nearly repeats
    a better one is passed over, and so is one that does not fit into what is left of `wanted.tokens`, if that is
    not 0; `sizes` are then the tokens of each record.
    """
    places = np.arange(len(pool.rank)) if allowed is None else np.flatnonzero(allowed)
    if not len(places) or wanted.limit < 1:
        return []
    whole = len(places) == len(pool.rank)
    some: slice | NDArray[np.int64] = slice(None) if whole else places
    meaning = cosine(pool.vectors[some], wanted.vector)
    found, best = pool.postings.score(wanted.terms, None if whole else allowed)
    words = found[some]
    rank, at = pool.rank[some], pool.at[some]
    sample = None if len(places) <= SAMPLE else np.argpartition(rank, SAMPLE)[:SAMPLE]
    base = scoring.relevance * _standard(meaning, sample) + scoring.words * _standard(words, None)
    near = _neighbours(base, pool.thread[some], at, rank, scoring.neighbours)
    now = micros(wanted.now)
    half = (scoring.half_life / timedelta(microseconds=1)) or 1.0
    made, used = np.maximum(now - at, 0) / half, np.maximum(now - pool.used[some], 0) / half
    recency = (np.exp2(-made) + np.exp2(-used)) / 2
    importance, trust = pool.importance[some], pool.trust[some]
    total = base + near + scoring.recency * recency + scoring.importance * importance
    fits = np.zeros(len(places)) if wanted.span is None else _fits(wanted.span, at)
    total += scoring.time * fits
    score = np.round((0.5 + 0.5 * total / (_SOFT + np.abs(total))) * trust, 6)
    chosen = _walk(pool, places, score, rank, wanted, sizes)
    share = words / best if best else words
    columns = (np.clip(meaning[chosen], 0, 1), share[chosen], near[chosen], fits[chosen], recency[chosen])
    parts = np.round(np.array([*columns, importance[chosen], trust[chosen]]).T, 6).tolist()
    best_of = np.minimum(score[chosen], 1.0).tolist()
    return [
        Choice(index=index, score=points, parts=dict(zip(PARTS, values, strict=True)))
        for index, points, values in zip(places[chosen].tolist(), best_of, parts, strict=True)
    ]


def _standard(values: Floats, sample: NDArray[np.int64] | None) -> Floats:
    """Return how many deviations each value lies above the mean; 0 where all are alike."""
    whole = np.rint(values * _GRID)
    some = (whole if sample is None else whole[sample]).astype(np.int64)
    count, total = len(some), int(some.sum())
    spread = count * int(some @ some) - total * total
    if spread <= 0:
        return np.zeros(len(values))
    return np.asarray((whole - total / count) * (count / spread**0.5), dtype=np.float64)


def _neighbours(
    base: Floats, thread: NDArray[np.int32], at: NDArray[np.int64], rank: NDArray[np.int64], weight: float
) -> Floats:
    """Return what the turns around each record add to its score."""
    added = np.zeros(len(base))
    if not weight or not thread.any():
        return added
    order = np.lexsort((rank, at, thread))
    line, values = thread[order], base[order]
    gained = np.zeros(len(base))
    for step in range(1, min(REACH, len(base) - 1) + 1):
        same = weight**step * ((line[step:] == line[:-step]) & (line[step:] > 0))
        gained[step:] += same * values[:-step]
        gained[:-step] += same * values[step:]
    added[order] = gained
    return added


def _fits(span: Span, at: NDArray[np.int64]) -> Floats:
    start, end = micros(span.start), micros(span.end)
    away = np.maximum(np.maximum(start - at, at - (end - 1)), 0)
    return np.asarray(np.exp2(away / -_FADE), dtype=np.float64)


def _walk(
    pool: Pool,
    places: NDArray[np.int64],
    score: Floats,
    rank: NDArray[np.int64],
    wanted: Wanted,
    sizes: Sequence[int],
) -> list[int]:
    most, left = min(wanted.limit, len(places)), wanted.tokens
    chosen: list[int] = []
    rows = np.zeros((0, pool.vectors.shape[1]))
    order = _ordered(score, rank, 4 * wanted.limit)
    while block := list(itertools.islice(order, most)):
        rows = np.concatenate([rows, pool.vectors[places[block]].astype(np.float64)])
        alike = (rows @ rows[-len(block) :].T > SAME * float(_GRID) ** 2).tolist()
        kept = list(range(len(chosen)))
        for line, i in enumerate(block, len(chosen)):
            size = sizes[places[i]] if wanted.tokens else 0
            if size <= left and not any(alike[other][line - len(rows) + len(block)] for other in kept):
                kept.append(line)
                chosen.append(i)
                left -= size
                if len(chosen) == most:
                    return chosen
        rows = rows[kept]
    return chosen


def _ordered(score: Floats, rank: NDArray[np.int64], few: int) -> Iterator[int]:
    """Yield places by falling score, then by id; only the best are sorted until more are asked for."""
    least = np.partition(score, -few)[-few] if len(score) > 4 * few else -np.inf
    for part in (np.flatnonzero(score >= least), np.flatnonzero(score < least)):
        yield from part[np.lexsort((rank[part], -score[part]))].tolist()
