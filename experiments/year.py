"""A simulated year in twelve time zones: is each local slot there exactly once, at the right instant?

`python -m experiments.year [--year 2026] [--take] [--quick] [--json]`
Each persona has a slot every full hour (cron), one at 00:00 and one at 02:30. The product's planner is called every
six simulated hours on a real store, as the tick does, and its rows are compared with an expectation that a scan of
the zone's own local times gives. With --take they also go on into the outbox. Beside it: what APScheduler's
CronTrigger would have fired for the same rules.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from experiments._cli import finish, parser
from experiments._world import open_world, people
from persona.agenda import plan_slots, take_slots
from persona.store import OutboxRow, SlotRow, reading
from persona.testing.channels import RecordingChannel
from persona.testing.clock import SettableClock

ZONES = (
    "America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "Europe/London",
    "Europe/Berlin", "Africa/Cairo", "Asia/Kathmandu", "Asia/Tokyo", "Australia/Lord_Howe", "Pacific/Chatham",
    "Pacific/Auckland",
)  # fmt: skip
SLOTS = (
    {"name": "hourly", "cron": "0 * * * *"},
    {"name": "midnight", "at": "00:00"},
    {"name": "early", "at": "02:30"},
)
WALLS = {
    **{f"hourly@{hour:02d}:00": time(hour) for hour in range(24)},
    "midnight": time(0),
    "early": time(2, 30),
}
STEP = timedelta(minutes=15)
"""Every change of an offset since 1970 lies on a quarter of an hour."""
Key = tuple[str, str, date]


def expected(zone: str, start: datetime, until: datetime) -> dict[tuple[str, date], datetime]:
    """Return the instant of each (slot, local date): where the zone's clock first has reached it."""
    info = ZoneInfo(zone)
    found: dict[tuple[str, date], datetime] = {}
    instant, high = start - timedelta(days=1), None
    while instant < until:
        wall = instant.astimezone(info).replace(tzinfo=None)
        if high is not None and wall > high:
            # In a gap the clock passes several times at once; in a repeated hour it passes none.
            for name, at in WALLS.items():
                for day in {high.date(), wall.date()}:
                    if high < datetime.combine(day, at) <= wall:
                        found[name, day] = instant
        high = wall if high is None else max(high, wall)
        instant += STEP
    return {key: due for key, due in found.items() if due >= start}


def planned(start: datetime, until: datetime, take: bool) -> tuple[Counter[Key], dict[Key, datetime], int]:
    """Let the product plan the time; return each slot's number, instant, and outbox rows."""
    definition = people(len(ZONES), SLOTS, channels=("recording",), zones=ZONES)
    zone_of = {persona.handle: persona.time_zone for persona in definition.personas}
    clock = SettableClock(start)
    with tempfile.TemporaryDirectory(prefix="persona-year-") as folder:
        parts = open_world(Path(folder), definition, clock=clock, channels={"recording": RecordingChannel})
        try:
            while clock.now() < until:
                plan_slots(parts, clock.now())
                if take:
                    take_slots(parts, clock.now())
                clock.advance(hours=6 if not take else 3)
            with reading(parts.store) as session:
                rows = session.execute(
                    select(SlotRow.persona, SlotRow.name, SlotRow.local_date, SlotRow.due_at).where(
                        SlotRow.due_at < until
                    )
                ).all()
                taken = session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.due_at < until))
        finally:
            parts.close()
    count = Counter((zone_of[row[0]], row[1], row[2]) for row in rows)
    return count, {(zone_of[row[0]], row[1], row[2]): row[3] for row in rows}, int(taken or 0)


def cron_trigger(zone: str, start: datetime, until: datetime) -> Counter[tuple[str, date]]:
    """Return how often APScheduler fires each (slot, local date)."""
    from apscheduler.triggers.cron import CronTrigger

    info, fired = ZoneInfo(zone), Counter[tuple[str, date]]()
    for name, fields in (
        ("hourly", {"minute": 0}),
        ("midnight", {"hour": 0, "minute": 0}),
        ("early", {"hour": 2, "minute": 30}),
    ):
        trigger, last, now = CronTrigger(timezone=info, **fields), None, start
        while now < until:
            # As its scheduler asks: with the time of the last run, and the time that it is.
            following = trigger.get_next_fire_time(last, now.astimezone(info))
            if following is None or following >= until:
                break
            wall = following.astimezone(info)
            fired[f"{name}@{wall:%H:%M}" if name == "hourly" else name, wall.date()] += 1
            last, now = following, max(following.astimezone(UTC), now) + timedelta(seconds=1)
    return fired


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was lost, doubled or at a wrong instant, of the product and of CronTrigger."""
    start = datetime(args.year, 1, 1, tzinfo=UTC)
    until = datetime(args.year + 1, 1, 1, tzinfo=UTC)
    if args.quick:
        # The weeks in which Berlin, London, Cairo, Chatham, Auckland and Lord Howe change.
        start, until = datetime(args.year, 3, 26, tzinfo=UTC), datetime(args.year, 4, 7, tzinfo=UTC)
    wanted: dict[Key, datetime] = {}
    cron: dict[str, list[str]] = {"lost": [], "doubled": []}
    for zone in ZONES:
        slots = expected(zone, start, until)
        wanted |= {(zone, *key): due for key, due in slots.items()}
        fired = cron_trigger(zone, start, until)
        cron["lost"] += [f"{zone} {name} {day}" for name, day in sorted(slots) if not fired[name, day]]
        cron["doubled"] += [f"{zone} {name} {day}" for (name, day), n in sorted(fired.items()) if n > 1]
    count, due, taken = planned(start, until, args.take)
    return {
        "zones": len(ZONES),
        "slots": len(wanted),
        "lost": len([key for key in wanted if not count[key]]),
        "doubled": sum(n - 1 for n in count.values()),
        "strange": len([key for key in count if key not in wanted]),
        "wrong_instant": len([key for key in wanted if key in due and due[key] != wanted[key]]),
        "in_outbox": taken if args.take else None,
        "examples": [str(key) for key in wanted if due.get(key) != wanted[key]][:5],
        "cron_trigger_lost": len(cron["lost"]),
        "cron_trigger_doubled": len(cron["doubled"]),
        "cron_trigger_examples": cron["lost"][:6] + cron["doubled"][:6],
    }


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--year", type=int, default=2026)
    arguments.add_argument("--take", action="store_true", help="put the slots into the outbox, too")
    args = arguments.parse_args(argv)
    found = measure(args)
    wrong = found["lost"] or found["doubled"] or found["strange"] or found["wrong_instant"]
    return finish(found, args, ok=not wrong and found["in_outbox"] in (None, found["slots"]))


if __name__ == "__main__":
    sys.exit(main())
