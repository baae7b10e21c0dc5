"""The journal: every record with its vector, in the project's own database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, CursorResult, Row, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from persona.clock import as_utc
from persona.memory import Record, RecordKind, State
from persona.store.tables import JournalRow

J = JournalRow.__table__.c
_COLUMNS = (
    J.record_id, J.persona, J.kind, J.text, J.at, J.author, J.source,
    J.channel, J.importance, J.trust, J.language, J.extra, J.valid_until, J.superseded_by, J.rests_on,
    J.quarantined, J.count, J.recalled, J.recalled_at,
)  # fmt: skip
_SUMS = (
    func.max(J.seq), func.count(), func.sum(J.count), func.sum(J.recalled), func.max(J.recalled_at),
    func.count(J.valid_until), func.max(J.valid_until), func.min(J.valid_until), func.sum(J.quarantined != ""),
    func.count(func.nullif(J.superseded_by, "")), func.sum(J.importance), func.sum(J.trust),
    func.min(J.model), func.max(J.model),
)  # fmt: skip
_CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How much the journal holds for one persona, and up to which row."""

    count: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What tells whether one persona's rows have changed: added, taken away, or altered in place."""

    last: int = 0
    sums: tuple[object, ...] = ()


def to_matrix(blobs: Sequence[bytes]) -> NDArray[np.float32]:
    """Return stored vectors as rows. All must have the same dimension."""
    if not blobs:
        return np.zeros((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), -1).astype(np.float32)


def columns() -> tuple[ColumnElement[Any], ...]:
    """Return what `to_record` reads."""
    return _COLUMNS


def to_record(row: Row[Any]) -> Record:
    """Return a row of the journal as a record."""
    return Record(
        id=row.record_id, persona=row.persona, kind=cast(RecordKind, row.kind), text=row.text, at=row.at,
        author=row.author, source=row.source, channel=row.channel, importance=row.importance, trust=row.trust,
        language=row.language, extra=dict(row.extra), valid_until=row.valid_until, superseded_by=row.superseded_by,
        rests_on=tuple(row.rests_on), quarantined=row.quarantined, count=row._mapping["count"],
        recalled=row.recalled, recalled_at=row.recalled_at,
    )  # fmt: skip


def known(session: Session, ids: Sequence[str]) -> set[str]:
    """Return those of `ids` that have a row."""
    found: set[str] = set()
    for part in _chunks(sorted(set(ids))):
        found.update(session.execute(select(J.record_id).where(J.record_id.in_(part))).scalars())
    return found


def add(session: Session, records: Sequence[Record], vectors: NDArray[np.float32], model: str) -> None:
    """Insert rows, in the order given."""
    rows = [
        {
            "record_id": r.id, "persona": r.persona, "kind": r.kind, "text": r.text, "at": as_utc(r.at),
            "author": r.author, "source": r.source, "channel": r.channel, "importance": r.importance,
            "trust": r.trust, "language": r.language, "extra": dict(r.extra), "count": 1, "model": model,
            "dimensions": len(v), "vector": v.astype("<f4").tobytes(), "valid_until": r.valid_until,
            "superseded_by": r.superseded_by, "rests_on": [*r.rests_on], "quarantined": r.quarantined,
        }
        for r, v in zip(records, vectors, strict=True)
    ]  # fmt: skip
    if rows:
        session.execute(insert(JournalRow.__table__), rows)  # type: ignore[arg-type]


def raise_count(session: Session, record_id: str, by: int) -> None:
    """Note that a record was told again."""
    session.execute(
        update(JournalRow).where(J.record_id == record_id).values(count=J.count + by),
        execution_options={"synchronize_session": False},
    )


def supersede(session: Session, successors: Mapping[str, str], at: datetime) -> int:
    """End the rows of these ids at `at`, each with its successor; return how many had not ended before."""
    return sum(
        _change(session, J.record_id == old, J.valid_until.is_(None), valid_until=as_utc(at), superseded_by=new)
        for old, new in sorted(successors.items())
    )


def restore(session: Session, ids: Sequence[str]) -> int:
    """Take end, successor and quarantine from the rows of these ids; return how many had one."""
    fault = or_(J.valid_until.is_not(None), J.quarantined != "")
    return sum(
        _change(session, J.record_id.in_(part), fault, valid_until=None, superseded_by="", quarantined="")
        for part in _chunks(sorted(set(ids)))
    )


def used(session: Session, ids: Sequence[str], at: datetime) -> None:
    """Count one more use of the rows of these ids, at `at`."""
    for part in _chunks(sorted(set(ids))):
        _change(session, J.record_id.in_(part), recalled=J.recalled + 1, recalled_at=as_utc(at))


def _change(session: Session, *where: ColumnElement[bool], **values: object) -> int:
    statement = update(JournalRow).where(*where).values(**values)
    changed = session.execute(statement, execution_options={"synchronize_session": False})
    return cast(CursorResult[Any], changed).rowcount


def standing(connection: Connection) -> dict[str, Standing]:
    """Return, by persona, how much the journal holds."""
    rows = connection.execute(select(J.persona, func.count(), func.max(J.seq)).group_by(J.persona).order_by(J.persona))
    return {row[0]: Standing(count=row[1], last=row[2]) for row in rows}


def after(connection: Connection, persona: str, seq: int) -> tuple[list[str], NDArray[np.float32]]:
    """Return ids and vectors of the persona's rows after row `seq`, in order."""
    rows = connection.execute(
        select(J.record_id, J.vector).where(J.persona == persona, J.seq > seq).order_by(J.seq)
    ).all()
    return [row.record_id for row in rows], to_matrix([row.vector for row in rows])


def ids(connection: Connection, persona: str) -> list[str]:
    """Return the ids of the persona's rows, sorted."""
    return list(connection.execute(select(J.record_id).where(J.persona == persona).order_by(J.record_id)).scalars())


def dimensions(connection: Connection) -> set[int]:
    """Return the dimensions of the vectors that the journal holds."""
    return set(connection.execute(select(J.dimensions).distinct()).scalars())


def stamp(connection: Connection, persona: str, last: int | None = None) -> Stamp:
    """Return the stamp of the persona's rows, up to row `last` if that is given."""
    where = [J.persona == persona] + ([J.seq <= last] if last is not None else [])
    row = connection.execute(select(*_SUMS).where(*where)).one()
    return Stamp(last=row[0] or 0, sums=tuple(row))


def records(connection: Connection, persona: str, after: int, last: int) -> list[Record]:
    """Return the persona's rows behind row `after` up to row `last`, in order."""
    where = (J.persona == persona, J.seq > after, J.seq <= last)
    rows = cast(Sequence[Row[Any]], connection.execute(select(*_COLUMNS).where(*where).order_by(J.seq)).all())
    return [to_record(row) for row in rows]


def newest(connection: Connection, persona: str, kind: str | None, limit: int, state: State) -> list[Record]:
    """Return records in one state, newest first."""
    where = [J.persona == persona] + ([J.kind == kind] if kind else [])
    if state != "all":
        where.append(J.quarantined != "" if state == "quarantined" else J.quarantined == "")
    if state in ("valid", "ended"):
        where.append(J.valid_until.is_(None) if state == "valid" else J.valid_until.is_not(None))
    query = select(*_COLUMNS).where(*where).order_by(J.at.desc(), J.record_id).limit(limit)
    return [to_record(row) for row in cast(Sequence[Row[Any]], connection.execute(query).all())]


def insights(session: Session, persona: str) -> list[Record]:
    """Return the persona's insights that hold, oldest first."""
    where = (J.persona == persona, J.kind == "insight", J.valid_until.is_(None))
    rows = cast(Sequence[Row[Any]], session.execute(select(*_COLUMNS).where(*where).order_by(J.seq)).all())
    return [to_record(row) for row in rows]


def forget(connection: Connection, *, persona: str | None, author: str | None, record_id: str | None) -> int:
    """Delete the rows that match every criterion given, and what was derived from them; return how many."""
    given = ((J.persona, persona), (J.author, author), (J.record_id, record_id))
    where = [column == value for column, value in given if value is not None]
    gone = set(connection.execute(select(J.record_id).where(*where)).scalars())
    gone |= derived_from(connection, gone)
    for part in _chunks(sorted(gone)):
        connection.execute(delete(JournalRow).where(J.record_id.in_(part)))
    return len(gone)


def derived_from(connection: Connection, ids: Collection[str]) -> set[str]:
    """Return the ids of all rows that rest on one of `ids`, directly or through others."""
    rows = connection.execute(select(J.record_id, J.rests_on).where(J.kind.in_(("insight", "performance")))).all()
    found: set[str] = set()
    while fresh := {
        row.record_id for row in rows if row.record_id not in found and not found.union(ids).isdisjoint(row.rests_on)
    }:
        found |= fresh
    return found


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
