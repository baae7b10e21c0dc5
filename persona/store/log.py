"""The log of what happened, and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from ..digest import canonical
from .engine import reading
from .tables import LogRow


def append(session: Session, *, at: datetime, persona: str, kind: str, **body: Any) -> None:
    """Add a row in the caller's transaction. `at` is the run's own time; the body holds no path and no wall clock."""
    session.add(LogRow(at=at, persona=persona, kind=kind, body=body))
    # Rows of one flush have no order of their own; the log's order is the order of these calls.
    session.flush()


def rows(engine: Engine) -> Iterator[LogRow]:
    """Yield all rows in order."""
    with reading(engine) as session:
        yield from session.scalars(select(LogRow).order_by(LogRow.seq)).yield_per(500)


def line_of(row: LogRow) -> str:
    """Return a row as one line of canonical JSON, without its number."""
    return canonical({"at": row.at, "persona": row.persona, "kind": row.kind, "body": row.body})


def log_digest(engine: Engine) -> tuple[int, str]:
    """Return how many rows there are and the SHA-256 of their lines: equal logs have equal digests."""
    count, sha = 0, hashlib.sha256()
    for row in rows(engine):
        count += 1
        sha.update(line_of(row).encode() + b"\n")
    return count, sha.hexdigest()
