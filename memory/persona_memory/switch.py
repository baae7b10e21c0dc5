"""Which embedding model the memory works with, and how it goes over to another one.

All texts are embedded by the new model beside the old vectors (a shadow). Then both are asked for records by the
second half of their texts; only where the new one finds them about as well do its vectors take the place of the old.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.orm import Session

from persona.digest import digest
from persona.errors import MixedVectors, PersonaError
from persona.recall import rounded
from persona.store import JournalRow, ShadowRow, get_setting, put_setting

from .embedder import Embedder
from .journal import to_matrix

_log = logging.getLogger(__name__)
J = JournalRow.__table__.c
S = ShadowRow.__table__.c
_SETTING = "embedding"
PROBES = 200
AT = 5
"""A probe is found if its record is among so many of the persona's."""
SLACK = 0.02
"""So much lower may the new model's share of found probes be."""
_LEAST_WORDS = 6
_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class Tried:
    """How two models did on the same probes: the share of records found. `before` is None if the old one is gone."""

    model: str
    probes: int
    before: float | None
    after: float

    @property
    def holds(self) -> bool:
        return self.before is None or self.after >= self.before - SLACK


class Switch:
    """The model of a data folder. `opener` opens a model by its place, for the one that was used until now."""

    def __init__(self, engine: Engine, wanted: Embedder, place: str, opener: Callable[[str], Embedder]) -> None:
        self._engine = engine
        self._wanted, self._place, self._opener = wanted, place, opener
        self._active: Embedder | None = None

    @property
    def active(self) -> Embedder:
        """The model that the journal's vectors are of; the one of the personas file where there are none."""
        if self._active is None:
            with self._engine.connect() as connection:
                found = _models(connection)
            self._active = self._wanted if not found or self._wanted.name in found else self._former(found)
        return self._active or self._wanted

    @property
    def refused(self) -> Tried | None:
        """What the model of the personas file did, if it was tried and not taken."""
        with self._engine.connect() as connection, Session(connection) as session:
            kept = (get_setting(session, _SETTING) or {}).get("refused")
        return Tried(**kept) if kept and kept["model"] == self._wanted.name else None

    def settle(self) -> bool:
        """Go over to the model of the personas file if that holds; say whether the vectors changed.

        Raises MixedVectors where the journal holds vectors of several models, none of which was on its way out.
        """
        with self._engine.connect() as connection:
            found = _models(connection)
        former = None if set(found) <= {self._wanted.name} else self._former(found)
        # What was remembered by the new model after the old one had gone is on its way, not mixed.
        on_its_way = len(found) == 2 and self._wanted.name in found and former is None
        if len(found) > 1 and not on_its_way:
            names = ", ".join(f"{name}: {count} records of {size}" for name, (size, count) in sorted(found.items()))
            raise MixedVectors(models_text=names)
        if set(found) <= {self._wanted.name}:
            self._active = self._wanted
            self._note({"model": self._wanted.name, "place": self._place})
            return False
        if self.refused is not None:
            self._active = former or self._wanted
            return False
        return self._try(former)

    def embed_all(self) -> int:
        """Embed every text with the model of the personas file, whatever it finds; return how many."""
        count = self._shadow()
        self._take()
        return count

    def _former(self, found: dict[str, tuple[int, int]]) -> Embedder | None:
        with self._engine.connect() as connection, Session(connection) as session:
            place = str((get_setting(session, _SETTING) or {}).get("place", "default"))
        try:
            former = self._opener(place)
        except (PersonaError, OSError, ValueError):
            return None
        return former if former.name in found else None

    def _try(self, former: Embedder | None) -> bool:
        self._shadow()
        tried = self._probe(former)
        said = f"of {tried.probes} probes {tried.after:.0%} are found"
        if tried.before is not None:
            said += f", {tried.before:.0%} by the old one"
        if not tried.holds:
            _log.warning("the embedding model %s is not taken: %s", self._wanted.name, said)
            self._active = former
            with self._engine.begin() as connection:
                connection.execute(delete(ShadowRow))
            self._note({"refused": tried.__dict__})
            return False
        _log.info("the embedding model %s is taken: %s", self._wanted.name, said)
        self._take()
        return True

    def _shadow(self) -> int:
        """Embed what has no shadow yet, by batches that are each kept: a kill costs one of them."""
        missing = (
            select(J.record_id, J.text)
            .where(J.record_id.not_in(select(S.record_id).where(S.model == self._wanted.name)))
            .order_by(J.seq)
            .limit(_BATCH)
        )
        count = 0
        while True:
            with self._engine.connect() as connection:
                rows = connection.execute(missing).all()
            if not rows:
                return count
            vectors = rounded(self._wanted.embed([row.text for row in rows]))
            values = [
                {"record_id": row.record_id, "model": self._wanted.name, "dimensions": len(v), "vector": _blob(v)}
                for row, v in zip(rows, vectors, strict=True)
            ]
            with self._engine.begin() as connection:
                connection.execute(insert(ShadowRow), values)
            count += len(rows)

    def _probe(self, former: Embedder | None) -> Tried:
        with self._engine.connect() as connection:
            rows = connection.execute(select(J.record_id, J.persona, J.text)).all()
            long = [row for row in rows if len(row.text.split()) >= _LEAST_WORDS]
            chosen = sorted(long, key=lambda row: digest("probe", row.record_id))[:PROBES]
            queries = [" ".join(row.text.split()[len(row.text.split()) // 2 :]) for row in chosen]
            before = None
            if former is not None:
                vectors = select(J.record_id, J.persona, J.vector)
                before = _share(connection, vectors, chosen, rounded(former.embed(queries)))
            shadows = select(J.record_id, J.persona, S.vector).join(ShadowRow, S.record_id == J.record_id)
            shadows = shadows.where(S.model == self._wanted.name)
            after = _share(connection, shadows, chosen, rounded(self._wanted.embed(queries)))
        return Tried(model=self._wanted.name, probes=len(chosen), before=before, after=after)

    def _take(self) -> None:
        one = select(S.vector).where(S.record_id == J.record_id, S.model == self._wanted.name)
        size = select(S.dimensions).where(S.record_id == J.record_id, S.model == self._wanted.name)
        with self._engine.begin() as connection:
            connection.execute(
                update(JournalRow).values(
                    vector=one.scalar_subquery(), dimensions=size.scalar_subquery(), model=self._wanted.name
                )
            )
            connection.execute(delete(ShadowRow))
            with Session(connection) as session:
                put_setting(session, _SETTING, {"model": self._wanted.name, "place": self._place})
                session.flush()
        self._active = self._wanted

    def _note(self, values: dict[str, Any]) -> None:
        with self._engine.connect() as connection, Session(connection) as session:
            kept = get_setting(session, _SETTING) or {}
        if {**kept, **values} != kept or ("refused" in kept and "model" in values):
            fresh = {**kept, **values}
            if "model" in values:
                fresh.pop("refused", None)
            with Session(self._engine) as session, session.begin():
                put_setting(session, _SETTING, fresh)


def _models(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return by model (dimensions, records). Two sizes under one name count as two models."""
    rows = connection.execute(select(J.model, J.dimensions, func.count()).group_by(J.model, J.dimensions)).all()
    names = [row[0] for row in rows]
    return {(name if names.count(name) == 1 else f"{name} ({size})"): (size, count) for name, size, count in rows}


def _share(connection: Connection, query: Any, chosen: Sequence[Any], vectors: NDArray[np.float32]) -> float:
    """Return the share of the chosen records that are among the nearest of their persona to their own probe."""
    found = 0
    for persona in sorted({row.persona for row in chosen}):
        rows = connection.execute(query.where(J.persona == persona)).all()
        ids = [row[0] for row in rows]
        places = [i for i, row in enumerate(chosen) if row.persona == persona]
        scores = vectors[places] @ to_matrix([row[2] for row in rows]).T
        nearest = np.argsort(-scores, axis=1, kind="stable")[:, :AT]
        found += sum(chosen[i].record_id in {ids[n] for n in near} for i, near in zip(places, nearest, strict=True))
    return found / len(chosen) if chosen else 1.0


def _blob(vector: NDArray[np.float32]) -> bytes:
    return vector.astype("<f4").tobytes()
