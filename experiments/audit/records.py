"""What the auditor reads: JSON lines of a plan, of a network's log, and of what was parked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


class Unreadable(ValueError):
    """A file of JSON lines that cannot be read, with file, line and cause in its text."""


@dataclass(frozen=True)
class Planned:
    """One post that must go out: `{"key", "account", "due", "labels": [...], "late": seconds}`, the last two optional.

    `labels` are words that the text must hold, `late` the seconds that it may be late; by default the run's own.
    """

    key: str
    account: str
    due: datetime
    labels: tuple[str, ...] = ()
    late: float | None = None


@dataclass(frozen=True)
class Seen:
    """One post that the network took: `{"at", "account", "text", "key", "id"}`, the last two optional."""

    at: datetime
    account: str
    text: str
    key: str = ""
    id: str = ""


def read_plan(path: Path) -> list[Planned]:
    """Return the plan in the order of the file. Raises Unreadable."""
    return [
        Planned(
            key=_text(row, "key"),
            account=_text(row, "account"),
            due=_instant(row, "due"),
            labels=tuple(str(label) for label in row.get("labels", ())),
            late=None if row.get("late") is None else float(row["late"]),
        )
        for row in _rows(path)
    ]


def read_log(path: Path) -> list[Seen]:
    """Return what the network took, in the order of the file. Raises Unreadable."""
    return [
        Seen(
            at=_instant(row, "at"),
            account=_text(row, "account"),
            text=_text(row, "text"),
            key=str(row.get("key") or ""),
            id=str(row.get("id") or ""),
        )
        for row in _rows(path)
    ]


def read_parked(path: Path) -> dict[str, str]:
    """Return the reason of each key that the sender has handed to a person. Raises Unreadable."""
    return {_text(row, "key"): str(row.get("reason") or "") for row in _rows(path)}


class _Line(dict[str, Any]):
    """A row that knows where it stands."""

    where = ""


def _rows(path: Path) -> Iterator[_Line]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise Unreadable(f"{path}:{number}: not JSON: {error}") from error
        if not isinstance(found, dict):
            raise Unreadable(f"{path}:{number}: each line is one JSON object")
        row = _Line(found)
        row.where = f"{path}:{number}"
        yield row


def _text(row: _Line, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise Unreadable(f"{row.where}: {name!r} must be a text")
    return value


def _instant(row: _Line, name: str) -> datetime:
    try:
        value = datetime.fromisoformat(_text(row, name))
    except ValueError as error:
        raise Unreadable(f"{row.where}: {name!r} must be an ISO instant") from error
    if value.tzinfo is None:
        raise Unreadable(f"{row.where}: {name!r} needs an offset, as in 2026-03-02T09:00:00+00:00")
    return value
