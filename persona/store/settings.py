"""Named values about a data folder."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from .tables import Setting


def get_setting(session: Session, name: str) -> dict[str, Any] | None:
    """Return the value kept under `name`, or None."""
    row = session.get(Setting, name)
    return None if row is None else dict(row.value)


def put_setting(session: Session, name: str, value: dict[str, Any]) -> None:
    """Keep `value` under `name`, in the caller's transaction."""
    session.merge(Setting(name=name, value=value))
