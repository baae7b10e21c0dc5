"""All that is held about a person, as plain data: what `forget` would erase, and where else their name stands."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..store import InboxRow, JournalRow, LogRow, OutboxRow, PostRow, TraceRow
from .erase import quoting, words_of
from .person import Person, traces_of
from .tombstones import Tombstones

_PART = 500


def held_about(session: Session, people: Sequence[Person]) -> dict[str, Any]:
    """Return every row that is theirs or was made of what they said, by table, and counts of where others name them.

    Other people's words are counted, not shown: they are not theirs to have. Vectors are in base64 (float32).
    """
    held = traces_of(session, people)
    quoting(session, held, words_of(session, held))
    words = words_of(session, held)
    tombstones = Tombstones(session)
    tables = {
        "inbox": _rows(session, InboxRow, InboxRow.id, held.inbox),
        "journal": _rows(session, JournalRow, JournalRow.record_id, held.records),
        "outbox": _rows(session, OutboxRow, OutboxRow.id, held.outbox),
        "posts": _rows(session, PostRow, PostRow.outbox_id, held.outbox),
        "traces": _rows(session, TraceRow, TraceRow.outbox_id, held.outbox),
        "log": [
            _plain(row)
            for row in session.scalars(select(LogRow).order_by(LogRow.seq))
            if words.about(row.body) or row.body.get("key") in words.keys
        ],
    }
    mine = set(held.inbox)
    texts = session.execute(select(InboxRow.id, InboxRow.text))
    return {
        "people": [{"author": person.author, "channel": person.channel} for person in people],
        "held": {name: rows for name, rows in tables.items() if rows},
        "named by others": sum(words.named(text) for row_id, text in texts if row_id not in mine),
        "forgotten before": any(tombstones.author(person.author, person.channel) for person in people),
    }


def _rows(session: Session, row: Any, column: Any, values: Sequence[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(values), _PART):
        part = select(row).where(column.in_(values[start : start + _PART]))
        found += [_plain(each) for each in session.scalars(part)]
    return found


def _plain(row: Any) -> dict[str, Any]:
    return {column.key: _value(getattr(row, column.key)) for column in row.__table__.columns}


def _value(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    return value
