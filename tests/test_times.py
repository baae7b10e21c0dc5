"""Times that a text speaks of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from persona.times import span_of

NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("What did I say today?", "2026-03-20", "2026-03-21"),
        ("yesterday's bread", "2026-03-19", "2026-03-20"),
        ("last night was loud", "2026-03-19", "2026-03-20"),
        ("What happened last week?", "2026-03-09", "2026-03-16"),
        ("this week", "2026-03-16", "2026-03-23"),
        ("last weekend", "2026-03-14", "2026-03-16"),
        ("last month", "2026-02-01", "2026-03-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last Friday", "2026-03-13", "2026-03-14"),
        ("this Wednesday", "2026-03-18", "2026-03-19"),
        ("in March", "2026-03-01", "2026-04-01"),
        ("in May", "2025-05-01", "2025-06-01"),
        ("the shoes of Sept. 2024", "2024-09-01", "2024-10-01"),
        ("in mid-August 2023", "2023-08-01", "2023-09-01"),
        ("since 2024", "2024-01-01", "2025-01-01"),
        ("on 3 May, 2023", "2023-05-03", "2023-05-04"),
        ("on May 3rd, 2023", "2023-05-03", "2023-05-04"),
        ("on the 21st of March", "2025-03-21", "2025-03-22"),
        ("2024-02-29 was a day", "2024-02-29", "2024-03-01"),
        ("three days ago", "2026-03-17", "2026-03-18"),
        ("two weeks ago", "2026-03-03", "2026-03-10"),
        ("a few days ago", "2026-03-17", "2026-03-18"),
    ],
)
def test_reads_times(text: str, start: str, end: str) -> None:
    span = span_of(text, NOW)
    assert span is not None
    assert (f"{span.start:%Y-%m-%d}", f"{span.end:%Y-%m-%d}") == (start, end)
    assert span.start.tzinfo is NOW.tzinfo


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I may go in",
        "march on",
        "2023-13-40",
        "many moons ago",
        "99 moons ago",
        "7",
    ],
)
def test_reads_no_time_where_none_is(text: str) -> None:
    assert span_of(text, NOW) is None
