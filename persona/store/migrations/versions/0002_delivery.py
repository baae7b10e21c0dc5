"""Leases, channel states, counted calls and alarms."""

import sqlalchemy as sa
from alembic import op

from persona.store import tables

revision = "0002_delivery"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind in (
        ("tried_at", tables.Instant(timezone=True)),
        ("lease_owner", sa.String(length=120)),
        ("lease_until", tables.Instant(timezone=True)),
        ("approved_at", tables.Instant(timezone=True)),
    ):
        op.add_column("outbox", sa.Column(name, kind, nullable=True))
    op.add_column("outbox", sa.Column("cleared", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("outbox", sa.Column("products", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "channel_states",
        sa.Column("persona", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=4), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", tables.Instant(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", tables.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("persona", "channel", "what"),
    )
    op.create_table(
        "channel_calls",
        sa.Column("persona", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=80), nullable=False),
        sa.Column("bucket", tables.Instant(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("persona", "channel", "bucket"),
    )
    op.create_table(
        "alarms",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", tables.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", tables.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("until", tables.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
