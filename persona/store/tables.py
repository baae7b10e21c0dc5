"""The tables of a data folder, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

BigKey = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware instant. Kept in UTC; a naive one is refused on the way in, an aware one comes out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """The base of all tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: Text,
    }


class Setting(Table):
    """One named value about the data folder itself (its kind, its rehearsal's state)."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[dict[str, Any]]


class SlotRow(Table):
    """A planned time to post, once per persona, slot name and local date, whatever the clocks do."""

    __tablename__ = "slots"
    __table_args__ = (
        UniqueConstraint("persona", "name", "local_date"),
        Index("slots_due", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    persona: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(120))
    local_date: Mapped[date]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(12), default="planned")
    """planned → taken (it is in the outbox) | skipped (with the reason in `note`)"""
    note: Mapped[str] = mapped_column(Text, default="")


class InboxRow(Table):
    """An event of a channel, kept before anything is done about it."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("persona", "channel", "remote_id"),
        Index("inbox_state", "state", "at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    persona: Mapped[str] = mapped_column(String(80))
    channel: Mapped[str] = mapped_column(String(80))
    remote_id: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(12))
    author: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    text: Mapped[str]
    post_id: Mapped[str | None] = mapped_column(String(200))
    about_id: Mapped[str | None] = mapped_column(String(200))
    thread_id: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(12), default="new")
    """new → taken (an answer is in the outbox) | passed (none is due; `note` says why)"""
    note: Mapped[str] = mapped_column(Text, default="")


class CursorRow(Table):
    """How far a persona has read a channel."""

    __tablename__ = "cursors"
    persona: Mapped[str] = mapped_column(String(80), primary_key=True)
    channel: Mapped[str] = mapped_column(String(80), primary_key=True)
    cursor: Mapped[str | None]


class OutboxRow(Table):
    """What must go out, with its key and state. Nothing is sent that is not first here.

    planned → held | ready → sending → sent | unknown | failed | expired; held → ready | rejected by a person.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_due", "state", "due_at"), Index("outbox_persona", "persona", "state"))
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    persona: Mapped[str] = mapped_column(String(80))
    channel: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(8))
    """post | reply"""
    slot_id: Mapped[int | None] = mapped_column(BigKey)
    inbox_id: Mapped[int | None] = mapped_column(BigKey)
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="planned")
    subject: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What it is about: {"topic", "mode", "product", ...}, chosen by code when it is drafted."""
    body: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Text, default="")
    labels: Mapped[list[Any]] = mapped_column(JSON, default=list)
    in_reply_to: Mapped[str | None] = mapped_column(String(200))
    reasons: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Why it is held, failed, expired or unknown, for a person to read."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    """When it was first on its way with its key: from then on the network may know the key."""
    tried_at: Mapped[datetime | None]
    """When it was last on its way."""
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None]
    """Who has it in hand while it is `sending`; another owner leaves it alone until then."""
    approved_at: Mapped[datetime | None]
    cleared: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """The reasons that a person has waived by approving it."""
    products: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the catalogue said, when it was drafted, of each product it speaks of."""
    drafted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    remote_id: Mapped[str | None] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(Text, default="")


class PostRow(Table):
    """A post that is out."""

    __tablename__ = "posts"
    __table_args__ = (Index("posts_persona", "persona", "at"), Index("posts_remote", "channel", "remote_id"))
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    outbox_id: Mapped[int] = mapped_column(BigKey, unique=True)
    persona: Mapped[str] = mapped_column(String(80))
    channel: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(8))
    text: Mapped[str]
    at: Mapped[datetime]
    remote_id: Mapped[str] = mapped_column(String(200))
    in_reply_to: Mapped[str | None] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(Text, default="")
    likes: Mapped[int] = mapped_column(default=0, server_default="0")
    boosts: Mapped[int] = mapped_column(default=0, server_default="0")
    """as many as the channel has told of"""


class TraceRow(Table):
    """How a draft came to be: everything that is needed to say why, one per outbox row."""

    __tablename__ = "traces"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    outbox_id: Mapped[int] = mapped_column(BigKey, unique=True)
    at: Mapped[datetime]
    model: Mapped[str]
    seed: Mapped[str] = mapped_column(String(20))
    body: Mapped[dict[str, Any]]
    """{"cue": {...}, "recalled": [{"id", "kind", "author", "text", "score", "reason"}],
    "messages": [{"role", "content"}], "candidates": [{"text", "logprob", "score", "parts", "chosen"}],
    "verdict": {"decision", "findings": [{"rule", "decision", "reason"}]}}"""


class JournalRow(Table):
    """One record of memory: the truth that the index is built from."""

    __tablename__ = "journal"
    __table_args__ = (
        UniqueConstraint("record_id"),
        Index("journal_persona", "persona", "kind", "at"),
        Index("journal_author", "persona", "author"),
        Index("journal_gist", "persona", "gist"),
    )
    seq: Mapped[int] = mapped_column(BigKey, primary_key=True)
    record_id: Mapped[str] = mapped_column(String(64))
    persona: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(12))
    text: Mapped[str]
    at: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(200))
    channel: Mapped[str] = mapped_column(String(80), default="")
    importance: Mapped[float]
    trust: Mapped[float]
    language: Mapped[str] = mapped_column(String(12))
    extra: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    count: Mapped[int] = mapped_column(default=1)
    valid_until: Mapped[datetime | None]
    superseded_by: Mapped[str] = mapped_column(String(64), default="", server_default="")
    rests_on: Mapped[list[Any]] = mapped_column(JSON, default=list, server_default="[]")
    """ids of the records that a derived one was made of"""
    quarantined: Mapped[str] = mapped_column(Text, default="", server_default="")
    """why it is kept but never recalled; empty for all others"""
    recalled: Mapped[int] = mapped_column(default=0, server_default="0")
    recalled_at: Mapped[datetime | None]
    gist: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """the group of records that reflection put it in; empty until it has"""
    model: Mapped[str] = mapped_column(String(120))
    dimensions: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    """float32, little-endian, `dimensions` numbers, unit length"""


class ChannelRow(Table):
    """How it stands with one account on one channel; there is none while all has always been well."""

    __tablename__ = "channel_states"
    persona: Mapped[str] = mapped_column(String(80), primary_key=True)
    channel: Mapped[str] = mapped_column(String(80), primary_key=True)
    what: Mapped[str] = mapped_column(String(4), primary_key=True)
    """send | poll"""
    state: Mapped[str] = mapped_column(String(8), default="well")
    """well → resting (the breaker is open, or a call hangs) → well; → stopped (a person must resume it)"""
    failures: Mapped[int] = mapped_column(default=0)
    """in a row"""
    not_before: Mapped[datetime | None]
    """No call is made before: the network asked for it, or the breaker rests."""
    reason: Mapped[str] = mapped_column(Text, default="")
    since: Mapped[datetime | None]


class CallRow(Table):
    """How many calls one account made on a channel from `bucket` on, for a share of its rate's window."""

    __tablename__ = "channel_calls"
    persona: Mapped[str] = mapped_column(String(80), primary_key=True)
    channel: Mapped[str] = mapped_column(String(80), primary_key=True)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


class AlarmRow(Table):
    """Something that a person should know of, and whether it is over."""

    __tablename__ = "alarms"
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    reason: Mapped[str]
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class LeaseRow(Table):
    """Who may write to this store; renewed while its holder lives."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    beat: Mapped[int] = mapped_column(BigInteger, default=0)
    until: Mapped[datetime]


class LogRow(Table):
    """What happened, in order: the same seed gives the same rows. No wall-clock times, no paths."""

    __tablename__ = "log"
    seq: Mapped[int] = mapped_column(BigKey, primary_key=True)
    at: Mapped[datetime]
    persona: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(40))
    body: Mapped[dict[str, Any]]


class ShadowRow(Table):
    """The vector that another embedding model gives a record, until it is known whether that model is any better."""

    __tablename__ = "journal_shadow"
    record_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(120), primary_key=True)
    dimensions: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class TombstoneRow(Table):
    """A person or an event that was forgotten, as a salted digest: what comes again is not taken in."""

    __tablename__ = "tombstones"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    """author | event"""


class ForgettingRow(Table):
    """One forgetting, from its beginning on: what was cut off is finished from here."""

    __tablename__ = "forgettings"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(8), default="begun")
    """begun → done"""
    plan: Mapped[str] = mapped_column(Text, default="")
    """Whom and what, in hexadecimal so that no search takes it for a remainder; emptied when it is done."""
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    receipt: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
