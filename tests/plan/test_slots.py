"""Slots through every kind of clock change."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from persona.definition import Persona
from persona.plan import instant_of, slots_between

ZONES = ("America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "UTC")


def card(zone: str, *slots: dict[str, Any], **more: Any) -> Persona:
    return Persona.model_validate(
        {
            "name": "Ada",
            "handle": "ada",
            "bio": "A virtual reader.",
            "voice": ("dry",),
            "topics": ({"name": "books"},),
            "time_zone": zone,
            "slots": slots,
            "channels": {"feed": {}},
            **more,
        }
    )


@pytest.mark.parametrize("zone", ZONES)
def test_each_local_date_once_for_a_year(zone: str) -> None:
    persona = card(
        zone, *({"name": f"h{hour}", "at": f"{hour:02}:30"} for hour in range(24)), {"name": "mid", "at": "00:00"}
    )
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = datetime(2027, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    slots = slots_between(persona, start, end)
    counts = Counter((slot.name, slot.local_date) for slot in slots)
    assert set(counts.values()) == {1}
    assert len(counts) == 25 * 365


def test_windows_add_up_to_the_whole() -> None:
    persona = card(
        "Europe/Berlin", {"name": "a", "at": "02:30", "jitter": "45m"}, {"name": "b", "cron": "*/20 1-3 * * *"}
    )
    start, end = datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC)
    whole = slots_between(persona, start, end)
    pieces = []
    at = start
    while at < end:
        pieces += slots_between(persona, at, at + timedelta(hours=7))
        at += timedelta(hours=7)
    assert [slot for slot in pieces if slot.due_at < end] == whole


# Wall times are naive: that is what a wall clock shows.
@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("America/New_York", "2026-03-08T02:01", datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", "2026-10-04T02:15", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        # Samoa left out the whole of 30 December 2011.
        ("Pacific/Apia", "2011-12-30T12:00", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),
    ],
)
def test_a_gap_posts_at_the_first_valid_instant(zone: str, wall: str, expected: datetime) -> None:
    assert instant_of(datetime.fromisoformat(wall), ZoneInfo(zone)) == expected


def test_a_repeated_hour_posts_once_at_its_first_occurrence() -> None:
    persona = card("Europe/Berlin", {"name": "night", "at": "02:30"}, {"name": "cron", "cron": "30 2 * * *"})
    slots = slots_between(persona, datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert [(slot.name, slot.due_at) for slot in slots] == [
        ("cron@02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("night", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ]


def test_days_quiet_hours_and_jitter() -> None:
    persona = card(
        "Asia/Tokyo",
        {"name": "late", "at": "23:10", "days": "weekdays", "jitter": "30m"},
        quiet_hours={"start": "23:00", "end": "07:00"},
    )
    slots = slots_between(persona, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC))
    assert len(slots) == 10
    for slot in slots:
        wall = slot.due_at.astimezone(ZoneInfo("Asia/Tokyo"))
        assert slot.local_date.weekday() < 5
        assert wall.hour == 22 or (wall.hour, wall.minute) == (7, 0)
    assert slots == slots_between(persona, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC))
    assert any(slot.local_date == date(2026, 3, 2) for slot in slots)


def test_an_hourly_cron_keeps_the_hour_that_spring_skips() -> None:
    start = datetime(2026, 3, 29, tzinfo=UTC)
    persona = card("Europe/Berlin", {"name": "hourly", "cron": "0 * * * *"})
    found = slots_between(persona, start, start + timedelta(hours=3))
    assert [(slot.name, slot.due_at.hour) for slot in found] == [
        ("hourly@01:00", 0), ("hourly@02:00", 1), ("hourly@03:00", 1), ("hourly@04:00", 2)
    ]  # fmt: skip
