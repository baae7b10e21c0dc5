"""What a person should know of a data folder just now: alarms, pauses, channels that are not well, a late tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from .pause import ALL, paused
from .store import AlarmRow, ChannelRow, get_setting, put_setting, reading

PERIODS = 3
"""A tick that is older than so many periods is late."""
_TICK = "tick"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing to know. `bad` ones need a person or a cure, `note`s are somebody's will."""

    kind: Literal["bad", "note"]
    text: str


def notices(store: Engine, folder: Path, now: datetime) -> list[Notice]:
    """Return what there is to know, the worst first."""
    with reading(store) as session:
        found = [Notice(kind="bad", text=late) for late in [late_tick(session, now)] if late]
        alarms = select(AlarmRow).where(AlarmRow.ended_at.is_(None)).order_by(AlarmRow.since, AlarmRow.name)
        found += [Notice(kind="bad", text=f"{row.name}: {row.reason}") for row in session.scalars(alarms)]
        channels: dict[tuple[str, str, str], ChannelRow] = {}
        for row in session.scalars(
            select(ChannelRow).order_by(ChannelRow.persona, ChannelRow.channel, ChannelRow.what)
        ):
            if row.state != "well":
                what = "is stopped" if row.state == "stopped" else f"rests ({row.what})"
                channels.setdefault((row.persona, row.channel, what), row)
        found += [
            Notice(kind="bad", text=f"channel {channel} of @{handle} {what}: {row.reason}")
            for (handle, channel, what), row in channels.items()
        ]
        for handle, why in sorted(paused(session, folder, now).reasons.items()):
            found.append(Notice(kind="note", text=f"{'everyone' if handle == ALL else '@' + handle} is {why}"))
    return found


def note_tick(session: Session, at: datetime, every: timedelta, *, stopped: bool = False) -> None:
    """Keep that the live run ticked at `at` of the system's clock, or that it was stopped on purpose."""
    put_setting(session, _TICK, {"at": at.isoformat(), "every": every.total_seconds(), "stopped": stopped})


def late_tick(session: Session, now: datetime) -> str:
    """Return why the live run's tick is late, or an empty text; one that was stopped, or never ran, is not late."""
    tick = get_setting(session, _TICK)
    if tick is None or tick["stopped"] or get_setting(session, "rehearsal") is not None:
        return ""
    age = (now - datetime.fromisoformat(tick["at"])).total_seconds()
    if age <= PERIODS * tick["every"]:
        return ""
    return f"the last tick was {age:.0f} s ago, and there should be one every {tick['every']:.0f} s"
