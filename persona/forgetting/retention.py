"""Retention: what is older than its kind is kept for is forgotten, once a day of the run's own clock."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update
from sqlalchemy.orm import Session

from ..parts import Parts
from ..store import InboxRow, JournalRow, OutboxRow, append, get_setting, put_setting, reading, writing
from .erase import empty_events, forget_heard

EVERY = timedelta(days=1)
_SETTING = "tidied"
_UNDER_WAY = ("planned", "held", "ready", "sending")
_PART = 500


def tidy(parts: Parts, now: datetime) -> int:
    """Forget what each persona has kept long enough; return how many records went. Does nothing within a day.

    Rows, log and the mark of the day are written in one transaction, the index follows. With the records of what was
    told go the words and names in inbox, log and traces; an event whose answer is still under way waits for it.
    """
    if not any(persona.memory.retention for persona in parts.personas):
        return 0
    with reading(parts.store) as session:
        last = get_setting(session, _SETTING)
    if last and now - datetime.fromisoformat(last["at"]) < EVERY:
        return 0
    gone: list[str] = []
    with writing(parts.store) as session:
        _overwrite(session.connection())
        for persona in parts.personas:
            counts: Counter[str] = Counter()
            for kind, keep in sorted(persona.memory.retention.items()):
                ids = _faded(session, persona.handle, kind, now - keep)
                counts[kind] += len(ids)
                gone += ids
                if kind == "told":
                    counts["events"] += _events(session, persona.handle, now - keep)
            if +counts:
                append(session, at=now, persona=persona.handle, kind="tidied", counts=dict(sorted((+counts).items())))
        put_setting(session, _SETTING, {"at": now.isoformat()})
    if gone:
        parts.memory.erase(gone)
    return len(gone)


def _faded(session: Session, handle: str, kind: str, until: datetime) -> list[str]:
    """Delete the records of this kind from before `until`, and what rests on them; return their ids, sorted."""
    table = JournalRow.__table__.c
    old = {
        *session.scalars(select(table.record_id).where(table.persona == handle, table.kind == kind, table.at < until))
    }
    if old and "rests_on" in table:
        rows = session.execute(select(table.record_id, table.rests_on).where(table.persona == handle)).all()
        while fresh := {one for one, base in rows if one not in old and not old.isdisjoint(base or ())}:
            old |= fresh
    ids = sorted(old)
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        session.execute(delete(JournalRow).where(table.record_id.in_(part)))
        if "superseded_by" in table:
            session.execute(update(JournalRow).where(table.superseded_by.in_(part)).values({"superseded_by": ""}))
    return ids


def _events(session: Session, handle: str, until: datetime) -> int:
    waiting = select(OutboxRow.inbox_id).where(OutboxRow.state.in_(_UNDER_WAY), OutboxRow.inbox_id.is_not(None))
    old = session.scalars(
        select(InboxRow.id)
        .where(InboxRow.persona == handle, InboxRow.at < until, InboxRow.state != "new", InboxRow.id.not_in(waiting))
        .where(or_(InboxRow.text != "[forgotten]", InboxRow.author != "[forgotten]"))
        .order_by(InboxRow.id)
    ).all()
    forget_heard(session, until, handle)
    return empty_events(session, old)


def _overwrite(connection: Connection) -> None:
    # What is deleted is overwritten with zeros, as far as the database can; the file itself is not rewritten daily.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
