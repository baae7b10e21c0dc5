"""Slots: planned times to post, computed from the persona's local wall time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim

from ..definition import Persona, SlotRule
from ..definition.schema import QuietHours
from ..definition.values import DAYS
from ..digest import rng_of


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One time to post. (persona, name, local_date) names it for good; `due_at` is in UTC."""

    persona: str
    name: str
    local_date: date
    due_at: datetime


def slots_between(persona: Persona, start: datetime, end: datetime, *, seed: int = 0) -> list[Slot]:
    """Return the slots due in [start, end), by due time and name.

    A wall time that the clocks skip falls on the first instant after the gap; one that they repeat falls on its
    first occurrence. Jitter is drawn by digest, so it is the same whenever it is asked for. A slot that would fall
    into quiet hours moves to their end. A local date that is one of the persona's holidays has no slots.
    """
    zone = ZoneInfo(persona.time_zone)
    found: dict[tuple[str, date], Slot] = {}
    for rule in persona.slots:
        # Jitter and quiet hours move a slot by less than a day; a wider window finds those that move in.
        for name, wall in _wall_times(rule, zone, start - timedelta(days=2), end + timedelta(days=2)):
            if wall.date() in persona.holidays:
                continue
            due = instant_of(wall, zone) + _jitter(persona.handle, name, wall.date(), rule.jitter, seed)
            due = after_quiet(due, zone, persona.quiet_hours)
            if start <= due < end:
                slot = Slot(persona=persona.handle, name=name, local_date=wall.date(), due_at=due)
                found[name, wall.date()] = slot
    return sorted(found.values(), key=lambda slot: (slot.due_at, slot.name))


def instant_of(wall: datetime, zone: tzinfo) -> datetime:
    """Return the UTC instant of a naive wall time: the first after it in a gap, the first of two in a repeat."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # In a gap, fold=0 reads the wall time with the offset before the change, which lands as far after the gap as
    # the wall time lies inside it; the change itself is where both readings meet.
    before, after = wall.replace(tzinfo=zone, fold=0).utcoffset(), wall.replace(tzinfo=zone, fold=1).utcoffset()
    assert before is not None
    assert after is not None
    low, high = (wall - after).replace(tzinfo=UTC), instant
    old = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def after_quiet(instant: datetime, zone: tzinfo, quiet: QuietHours | None) -> datetime:
    """Return `instant`, or the end of the quiet hours that it falls into."""
    if quiet is None:
        return instant
    wall = instant.astimezone(zone)
    if not _inside(wall.time(), quiet.start, quiet.end):
        return instant
    day = wall.date() if wall.time() < quiet.end else wall.date() + timedelta(days=1)
    return max(instant, instant_of(datetime.combine(day, quiet.end), zone))


def _inside(moment: time, start: time, end: time) -> bool:
    return start <= moment < end if start <= end else moment >= start or moment < end


def _wall_times(rule: SlotRule, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[str, datetime]]:
    if rule.cron is not None:
        # Asked in naive wall time: with a zone it leaves out a wildcard hour that falls into a gap.
        last = end.astimezone(zone).replace(tzinfo=None)
        for wall in CronSim(rule.cron, start.astimezone(zone).replace(tzinfo=None)):
            if wall >= last:
                return
            yield f"{rule.name}@{wall:%H:%M}", wall
        return
    assert rule.at is not None
    day = start.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        if DAYS[day.weekday()] in rule.days:
            yield rule.name, datetime.combine(day, rule.at)
        day += timedelta(days=1)


def _jitter(handle: str, name: str, day: date, most: timedelta, seed: int) -> timedelta:
    seconds = int(most.total_seconds())
    return timedelta(seconds=rng_of("jitter", seed, handle, name, day).randint(-seconds, seconds))
