"""What a persona remembers of what it has said, at once or, where memory fails, later."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from .memory import Record, RecordKind, record_id
from .parts import Parts
from .plan import Subject
from .store import InboxRow, OutboxRow, get_setting, put_setting, reading, writing
from .text import promised_in

log = logging.getLogger(__name__)

_UNREMEMBERED = "unremembered"


def records_of(session: Session, row: OutboxRow, now: datetime) -> list[Record]:
    """Return what a persona keeps of what it said: the text itself, and a promise if it made one."""
    subject = Subject.from_json(row.subject)
    kind: RecordKind = "post" if row.kind == "post" else "reply"
    heard = session.get(InboxRow, row.inbox_id) if row.inbox_id is not None else None
    extra = {"topic": subject.topic, "mode": subject.mode}
    if heard:
        extra |= {"to": heard.author, "thread": heard.thread_id or heard.about_id or ""}
    records = [
        Record(
            id=record_id(persona=row.persona, kind=kind, author=row.persona, text=row.body, source=row.key),
            persona=row.persona,
            kind=kind,
            text=row.body,
            at=now,
            author=row.persona,
            source=row.key,
            channel=row.channel,
            importance=0.5 if kind == "post" else 0.3,
            extra=extra,
        )
    ]
    promise = promised_in(row.body) if heard else ""
    if heard and promise:
        # The record is the promise's other party: what it says is the persona's own sentence.
        records.append(
            Record(
                id=record_id(persona=row.persona, kind="promise", author=heard.author, text=promise, source=row.key),
                persona=row.persona,
                kind="promise",
                text=promise,
                at=now,
                author=heard.author,
                source=row.key,
                channel=row.channel,
                importance=0.9,
                extra=extra,
            )
        )
    return records


def remember(parts: Parts, session: Session, row: OutboxRow, at: datetime) -> None:
    """Remember what went out. Live, a memory that fails does not undo what is out: it is told later."""
    if not parts.live:
        parts.memory.remember(records_of(session, row, at), session)
        return
    try:
        with session.begin_nested():
            parts.memory.remember(records_of(session, row, at), session)
    except Exception:
        log.exception("what was sent as %s could not be remembered; it will be", row.key)
        late = get_setting(session, _UNREMEMBERED) or {"rows": []}
        put_setting(session, _UNREMEMBERED, {"rows": [*late["rows"], row.id]})


def remember_late(parts: Parts, now: datetime) -> None:
    """Remember what could not be remembered when it went out."""
    with reading(parts.store) as session:
        if not (get_setting(session, _UNREMEMBERED) or {"rows": []})["rows"]:
            return
    with writing(parts.store) as session:
        late = get_setting(session, _UNREMEMBERED) or {"rows": []}
        for row_id in late["rows"]:
            row = session.get_one(OutboxRow, row_id)
            parts.memory.remember(records_of(session, row, row.sent_at or now), session)
        put_setting(session, _UNREMEMBERED, {"rows": []})
