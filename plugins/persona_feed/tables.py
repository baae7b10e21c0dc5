"""The tables of a simulated network, shaped after the Mastodon API that is to be put over them.

Instants are integers, microseconds since 1970 in UTC: exact, sortable, and the same text in every digest.
A status id is `milliseconds << 16 | place within that millisecond`, so ids sort by time; a boost is a status of its
own with `boost_of` set, as on Mastodon.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 1

metadata = MetaData()

about = Table("about", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("handle", String(60), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("bio", Text, nullable=False),
    Column("bot", Boolean, nullable=False),
    Column("language", String(12), nullable=False),
    Column("time_zone", String(60), nullable=False),
    Column("interests", JSON, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("followers", Integer, nullable=False, default=0),
    Column("following", Integer, nullable=False, default=0),
    Column("statuses", Integer, nullable=False, default=0),
)

statuses = Table(
    "statuses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("author_id", ForeignKey("accounts.id"), nullable=False),
    Column("key", String(200)),
    Column("text", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("edited_at", Integer),
    Column("in_reply_to_id", ForeignKey("statuses.id")),
    Column("thread_id", Integer, nullable=False),
    Column("boost_of", ForeignKey("statuses.id")),
    Column("visibility", String(10), nullable=False, default="public"),
    Column("sensitive", Boolean, nullable=False, default=False),
    Column("spoiler_text", Text, nullable=False, default=""),
    Column("language", String(12), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("likes", Integer, nullable=False, default=0),
    Column("boosts", Integer, nullable=False, default=0),
    Column("replies", Integer, nullable=False, default=0),
    UniqueConstraint("author_id", "key"),
    UniqueConstraint("author_id", "boost_of"),
    Index("statuses_author", "author_id", "id"),
    Index("statuses_thread", "thread_id", "id"),
    Index("statuses_parent", "in_reply_to_id", "id"),
)

likes = Table(
    "likes",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("status_id", ForeignKey("statuses.id"), primary_key=True),
    Column("created_at", Integer, nullable=False),
    Index("likes_status", "status_id", "account_id"),
)

follows = Table(
    "follows",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("target_id", ForeignKey("accounts.id"), primary_key=True),
    Column("created_at", Integer, nullable=False),
    Index("follows_target", "target_id", "account_id"),
)

mentions = Table(
    "mentions",
    metadata,
    Column("status_id", ForeignKey("statuses.id"), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Index("mentions_account", "account_id", "status_id"),
)

tags = Table(
    "tags",
    metadata,
    Column("tag", String(100), primary_key=True),
    Column("status_id", ForeignKey("statuses.id"), primary_key=True),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("from_id", ForeignKey("accounts.id"), nullable=False),
    Column("status_id", ForeignKey("statuses.id")),
    Column("created_at", Integer, nullable=False),
    Index("notifications_account", "account_id", "id"),
)

steps = Table(
    "steps",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("report", JSON, nullable=False),
)
