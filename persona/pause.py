"""Pause: nothing is posted, for one persona or for all, until it is resumed; reading goes on.

It is a row of the store (`persona pause`), which outlives a restart, or a file `PAUSE` in the data folder, which
works also where no program of persona can be started. The file pauses the handles that stand in it, one a line, or
everyone if it is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from .store import append, get_setting, put_setting

FILE = "PAUSE"
ALL = ""
_SETTING = "pause"
_LONGEST = 64_000


@dataclass(frozen=True, kw_only=True)
class Paused:
    """Who is paused, and why, by handle; `ALL` stands for everyone."""

    reasons: Mapping[str, str] = field(default_factory=dict)

    def why(self, handle: str) -> str:
        """Return why `handle` is paused, or an empty text."""
        return self.reasons.get(ALL) or self.reasons.get(handle, "")


def paused(session: Session, folder: Path, now: datetime) -> Paused:
    """Return who is paused at `now`, by the store or by the file."""
    reasons: dict[str, str] = {}
    for handle, each in (get_setting(session, _SETTING) or {}).items():
        until = each.get("until")
        if until is None or now < datetime.fromisoformat(until):
            reasons[handle] = f"paused by {each['by']}" + (
                f" until {until[:16].replace('T', ' ')} UTC" if until else ""
            )
    return Paused(reasons={**reasons, **_by_file(folder)})


def _by_file(folder: Path) -> dict[str, str]:
    try:
        with (folder / FILE).open("rb") as file:
            text = file.read(_LONGEST).decode(errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        # What cannot be read was put there for a reason.
        return {ALL: f"the file {FILE} in the data folder cannot be read ({error.strerror})"}
    handles = [line.strip().lstrip("@") for line in text.splitlines() if line.strip()]
    return dict.fromkeys(handles or [ALL], f"paused by the file {FILE} in the data folder")


def pause(session: Session, now: datetime, *, handle: str = ALL, until: datetime | None = None, by: str) -> None:
    """Post nothing for `handle` (everyone by default) until `until`, or until it is resumed."""
    value = get_setting(session, _SETTING) or {}
    value[handle] = {"by": by, "at": now.isoformat(), "until": until.isoformat() if until else None}
    put_setting(session, _SETTING, value)
    append(session, at=now, persona=handle, kind="paused", by=by, until=until.isoformat() if until else None)


def resume(session: Session, now: datetime, *, handle: str = ALL, by: str) -> bool:
    """Let `handle` post again; tell whether it was paused. To resume everyone ends the pauses of single ones too."""
    value: dict[str, Any] = get_setting(session, _SETTING) or {}
    ended = sorted(value) if handle == ALL else [handle] * (handle in value)
    for each in ended:
        del value[each]
        append(session, at=now, persona=each, kind="unpaused", by=by)
    if ended:
        put_setting(session, _SETTING, value)
    return bool(ended)


def toggle(folder: Path) -> bool:
    """Make the file that pauses everyone, or remove it; tell whether it is there now. For a signal handler."""
    file = folder / FILE
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        file.unlink(missing_ok=True)
        return False
    return True
