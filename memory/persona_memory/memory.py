"""The memory that keeps its records in the journal and finds them again through Chroma."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from persona.errors import ForgetsNothing
from persona.memory import Health, Memory, Query, Recalled, Record, RecordKind, State
from persona.recall import Scoring, grid, rounded
from persona.reflection import changes
from persona.store import open_store, writing

from . import journal
from .embedder import Embedder
from .index import ChromaIndex, IndexBroken
from .journal import Standing
from .minilm import MiniLM
from .reflect import insights_of
from .shelves import HELD_BYTES, Shelves

if TYPE_CHECKING:
    from persona.definition import Persona

T = TypeVar("T")
# Inside the class, `list` is the contract's method.
Found = list[Recalled]
Answers = list[Found]
_log = logging.getLogger(__name__)
_DEFAULT = Scoring()


class ChromaMemory(Memory):
    """The journal is the truth, shelves in RAM are its copy, Chroma is its index.

    Every record that a query allows is scored from the journal's own vectors, so that the answer hangs on the journal
    alone. An index that is damaged or behind is mended from the journal without the model.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        folder: Path,
        scoring: Mapping[str, Scoring] | None = None,
        embedder: Embedder | None = None,
        held_bytes: int = HELD_BYTES,
    ) -> None:
        """`scoring` is by the name that records have in `persona`; others are served with the defaults."""
        self._engine = engine
        self._scoring = dict(scoring or {})
        self._embedder: Embedder = embedder or MiniLM()
        self._index = ChromaIndex(folder / "chroma")
        self._seen: dict[str, Standing] = {}
        self._checked = False
        self._lock = RLock()
        self._shelves = Shelves(engine, held_bytes)
        self._own_engine = False

    @classmethod
    def open(cls, *, engine: Engine, folder: Path, personas: Sequence[Persona]) -> Self:
        scoring: dict[str, Scoring] = {}
        for persona in personas:
            weights = persona.memory.weights
            one = Scoring(
                **weights.model_dump(),
                half_life=persona.memory.half_life,
            )
            scoring.setdefault(persona.name, one)
            scoring[persona.handle] = one
        return cls(engine=engine, folder=folder, scoring=scoring)

    @classmethod
    def at(cls, folder: Path | str, **settings: Any) -> Self:
        """Open a memory of its own in `folder`, without the engine; `close` lets go of its database too.

        `settings` are those of the constructor. The folder is made if it is not there. `keep` writes to it.
        """
        memory = cls(engine=open_store(Path(folder)), folder=Path(folder), **settings)
        memory._own_engine = True
        return memory

    def keep(self, records: Sequence[Record]) -> int:
        """Remember records in a transaction of its own; they are durable when it returns how many were new."""
        with writing(self._engine) as session:
            return self.remember(records, session)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return rounded(self._embedder.embed(texts))

    def remember(self, records: Sequence[Record], session: object) -> int:
        writing = cast(Session, session)
        told = Counter(record.id for record in records)
        known = journal.known(writing, list(told))
        new = {record.id: record for record in records if record.id not in known}
        vectors = self.embed([record.text for record in new.values()])
        journal.add(writing, list(new.values()), vectors, self._embedder.name)
        for record_id in sorted(told):
            if again := told[record_id] - (record_id in new):
                journal.raise_count(writing, record_id, again)
        return len(new)

    def supersede(self, successors: Mapping[str, str], at: datetime, session: object) -> int:
        return journal.supersede(cast(Session, session), successors, at)

    def restore(self, record_ids: Sequence[str], session: object) -> int:
        return journal.restore(cast(Session, session), record_ids)

    def used(self, record_ids: Sequence[str], at: datetime, session: object) -> None:
        journal.used(cast(Session, session), record_ids, at)

    def reflect(self, persona: str, *, subjects: Mapping[str, str], now: datetime, session: object) -> Sequence[Record]:
        writing = cast(Session, session)
        wanted = insights_of(writing, persona, subjects=subjects, model=self._embedder.name, embed=self.embed, now=now)
        fresh, successors = changes(wanted, journal.insights(writing, persona))
        self.remember(fresh, session)
        self.restore([record.id for record in fresh], session)
        self.supersede(successors, now, session)
        return fresh

    def sync(self) -> None:
        with self._lock:
            self._mending(self._sync)

    def recall(self, queries: Sequence[Query]) -> Answers:
        if not queries:
            return []
        with self._lock:
            self._index_first()
            vectors = grid(self.embed([query.text for query in queries]))
            found: Answers = [[] for _ in queries]
            # Persona by persona, so that no shelf is read twice where not all fit.
            for i in sorted(range(len(queries)), key=lambda i: queries[i].persona):
                scoring = self._scoring.get(queries[i].persona, _DEFAULT)
                found[i] = self._shelves.get(queries[i].persona).answer(queries[i], vectors[i], scoring)
            return found

    def health(self) -> Sequence[Health]:
        with self._lock, self._engine.connect() as connection:
            report = []
            for persona, standing in journal.standing(connection).items():
                wanted = journal.ids(connection, persona)
                cause = ""
                held: list[str] = []
                try:
                    held = self._index.ids(persona)
                except IndexBroken as error:
                    cause = str(error)
                if not cause and held != wanted:
                    missing, extra = len(set(wanted) - set(held)), len(set(held) - set(wanted))
                    cause = f"{missing} records are missing in the index and {extra} are not in the journal"
                report.append(
                    Health(persona=persona, journal=standing.count, index=len(held), ok=not cause, cause=cause)
                )
            return report

    def count(self, persona: str) -> int:
        with self._engine.connect() as connection:
            standing = journal.standing(connection).get(persona)
        return standing.count if standing else 0

    def forget(self, *, persona: str | None = None, author: str | None = None, record_id: str | None = None) -> int:
        if persona is None and author is None and record_id is None:
            raise ForgetsNothing
        with self._lock:
            with self._engine.begin() as connection:
                gone = journal.forget(connection, persona=persona, author=author, record_id=record_id)
            if gone:
                self._rebuild()
            return gone

    def reindex(self, persona: str | None = None) -> int:
        """Rebuild the whole index: Chroma leaves the old vectors behind when only one collection is deleted."""
        with self._lock:
            self._rebuild()
            return sum(seen.count for name, seen in self._seen.items() if persona in (None, name))

    def close(self) -> None:
        with self._lock:
            self._index.close()
            self._shelves.close()
            if self._own_engine:
                self._engine.dispose()
            self._seen.clear()
            self._checked = False

    def list(
        self, persona: str, *, kind: RecordKind | None = None, limit: int = 50, state: State = "valid"
    ) -> Sequence[Record]:
        with self._engine.connect() as connection:
            return journal.newest(connection, persona, kind, limit, state)

    def _index_first(self) -> None:
        """Hold the index against the journal once, before the first recall: vectors may be of another model."""
        if not self._checked:
            try:
                self._mending(self._sync)
            except IndexBroken as error:
                _log.warning("recall goes without the index, which cannot be rebuilt: %s", error)

    def _mending(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except IndexBroken as error:
            _log.warning("the memory's index is rebuilt from the journal: %s", error)
        self._index.destroy()
        self._seen.clear()
        return action()

    def _rebuild(self) -> None:
        self._index.destroy()
        self._seen.clear()
        self._mending(self._sync)

    def _sync(self) -> None:
        with self._engine.connect() as connection:
            now = journal.standing(connection)
        if not self._checked:
            self._renew(list(now))
            if self._index.strangers(list(now)):
                raise IndexBroken("it holds a persona of whom the journal has nothing")
            self._checked = True
        if gone := sorted(set(self._seen) - set(now)):
            raise IndexBroken(f"all records of {', '.join(gone)} have left the journal")
        for persona, standing in now.items():
            seen = self._seen.get(persona)
            if seen == standing:
                continue
            if seen is None or not self._follow(persona, seen, standing):
                self._compare(persona)
            self._seen[persona] = standing

    def _renew(self, personas: Sequence[str]) -> None:
        """Give new vectors to rows whose vector another model made."""
        renewed = False
        for persona in personas:
            with self._engine.connect() as connection:
                stale = journal.stale(connection, persona, self._embedder.name)
            if stale:
                vectors = self.embed([text for _, text in stale])
                with self._engine.begin() as connection:
                    journal.replace_vectors(connection, [i for i, _ in stale], vectors, self._embedder.name)
                renewed = True
        if renewed:
            self._index.destroy()

    def _follow(self, persona: str, seen: Standing, standing: Standing) -> bool:
        """Add the rows that came since; say whether they account for the difference."""
        with self._engine.connect() as connection:
            ids, vectors = journal.after(connection, persona, seen.last)
        if seen.count + len(ids) != standing.count:
            return False
        self._index.put(persona, ids, vectors)
        return True

    def _compare(self, persona: str) -> None:
        """Hold the ids of the persona's index against the journal's."""
        with self._engine.connect() as connection:
            ids, vectors = journal.after(connection, persona, 0)
        held = set(self._index.ids(persona))
        if held - set(ids):
            raise IndexBroken(f"it holds records of {persona} that have left the journal")
        missing = [i for i, record_id in enumerate(ids) if record_id not in held]
        if missing:
            self._index.put(persona, [ids[i] for i in missing], vectors[missing])
