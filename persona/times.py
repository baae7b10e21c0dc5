"""Times that a text speaks of: "yesterday", "last week", "in March", "3 May 2023", "two days ago"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: i for i, word in enumerate(_COUNTED)}
_NUMBERS |= {"a": 1, "an": 1, "couple of": 2, "few": 3}
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|{'|'.join(f'{m[:3]}' for m in _MONTHS)}|sept)\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
_PATTERNS = {
    "iso": re.compile(rf"\b{_YEAR}-(?P<number>\d\d)-(?P<day>\d\d)\b"),
    "day_month": re.compile(rf"\b{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?(?!\w)"),
    "month_day": re.compile(rf"\b{_MONTH} {_DAY}\b(?!:)(?:,? {_YEAR})?(?!\w)"),
    "month": re.compile(rf"\b{_MONTH},? {_YEAR}(?!\w)"),
    "bare_month": re.compile(rf"\b(?:in|last|during|since|this|early|late|mid)[ -]{_MONTH}(?!\w)"),
    "ago": re.compile(r"\b(?P<count>\d{1,3}|(?:a )?couple of|(?:a )?few|[a-z]+) (?P<unit>day|week|month|year)s? ago\b"),
    "near": re.compile(r"\b(?P<near>today|tonight|this morning|yesterday|last night)\b"),
    "last": re.compile(rf"\b(?P<which>last|this|past) (?P<what>week|weekend|month|year|{'|'.join(_DAYS)})\b"),
    "year": re.compile(rf"\b(?:in|during|since) {_YEAR}\b"),
}  # fmt: skip
_HINT = re.compile(rf"\d|ago|day|night|morning|week|month|year|{'|'.join(month[:3] for month in _MONTHS)}")
"""Every pattern needs one of these; most texts have none."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `start` to before `end`."""

    start: datetime
    end: datetime


def span_of(text: str, now: datetime) -> Span | None:
    """Return the time that `text` speaks of, seen from `now` and in its time zone; None if it names none.

    A day or month without a year is the last one that has begun. What cannot be a date is none.
    """
    small = text.casefold()
    if not _HINT.search(small):
        return None
    for name, pattern in _PATTERNS.items():
        if found := pattern.search(small):
            try:
                return _READERS[name](found, now)
            except (ValueError, OverflowError):
                continue
    return None


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(start: datetime, count: int) -> Span:
    return Span(start=start, end=start + timedelta(days=count))


def _date(found: re.Match[str], now: datetime) -> Span:
    groups = found.groupdict()
    number = int(groups["number"]) if groups.get("number") else _month(groups["month"])
    start = _midnight(now).replace(month=number, day=1, year=int(groups["year"] or now.year))
    start = start.replace(day=int(groups["day"]))
    if not groups["year"] and start > now:
        start = start.replace(year=start.year - 1)
    return _days(start, 1)


def _month(name: str) -> int:
    return next(i for i, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def _whole_month(found: re.Match[str], now: datetime) -> Span:
    year = found.groupdict().get("year")
    start = _midnight(now).replace(day=1, month=_month(found["month"]), year=int(year or now.year))
    if not year and start > now:
        start = start.replace(year=start.year - 1)
    return Span(start=start, end=(start + timedelta(days=32)).replace(day=1))


def _ago(found: re.Match[str], now: datetime) -> Span | None:
    word = found["count"].removeprefix("a ") if found["count"] != "a" else "a"
    count = int(word) if word.isdecimal() else _NUMBERS.get(word)
    if count is None:
        return None
    unit = _UNITS[found["unit"]]
    middle = _midnight(now) - timedelta(days=count * unit)
    # "Three weeks ago" is said of a day or two more or less: half a unit to each side.
    return Span(start=middle - timedelta(days=unit // 2), end=middle + timedelta(days=unit // 2 + 1))


def _near(found: re.Match[str], now: datetime) -> Span:
    back = 1 if found["near"] in ("yesterday", "last night") else 0
    return _days(_midnight(now) - timedelta(days=back), 1)


def _last(found: re.Match[str], now: datetime) -> Span:
    day, past = _midnight(now), found["which"] != "this"
    what = found["what"]
    if what in _DAYS:
        back = (now.weekday() - _DAYS.index(what)) % 7 or (7 if past else 0)
        return _days(day - timedelta(days=back), 1)
    monday = day - timedelta(days=now.weekday())
    if what == "week":
        return _days(monday - timedelta(days=7 if past else 0), 7)
    if what == "weekend":
        saturday = monday + timedelta(days=5)
        return _days(saturday - timedelta(days=7) if past or saturday > now else saturday, 2)
    first = day.replace(day=1) if what == "month" else day.replace(month=1, day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    if what == "year":
        before = before.replace(month=1)
    if past:
        return Span(start=before, end=first)
    return Span(start=first, end=(first + timedelta(days=32 if what == "month" else 366)).replace(day=1))


def _whole_year(found: re.Match[str], now: datetime) -> Span:
    start = _midnight(now).replace(month=1, day=1, year=int(found["year"]))
    return Span(start=start, end=start.replace(year=start.year + 1))


_READERS = {
    "iso": _date, "day_month": _date, "month_day": _date, "month": _whole_month, "bare_month": _whole_month,
    "ago": _ago, "near": _near, "last": _last, "year": _whole_year,
}  # fmt: skip
