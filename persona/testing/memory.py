"""A memory in RAM for tests: the contract without a database, an index or a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from persona.clock import as_utc
from persona.digest import digest
from persona.errors import ForgetsNothing
from persona.memory import Health, Memory, Query, Recalled, Record, RecordKind, State
from persona.recall import Scoring, grid, rounded
from persona.reflection import WINDOW, Groups, assign, changes, conclude
from persona.shelf import Shelf

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from persona.definition import Persona

# Inside the class, `list` is the contract's method.
Found = list[Recalled]
Answers = list[Found]


class HashEmbedder:
    """Words and letter trigrams, hashed into places of a vector. Alike texts get alike vectors; no model."""

    def __init__(self, dimensions: int = 256) -> None:
        self.dimensions = dimensions
        self.name = f"hash@{dimensions}"
        self._places: dict[str, tuple[int, float]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector per text; a text without letters gets the first unit vector."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float64)
        for vector, text in zip(vectors, texts, strict=True):
            for gram, times in sorted(Counter(_grams(text)).items()):
                place, sign = self._place(gram)
                vector[place] += sign * times**0.5
            if not vector.any():
                vector[0] = 1.0
            vector /= np.sqrt((vector**2).sum())
        return vectors.astype(np.float32)

    def _place(self, gram: str) -> tuple[int, float]:
        if gram not in self._places:
            number = int(digest(gram, size=8), 16)
            self._places[gram] = ((number >> 1) % self.dimensions, 1.0 if number & 1 else -1.0)
        return self._places[gram]


class RamMemory(Memory):
    """Keeps records in a dictionary. It writes no journal rows: `session` may be anything, and nothing is undone.

    `calls` counts the texts that were embedded, for tests that forbid waste.
    """

    def __init__(self, scoring: Mapping[str, Scoring] | None = None) -> None:
        self._scoring = dict(scoring or {})
        self._embedder = HashEmbedder()
        self._records: dict[str, Record] = {}
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self.calls = 0

    @classmethod
    def open(cls, *, engine: Engine, folder: Path, personas: Sequence[Persona]) -> Self:
        """Make an empty one with the default scoring; nothing is read or written."""
        return cls()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += len(texts)
        return rounded(self._embedder.embed(texts))

    def remember(self, records: Sequence[Record], session: object = None) -> int:
        new = {record.id: record for record in records if record.id not in self._records}
        for record, vector in zip(new.values(), self.embed([r.text for r in new.values()]), strict=True):
            self._records[record.id] = replace(record, at=as_utc(record.at), count=1)
            self._vectors[record.id] = vector
        told = Counter(record.id for record in records)
        for one, times in told.items():
            again = times - (one in new)
            self._records[one] = replace(self._records[one], count=self._records[one].count + again)
        return len(new)

    def supersede(self, successors: Mapping[str, str], at: datetime, session: object = None) -> int:
        ending = [one for one in successors if one in self._records and self._records[one].valid_until is None]
        for one in ending:
            self._records[one] = replace(self._records[one], valid_until=as_utc(at), superseded_by=successors[one])
        return len(ending)

    def restore(self, record_ids: Sequence[str], session: object = None) -> int:
        known = [self._records[one] for one in set(record_ids) if one in self._records]
        away = [r.id for r in known if r.valid_until is not None or r.quarantined]
        for one in away:
            self._records[one] = replace(self._records[one], valid_until=None, superseded_by="", quarantined="")
        return len(away)

    def used(self, record_ids: Sequence[str], at: datetime, session: object = None) -> None:
        for one in set(record_ids) & set(self._records):
            times = self._records[one].recalled + 1
            self._records[one] = replace(self._records[one], recalled=times, recalled_at=as_utc(at))

    def reflect(
        self, persona: str, *, subjects: Mapping[str, str], now: datetime, session: object = None
    ) -> Sequence[Record]:
        """Conclude anew from everything, as if it had never reflected."""
        groups = Groups.of(subjects, self._embedder.name)
        own = [r for r in self._records.values() if r.persona == persona and r.within("valid")]
        told = [r for r in own if r.kind == "told"]
        vectors = grid(np.array([self._vectors[r.id] for r in told])) if told else np.zeros((0, 0))
        near = grid(self.embed(list(subjects.values()))) if subjects else np.zeros((0, 0))
        keys = assign(groups, [r.id for r in told], vectors, list(subjects), near, {})
        within = [(key, r) for key, r in zip(keys, told, strict=True) if now - WINDOW < r.at <= now]
        done = [r for r in own if r.kind == "performance" and now - WINDOW < r.at <= now]
        wanted = conclude(persona, within, done, subjects=list(subjects), groups=groups, now=now)
        fresh, successors = changes(wanted, [r for r in own if r.kind == "insight"])
        self.remember(fresh)
        self.restore([record.id for record in fresh])
        self.supersede(successors, now)
        return fresh

    def sync(self) -> None:
        """Do nothing: there is no index to bring up."""

    def recall(self, queries: Sequence[Query]) -> Answers:
        vectors = grid(self.embed([query.text for query in queries]))
        return [self._one(query, vector) for query, vector in zip(queries, vectors, strict=True)]

    def _one(self, query: Query, vector: NDArray[np.float64]) -> Found:
        records = [r for r in self._records.values() if _allows(query, r)]
        shelf = Shelf(records, np.array([self._vectors[r.id] for r in records]) if records else None)
        return shelf.answer(query, vector, self._scoring.get(query.persona, Scoring()))

    def count(self, persona: str) -> int:
        return sum(r.persona == persona for r in self._records.values())

    def forget(self, *, persona: str | None = None, author: str | None = None, record_id: str | None = None) -> int:
        if persona is None and author is None and record_id is None:
            raise ForgetsNothing
        gone = [
            r.id
            for r in self._records.values()
            if persona in (None, r.persona) and author in (None, r.author) and record_id in (None, r.id)
        ]
        fresh = gone
        while fresh:
            fresh = [r.id for r in self._records.values() if r.id not in gone and not set(gone).isdisjoint(r.rests_on)]
            gone = [*gone, *fresh]
        for one in gone:
            del self._records[one], self._vectors[one]
        return len(gone)

    def erase(self, record_ids: Sequence[str]) -> None:
        for one in record_ids:
            self._records.pop(one, None)
            self._vectors.pop(one, None)

    def reindex(self, persona: str | None = None) -> int:
        return len(self._records) if persona is None else self.count(persona)

    def health(self) -> Sequence[Health]:
        counts = Counter(r.persona for r in self._records.values())
        return [Health(persona=p, journal=n, index=n, ok=True) for p, n in sorted(counts.items())]

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def list(
        self, persona: str, *, kind: RecordKind | None = None, limit: int = 50, state: State = "valid"
    ) -> Sequence[Record]:
        records = [
            r for r in self._records.values() if r.persona == persona and kind in (None, r.kind) and r.within(state)
        ]
        return sorted(records, key=lambda r: (-r.at.timestamp(), r.id))[:limit]


def _allows(query: Query, record: Record) -> bool:
    return (
        record.persona == query.persona
        and record.holds(as_utc(query.now))
        and (not query.kinds or record.kind in query.kinds)
        and query.author in (None, record.author)
        and record.source not in query.exclude_sources
    )


def _grams(text: str) -> list[str]:
    words = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    return words + [f"#{w}#"[i : i + 3] for w in words for i in range(len(w))]
