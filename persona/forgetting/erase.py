"""Taking people out of the store: one transaction, from what was found of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import JSON, CursorResult, Text, delete, select, update
from sqlalchemy.orm import Session

from ..store import (
    InboxRow,
    JournalRow,
    LogRow,
    OutboxRow,
    PostRow,
    Table,
    TraceRow,
    get_setting,
    put_setting,
)
from .person import Traces
from .words import FORGOTTEN, Words

Embed = Callable[[Sequence[str]], Any]
OPEN = ("planned", "held", "ready")
UNREMEMBERED = "unremembered"
"""the setting that lists what delivery has yet to remember"""
_KEPT_OF_LOG = ("key", "channel", "what", "id", "slot")
_HANDLED = ("inbox", "journal", "log", "outbox", "posts", "traces", "forgettings", "tombstones")
_PART = 500
REASON = "forgotten: what it answers or quotes was erased"


def words_of(session: Session, held: Traces) -> Words:
    """Return the words and names of these people, without those that the persona or others used as well."""
    mine = set(held.outbox)
    own = [
        (body, at)
        for row_id, body, at in session.execute(select(OutboxRow.id, OutboxRow.body, OutboxRow.drafted_at))
        if at is not None and row_id not in mine
    ]
    theirs = set(held.inbox)
    others = (text for row_id, text in session.execute(select(InboxRow.id, InboxRow.text)) if row_id not in theirs)
    return Words(held, own, others)


def quoting(session: Session, held: Traces, words: Words) -> None:
    """Add to `held` the drafts that take up the people's words or names on their own, and the records of them."""
    known = set(held.outbox)
    for row_id, key, body, text in session.execute(
        select(OutboxRow.id, OutboxRow.key, OutboxRow.body, OutboxRow.text).where(OutboxRow.body != "")
    ):
        if row_id not in known and words.quoted(f"{body}\n{text}"):
            held.outbox.append(row_id)
            held.keys.append(key)


def erase(session: Session, held: Traces, words: Words, *, embed: Embed) -> Counter[str]:
    """Erase in the caller's transaction; return what was removed and changed, by table.

    Rows of the outbox stay with their key and state, so that nothing is posted twice; those that were not out yet
    never go out. Other people's texts stay, with the erased people's handles replaced.
    """
    counts: Counter[str] = Counter()
    counts["journal removed"] = _delete(session, JournalRow, JournalRow.record_id, held.records)
    counts["inbox removed"] = _delete(session, InboxRow, InboxRow.id, held.inbox)
    counts["traces removed"] = _delete(session, TraceRow, TraceRow.outbox_id, held.outbox)
    for row in _rows(session, OutboxRow, OutboxRow.id, held.outbox):
        counts["outbox emptied"] += _empty(row)
        counts["posts that stay on their network"] += row.remote_id is not None
    for post in _rows(session, PostRow, PostRow.outbox_id, held.outbox):
        counts["posts emptied"] += post.text != FORGOTTEN
        post.text, post.in_reply_to = FORGOTTEN, None
    late = get_setting(session, UNREMEMBERED)
    if late:
        put_setting(session, UNREMEMBERED, {"rows": [one for one in late["rows"] if one not in set(held.outbox)]})
    counts["log rows emptied"] = _log(session, words)
    counts["traces changed"] = _traces(session, words)
    counts["journal changed"] = _journal(session, held, words, embed)
    counts["inbox changed"] = _inbox(session, held, words)
    counts["outbox changed"] = _subjects(session, words)
    counts["other rows changed"] = _others(session, words)
    session.flush()
    return +counts


def _empty(row: OutboxRow) -> bool:
    changed = row.text != FORGOTTEN
    if row.state in OPEN:
        row.state = "expired"
    elif row.state == "sending":
        # Whether it went out can only be seen on the network now; it must not go out again.
        row.state = "unknown"
    row.body = row.text = FORGOTTEN
    row.reasons = [REASON] if row.state != "sent" else []
    row.subject = {name: row.subject[name] for name in ("mode", "topic", "product") if name in row.subject}
    row.in_reply_to, row.inbox_id, row.next_try_at, row.cleared = None, None, None, []
    return changed


def _log(session: Session, words: Words) -> int:
    count = 0
    for row in session.scalars(select(LogRow).order_by(LogRow.seq).execution_options(yield_per=_PART)):
        body: Mapping[str, Any] = row.body
        if words.about(body) or body.get("key") in words.keys:
            fresh = {name: body[name] for name in _KEPT_OF_LOG if name in body} | {"forgotten": True}
        else:
            # What another person said is not the persona's quotation, only the names in it are replaced.
            fresh = words.without(body, quotes=row.kind != "heard")
        if fresh != body:
            row.body, count = fresh, count + 1
    return count


def _traces(session: Session, words: Words) -> int:
    count = 0
    for row in session.scalars(select(TraceRow).order_by(TraceRow.id).execution_options(yield_per=_PART)):
        fresh = words.without(row.body, quotes=True)
        if fresh != row.body:
            row.body, count = fresh, count + 1
    return count


def _subjects(session: Session, words: Words) -> int:
    """Take the people out of what else the outbox holds of them: subjects, reasons, what is answered."""
    count = 0
    for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id).execution_options(yield_per=_PART)):
        subject, reasons = words.without(row.subject, quotes=True), words.without(row.reasons, quotes=True)
        if (subject, reasons) != (row.subject, row.reasons):
            row.subject, row.reasons, count = subject, reasons, count + 1
    return count


def _others(session: Session, words: Words) -> int:
    """Take the people out of the texts of all other tables, such as the reasons of alarms."""
    count = 0
    for table in Table.metadata.sorted_tables:
        columns = [c for c in table.c if isinstance(c.type, Text | JSON) and not c.primary_key]
        if table.name in _HANDLED or not columns:
            continue
        keys = list(table.primary_key.columns)
        for row in session.execute(select(*keys, *columns)).all():
            old = {column.name: row._mapping[column] for column in columns}
            new = {name: words.without(value, quotes=True) for name, value in old.items()}
            if new != old:
                where = [key == row._mapping[key] for key in keys]
                session.execute(update(table).where(*where).values(new))
                count += 1
    return count


def _journal(session: Session, held: Traces, words: Words, embed: Embed) -> int:
    """Replace the people's names in what is remembered of others, and give these records the vectors of their texts."""
    table = JournalRow.__table__.c
    links = [column for column in table if column.name == "superseded_by"]
    for column in links:
        for part in _parts(held.records):
            session.execute(update(JournalRow).where(column.in_(part)).values({column.name: ""}))
    named, others = [], 0
    for row in session.execute(select(table.seq, table.text, table.extra, table.source, table.dimensions)).all():
        extra, source = words.without(row.extra, quotes=True), words.without(row.source, quotes=False)
        if words.named(row.text):
            named.append((row.seq, words.without_names(row.text), row.dimensions))
        if (extra, source) != (row.extra, row.source):
            session.execute(update(JournalRow).where(table.seq == row.seq).values(extra=extra, source=source))
            others += 1
    vectors = embed([text for _, text, _ in named]) if named else []
    for (seq, text, dimensions), vector in zip(named, vectors, strict=True):
        values: dict[str, object] = {"text": text}
        if len(vector) == dimensions:
            # A memory that is on its way to another model gives all texts new vectors soon.
            values["vector"] = vector.astype("<f4").tobytes()
        session.execute(update(JournalRow).where(table.seq == seq).values(values))
    return len(named) + others


def _inbox(session: Session, held: Traces, words: Words) -> int:
    """Replace names in what others said, and the ids of erased posts that they answered."""
    posts, count = set(held.posts), 0
    for row in session.scalars(select(InboxRow).order_by(InboxRow.id).execution_options(yield_per=_PART)):
        text, about, thread = words.without_names(row.text), row.about_id, row.thread_id
        about, thread = (FORGOTTEN if one in posts else one for one in (about, thread))
        if (text, about, thread) != (row.text, row.about_id, row.thread_id):
            row.text, row.about_id, row.thread_id = text, about, thread
            count += 1
    return count


def empty_events(session: Session, ids: Sequence[int]) -> int:
    """Blank the words and the author of these events, their log rows and the traces that quote them, and keep the rows.

    For what has been kept long enough: an event that is still there is not taken in again.
    """
    count = 0
    for row in _rows(session, InboxRow, InboxRow.id, ids):
        row.text, row.author = FORGOTTEN, FORGOTTEN
        count += 1
    answers = select(OutboxRow.id).where(OutboxRow.inbox_id.in_(ids))
    session.execute(delete(TraceRow).where(TraceRow.outbox_id.in_(answers)))
    return count


def forget_heard(session: Session, until: datetime, handle: str) -> int:
    """Empty the log's rows of what was said to `handle` before `until`."""
    count = 0
    where = (LogRow.kind == "heard", LogRow.persona == handle, LogRow.at < until)
    for row in session.scalars(select(LogRow).where(*where)):
        if not row.body.get("forgotten"):
            row.body, count = {"what": row.body.get("what", ""), "forgotten": True}, count + 1
    return count


def _delete(session: Session, row: Any, column: Any, values: Sequence[Any]) -> int:
    count = 0
    for part in _parts(values):
        gone = session.execute(delete(row).where(column.in_(part)))
        count += cast(CursorResult[Any], gone).rowcount
    return count


def _rows(session: Session, row: Any, column: Any, values: Sequence[Any]) -> Iterator[Any]:
    for part in _parts(values):
        yield from session.scalars(select(row).where(column.in_(part)).order_by(row.id))


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + _PART] for start in range(0, len(values), _PART))
