"""Slots over the clock changes that tzdata knows from 2024 to 2030, in every zone that has any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from persona.plan import instant_of, slots_between
from tests.plan.test_slots import card

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
SOME = 4
"""So many changes of a zone are gone through: two years, mostly; later ones repeat them."""
QUARTERS = [timedelta(minutes=15 * n) for n in range(96)]


def changes(zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the instants at which the zone's offset changes, to the hour before them."""
    at, before = FIRST, FIRST.astimezone(zone).utcoffset()
    while at < LAST:
        following = at + timedelta(hours=6)
        after = following.astimezone(zone).utcoffset()
        if after != before:
            yield at
        at, before = following, after


@cache
def kinds() -> dict[tuple[tuple[datetime, timedelta], ...], str]:
    """Return one zone for each history of changes; most names are second names."""
    found: dict[tuple[tuple[datetime, timedelta], ...], str] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        history = tuple((at, at.astimezone(zone).utcoffset() or timedelta(0)) for at in changes(zone))
        if history:
            found.setdefault(history, name)
    return found


@pytest.mark.slow
def test_every_wall_time_around_every_change_has_its_first_instant() -> None:
    seen = 0
    for history, name in kinds().items():
        zone = ZoneInfo(name)
        for at, _ in history[:SOME]:
            day = at.astimezone(zone).date()
            midnight = datetime.combine(day, time(0)) - timedelta(days=1)
            before = datetime.min.replace(tzinfo=UTC)
            for wall in (midnight + timedelta(days=d) + quarter for d in range(3) for quarter in QUARTERS):
                instant = instant_of(wall, zone)
                there = instant.astimezone(zone).replace(tzinfo=None)
                assert there >= wall, (name, wall)
                # The first instant that shows this wall time or, in a gap, a later one.
                shown = [(instant - each).astimezone(zone).replace(tzinfo=None) for each in _STEPS]
                assert all(earlier < wall for earlier in shown), (name, wall, instant)
                assert instant >= before, (name, wall)
                before = instant
                seen += 1
    assert len(kinds()) > 30
    assert seen > 30 * SOME * 288


_STEPS = [timedelta(seconds=1), *(timedelta(minutes=15 * n) for n in range(1, 9))]


@pytest.mark.slow
def test_each_local_date_has_each_slot_once_around_every_change() -> None:
    rules = tuple({"name": f"h{n}", "at": f"{n // 2:02}:{n % 2 * 30:02}"} for n in range(48))
    for history, name in kinds().items():
        zone = ZoneInfo(name)
        persona = card(name, *rules, {"name": "c", "cron": "*/30 * * * *"})
        for at, _ in history[:SOME]:
            changed = at.astimezone(zone).date()
            start, until = (instant_of(datetime.combine(changed + timedelta(days=d), time(0)), zone) for d in (-2, 3))
            counts: Counter[tuple[str, date]] = Counter()
            # In windows of an uneven length, as the plan is made bit by bit.
            while start < until:
                end = min(start + timedelta(hours=31), until)
                counts.update((slot.name, slot.local_date) for slot in slots_between(persona, start, end))
                start = end
            for day in (changed + timedelta(days=d) for d in (-1, 0, 1)):
                own = {key: count for key, count in counts.items() if key[1] == day}
                assert set(own.values()) == {1}, (name, day)
                assert len(own) == 96, (name, day, len(own))


def test_a_holiday_has_no_slots_and_its_neighbours_all_of_theirs() -> None:
    persona = card("Europe/Lisbon", {"name": "a", "at": "23:50", "jitter": "30m"}, holidays=("2026-12-24",))
    start = datetime(2026, 12, 22, tzinfo=UTC)
    slots = slots_between(persona, start, start + timedelta(days=5))
    assert [slot.local_date.day for slot in slots] == [22, 23, 25, 26]
