"""When a call is made again: exponential backoff with full jitter, and what a network says by `Retry-After`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from .digest import rng_of

BASE = timedelta(minutes=1)
CAP = timedelta(hours=1)
_LONGEST = timedelta(days=30)


def backoff(key: str, attempt: int, *, base: timedelta = BASE, cap: timedelta = CAP) -> timedelta:
    """Return how long to wait after the `attempt`-th failure (from 1) of what `key` names.

    Full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015): uniform between 0 and min(cap, base * 2**n). It
    is drawn by digest, so the same key and attempt wait equally long whenever they are asked for.
    """
    most = min(cap, base * 2 ** min(attempt - 1, 30))
    return timedelta(seconds=round(rng_of("backoff", key, attempt).uniform(0, most.total_seconds()), 3))


def retry_after(value: str | None, *, date: str | None = None, now: datetime | None = None) -> timedelta | None:
    """Return how long the header `Retry-After` asks to wait (RFC 9110, 10.2.3: seconds or an HTTP date), else None.

    A date is counted from the answer's own `date` header, so that two clocks that differ do no harm; without one, from
    `now` or the system's clock. What cannot be read is None, what has passed is 0, and nobody waits over 30 days.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text), 10**9)), _LONGEST)
    until, since = _http_date(text), _http_date(date or "")
    if until is None:
        return None
    return min(max(until - (since or now or datetime.now(UTC)), timedelta(0)), _LONGEST)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
