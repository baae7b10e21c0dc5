"""Records end, are superseded, quarantined, counted when used, and grouped for reflection; posts count likes."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from persona.store import tables

revision = "0003_memory"
down_revision = "0002_delivery"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("valid_until", tables.Instant(timezone=True), nullable=True),
        sa.Column("superseded_by", sa.String(length=64), nullable=False, server_default=""),
        sa.Column("rests_on", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("quarantined", sa.Text(), nullable=False, server_default=""),
        sa.Column("recalled", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("recalled_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("gist", sa.String(length=64), nullable=False, server_default=""),
    )
    for column in columns:
        op.add_column("journal", column)
    for name in ("likes", "boosts"):
        op.add_column("posts", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.create_index("journal_gist", "journal", ["persona", "gist"], unique=False)
