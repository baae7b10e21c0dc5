"""Records of one persona in RAM, ready to be searched: columns, vectors and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .clock import as_utc
from .lexical import Postings, terms
from .memory import KINDS, Query, Recalled, Record
from .recall import Floats, Pool, Scoring, Wanted, choose, grid, micros, tokens_of

_NEVER = np.iinfo(np.int64).max
_BITS = {kind: 1 << i for i, kind in enumerate(KINDS)}
_BYTES = 900
"""of a record without its vector and words: what Python takes for its text, ids and times"""


@dataclass(kw_only=True)
class _Sieve:
    """What queries narrow by, as columns. A kind is a bit; authors and sources are numbered."""

    kind: NDArray[np.int16]
    author: NDArray[np.int32]
    source: NDArray[np.int32]
    until: NDArray[np.int64]
    hidden: NDArray[np.bool_]
    authors: Mapping[str, int]
    sources: Mapping[str, int]


class Shelf:
    """One persona's records with their vectors; answers as every memory must."""

    def __init__(self, records: Sequence[Record] = (), vectors: NDArray[np.float32] | None = None) -> None:
        """`vectors` are as they are stored, one row per record."""
        self.records: list[Record] = []
        self._vectors = np.zeros((0, 0), dtype=np.float32)
        self._postings = Postings()
        self._pool: tuple[Pool, _Sieve, Scoring] | None = None
        if vectors is not None:
            self.extend(records, vectors)

    @property
    def nbytes(self) -> int:
        """About how much RAM it takes."""
        return self._vectors.nbytes + self._postings.nbytes + len(self.records) * _BYTES

    def extend(self, records: Sequence[Record], vectors: NDArray[np.float32]) -> None:
        """Add records behind those that are there."""
        if not records:
            return
        rows = grid(vectors).astype(np.float32)
        self._vectors = np.concatenate([self._vectors, rows]) if self.records else rows
        self._postings.extend([terms(f"{record.author} {record.text}") for record in records])
        self.replace([*self.records, *records])

    def replace(self, records: Sequence[Record]) -> None:
        """Take what changed of the same records in the same places: ends, quarantine, counts."""
        self.records = [*records]
        self._pool = None

    def answer(self, query: Query, vector: Floats, scoring: Scoring) -> list[Recalled]:
        """Return what `query` finds; `vector` is its vector on the grid."""
        if not self.records or query.limit < 1:
            return []
        if self._pool is None or self._pool[2] != scoring:
            self._pool = (_pool(self.records, self._vectors, self._postings, scoring), _sieve(self.records), scoring)
        pool, sieve, _ = self._pool
        wanted = Wanted.of(query.text, vector, now=query.now, limit=query.limit, tokens=query.tokens)
        sizes = [tokens_of(record.text) for record in self.records] if query.tokens else ()
        chosen = choose(pool, wanted, scoring, _allowed(query, pool, sieve), sizes)
        return [Recalled(record=self.records[one.index], score=one.score, parts=one.parts) for one in chosen]


def _pool(records: Sequence[Record], vectors: NDArray[np.float32], postings: Postings, scoring: Scoring) -> Pool:
    rank = np.empty(len(records), dtype=np.int64)
    rank[sorted(range(len(records)), key=lambda i: records[i].id)] = np.arange(len(records))
    threads: dict[tuple[str, str], int] = {}
    numbers = [
        threads.setdefault((r.channel, r.extra["thread"]), len(threads) + 1) if r.extra.get("thread") else 0
        for r in records
    ]
    return Pool(
        rank=rank,
        at=np.array([micros(r.at) for r in records], dtype=np.int64),
        used=np.array([micros(r.recalled_at or r.at) for r in records], dtype=np.int64),
        importance=np.array([r.importance for r in records], dtype=np.float64),
        trust=np.array([r.trust * scoring.kinds.get(r.kind, 1.0) for r in records], dtype=np.float64),
        thread=np.array(numbers, dtype=np.int32),
        vectors=vectors,
        postings=postings,
    )


def _sieve(records: Sequence[Record]) -> _Sieve:
    authors: dict[str, int] = {}
    sources: dict[str, int] = {}
    return _Sieve(
        kind=np.array([_BITS[r.kind] for r in records], dtype=np.int16),
        author=np.array([authors.setdefault(r.author, len(authors)) for r in records], dtype=np.int32),
        source=np.array([sources.setdefault(r.source, len(sources)) for r in records], dtype=np.int32),
        until=np.array([micros(r.valid_until) if r.valid_until else _NEVER for r in records], dtype=np.int64),
        hidden=np.array([bool(r.quarantined) for r in records]),
        authors=authors,
        sources=sources,
    )


def _allowed(query: Query, pool: Pool, sieve: _Sieve) -> NDArray[np.bool_]:
    """Return which records hold at the query's time and pass its filters."""
    now = micros(as_utc(query.now))
    allowed = (pool.at <= now) & (sieve.until > now) & ~sieve.hidden
    if query.kinds:
        allowed &= (sieve.kind & sum(_BITS[kind] for kind in set(query.kinds))) != 0
    if query.author is not None:
        allowed &= sieve.author == sieve.authors.get(query.author, -1)
    for source in query.exclude_sources:
        if source in sieve.sources:
            allowed &= sieve.source != sieve.sources[source]
    return allowed
