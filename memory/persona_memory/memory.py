"""The memory that keeps its records in the journal and finds them again through Chroma."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from persona.errors import ChromaServerAway, ForgetsNothing
from persona.forgetting.tombstones import Tombstones
from persona.memory import Health, Memory, Query, Recalled, Record, RecordKind, State
from persona.recall import Scoring, grid, rounded
from persona.reflection import changes
from persona.store import open_store, writing

from . import journal
from .embedder import Embedder
from .folder_model import embedder_at
from .index import ChromaIndex, IndexBroken
from .keeper import Keeper
from .reflect import insights_of
from .server import ServerPlace, space_of
from .shelves import HELD_BYTES, Shelves
from .switch import Switch

if TYPE_CHECKING:
    from persona.definition import Persona

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
        embedding: str = "default",
        index: ChromaIndex | None = None,
    ) -> None:
        """`scoring` is by the name that records have in `persona`; others are served with the defaults.

        `embedder` is the model that is wanted, `embedding` what the personas file calls it; the one that the journal
        is of stays in use until the wanted one has shown what it finds. `index` is by default one in `folder`.
        """
        self._engine = engine
        self._scoring = dict(scoring or {})
        wanted = embedder or embedder_at(embedding, folder)
        self._switch = Switch(engine, wanted, embedding, lambda place: embedder_at(place, folder))
        self._keeper = Keeper(engine, index or ChromaIndex(folder / "chroma"))
        self._model_settled = self._served = False
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
        embedding = _shared(personas, "embedding") or "default"
        url = _shared(personas, "url")
        index = ChromaIndex(ServerPlace(url, space_of(engine))) if url else None
        return cls(engine=engine, folder=folder, scoring=scoring, embedding=embedding, index=index)

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
        return rounded(self._switch.active.embed(texts))

    def remember(self, records: Sequence[Record], session: object) -> int:
        writing = cast(Session, session)
        gone = Tombstones(writing)
        records = [r for r in records if r.author == r.persona or not gone.author(r.author, r.channel)]
        told = Counter(record.id for record in records)
        known = journal.known(writing, list(told))
        new = {record.id: record for record in records if record.id not in known}
        vectors = self.embed([record.text for record in new.values()])
        journal.add(writing, list(new.values()), vectors, self._switch.active.name)
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
        wanted = insights_of(
            writing, persona, subjects=subjects, model=self._switch.active.name, embed=self.embed, now=now
        )
        fresh, successors = changes(wanted, journal.insights(writing, persona))
        self.remember(fresh, session)
        self.restore([record.id for record in fresh], session)
        self.supersede(successors, now, session)
        return fresh

    def sync(self) -> None:
        with self._lock:
            try:
                self._sync()
            except (IndexBroken, ChromaServerAway) as error:
                # A server that goes away later must not stop the persona: recall reads the journal meanwhile.
                if not (self._served and self._keeper.index.remote):
                    raise
                _log.warning("the index cannot be reached; recall reads the journal: %s", error)
            self._served = True

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
        with self._lock:
            return self._keeper.health()

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
                self._keeper.rebuild()
            return gone

    def erase(self, record_ids: Sequence[str]) -> None:
        with self._lock:
            self._shelves.clear()
            self._keeper.rebuild()

    def embed_again(self) -> int:
        """Embed all texts with the model of the personas file, without trying it first; return how many."""
        with self._lock:
            count = self._switch.embed_all()
            self._model_settled = True
            self._shelves.clear()
            self._keeper.rebuild()
            return count

    def remarks(self) -> Sequence[str]:
        with self._lock:
            said = [f"vectors by {self._switch.active.name}"]
            if size := self._keeper.index.size():
                said.append(f"{size >> 10} KiB of index files")
            if tried := self._switch.refused:
                before = f"{tried.before:.0%}" if tried.before is not None else "not known"
                said.append(
                    f"the embedding model {tried.model} was tried on {tried.probes} probes and not taken: it finds "
                    f"{tried.after:.0%}, the present one {before}"
                )
            return said

    def reindex(self, persona: str | None = None) -> int:
        """Rebuild the whole index: Chroma leaves the old vectors behind when only one collection is deleted."""
        with self._lock:
            self._keeper.rebuild()
            return sum(seen.count for name, seen in self._keeper.seen.items() if persona in (None, name))

    def close(self) -> None:
        with self._lock:
            self._keeper.close()
            self._shelves.close()
            if self._own_engine:
                self._engine.dispose()
            self._model_settled = False

    def list(
        self, persona: str, *, kind: RecordKind | None = None, limit: int = 50, state: State = "valid"
    ) -> Sequence[Record]:
        with self._engine.connect() as connection:
            return journal.newest(connection, persona, kind, limit, state)

    def _index_first(self) -> None:
        """Hold the index against the journal once, before the first recall: vectors may be of another model."""
        if not self._model_settled or not self._keeper.checked:
            try:
                self._sync()
            except (IndexBroken, ChromaServerAway) as error:
                _log.warning("recall goes without the index, which cannot be rebuilt: %s", error)

    def _sync(self) -> None:
        if not self._model_settled:
            changed = self._switch.settle()
            self._model_settled = True
            if changed:
                self._shelves.clear()
                self._keeper.rebuild()
        self._keeper.sync()


def _shared(personas: Sequence[Persona], name: str) -> str | None:
    """Return a setting that all personas of one data folder share."""
    values = {getattr(persona.memory, name) for persona in personas}
    if len(values) > 1:
        raise ValueError(f"all personas of one data folder share one memory.{name}; put it under `defaults`")
    return values.pop() if values else None
