"""Brakes: why nothing is posted just now. Reading goes on; each lets go by itself when its cause is cured."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine, select

from .store import AlarmRow, append, reading, writing

log = logging.getLogger(__name__)


class Brakes:
    """Causes that stop all posting, by name (disk, clock, lease)."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def set(self, name: str, reason: str) -> None:
        """Stop posting for `reason`; an empty one lets go."""
        if reason:
            self._reasons[name] = reason
        else:
            self._reasons.pop(name, None)

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why nothing is posted; empty if it is."""
        return dict(self._reasons)

    def __bool__(self) -> bool:
        return bool(self._reasons)


class Alarms:
    """Keeps what a person should know of: in the log of the program, in the store, and on the page.

    A store that cannot be written to does not keep an alarm from being logged.
    """

    def __init__(self, store: Engine) -> None:
        self._store = store
        self._kept: dict[str, str] | None = None

    def set(self, name: str, reason: str, now: datetime) -> None:
        """Raise the alarm `name`, or end it with an empty reason. Does nothing if that is how it stands already."""
        if self._kept is None:
            self._kept = {row.name: row.reason for row in standing(self._store)}
        if self._kept.get(name, "") == reason:
            return
        if reason:
            log.error("alarm %s: %s", name, reason)
        else:
            log.warning("alarm %s is over", name)
        try:
            self._write(name, reason, now)
        except Exception:
            log.exception("the alarm %s cannot be stored", name)
            return
        if reason:
            self._kept[name] = reason
        else:
            self._kept.pop(name, None)

    def _write(self, name: str, reason: str, now: datetime) -> None:
        with writing(self._store) as session:
            row = session.get(AlarmRow, name)
            if row is None:
                row = AlarmRow(name=name, reason=reason, since=now, ended_at=None)
                session.add(row)
            if reason:
                row.since = now if row.ended_at is not None else row.since
                row.reason, row.ended_at = reason, None
                append(session, at=now, persona="", kind="alarm", name=name, reason=reason)
            else:
                row.ended_at = now
                append(session, at=now, persona="", kind="cured", name=name)


def standing(store: Engine) -> list[AlarmRow]:
    """Return the alarms that are not over, oldest first."""
    with reading(store) as session:
        query = select(AlarmRow).where(AlarmRow.ended_at.is_(None)).order_by(AlarmRow.since, AlarmRow.name)
        return list(session.scalars(query))
