"""How the texts of a personas file become durations, times of day and days. Each raises ValueError for what it is not.

Nothing here needs pydantic: the schema and the quick check call the same functions.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Literal

from .checks import time_zone

__all__ = ["DAYS", "Day", "angle", "days", "duration", "local_date", "settings", "time_zone", "wall_time", "writer"]

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(value: object) -> object:
    """Return the timedelta that a text such as `1h30m` stands for."""
    if isinstance(value, str) and len(value) <= 20 and re.fullmatch(r"([0-9]+[smhdw])+", value):
        seconds = sum(int(n) * _UNITS[u] for n, u in re.findall(r"([0-9]+)([smhdw])", value))
        if seconds <= 366 * 86400:
            return timedelta(seconds=seconds)
    if isinstance(value, timedelta):
        return value
    raise ValueError("must be a duration of at most a year, such as 20m, 1h30m or 7d")


def wall_time(value: object) -> object:
    """Return the time of day that a text such as `08:30` stands for."""
    if isinstance(value, str) and (m := re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", value)):
        hour, minute = int(m[1]), int(m[2])
        if hour < 24 and minute < 60:
            return time(hour, minute)
    if isinstance(value, time):
        return value
    raise ValueError("must be a time of day such as 08:30, from 00:00 to 23:59")


def local_date(value: object) -> object:
    """Return the date that a text such as `2026-12-24` stands for."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, date):
        return value
    raise ValueError("must be a date such as 2026-12-24")


def days(value: object) -> object:
    """Return the days that a name such as `weekdays` stands for; a list is left as it is."""
    named = {"daily": DAYS, "weekdays": DAYS[:5], "weekend": DAYS[5:]}
    if isinstance(value, str):
        if value not in named:
            raise ValueError("must be daily, weekdays, weekend, or a list such as [mon, thu]")
        return named[value]
    return value


def settings(value: object) -> object:
    """Return a channel's settings; nothing stands for none."""
    return {} if value is None else value


def angle(value: object) -> object:
    """Return an angle's keys from a text (what it is about) or from one pair, `about: what to say`."""
    if isinstance(value, str):
        return {"about": value}
    if isinstance(value, dict) and len(value) == 1:
        [(about, say)] = value.items()
        if about in ("about", "say"):
            return value
        if isinstance(about, str) and isinstance(say, str) and say.strip():
            return {"about": about, "say": say}
        raise ValueError("must be a text, or one pair of texts such as `how a loaf is done: it sounds hollow`")
    return value


def writer(value: object) -> object:
    """Return the settings of a writer; a text alone is its model."""
    return {"model": value} if isinstance(value, str) else value
