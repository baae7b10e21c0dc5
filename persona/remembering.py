"""What a persona remembers of what it has said."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from .memory import Record, RecordKind, record_id
from .plan import Subject
from .store import InboxRow, OutboxRow
from .text import promised_in


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
