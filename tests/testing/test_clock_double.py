from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from persona.testing import SettableClock


def test_it_stands_still_and_goes_anywhere() -> None:
    clock = SettableClock(datetime(2026, 5, 1, tzinfo=UTC))
    assert clock.now() == clock.now() == datetime(2026, 5, 1, tzinfo=UTC)
    assert clock.advance(hours=2) == datetime(2026, 5, 1, 2, tzinfo=UTC)
    assert clock.advance(timedelta(days=-1), minutes=30) == datetime(2026, 4, 30, 2, 30, tzinfo=UTC)
    clock.set(datetime(2020, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == datetime(2020, 1, 1, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_an_instant_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        SettableClock().set(datetime(2026, 5, 1))  # noqa: DTZ001
