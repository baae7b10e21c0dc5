"""How values are written on the page. Everything that comes from outside leaves here escaped."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

_MARK = re.compile(r"(?<![\w@/.&#])(?:@([A-Za-z0-9_]{2,30})(?![\w@])|#(\w{2,60}))")
_LANGUAGE = re.compile(r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$")


def rich(text: str) -> Markup:
    """Return `text` escaped, with mentions as links to their profile and hashtags set off. Addresses stay text."""
    parts, end = [], 0
    for found in _MARK.finditer(text):
        parts.append(escape(text[end : found.start()]))
        if handle := found[1]:
            parts.append(Markup('<a class="mention" href="/@{0}">@{0}</a>').format(handle))
        else:
            parts.append(Markup('<span class="tag">#{0}</span>').format(found[2]))
        end = found.end()
    parts.append(escape(text[end:]))
    return Markup("").join(parts)


def unlabelled(text: str, labels: tuple[str, ...]) -> str:
    """Return `text` without the labels at its end: they are shown as badges instead."""
    text = text.rstrip()
    while ending := next((label for label in labels if label and text.endswith(label)), None):
        text = text.removesuffix(ending).rstrip()
    return text


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago `at` was, short; the date when it is over a week or lies ahead."""
    passed = now - at
    if timedelta(0) <= passed < timedelta(minutes=1):
        return "now"
    if timedelta(0) <= passed < timedelta(hours=1):
        return f"{passed // timedelta(minutes=1)} min"
    if timedelta(0) <= passed < timedelta(days=1):
        return f"{passed // timedelta(hours=1)} h"
    if timedelta(0) <= passed < timedelta(days=7):
        return f"{passed // timedelta(days=1)} d"
    return moment(at)


def moment(at: datetime | None) -> str:
    """Return an instant to the minute, such as `Tue 14 Jul 2026, 08:30`; a dash for none."""
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M}" if at else "–"


def number(count: int) -> str:
    """Return a count in at most five characters: 950, 1.2k, 34k, 1.1M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            short = f"{count / size:.1f}" if count < 10 * size else f"{count // size}"
            return short.removesuffix(".0") + unit
    return str(count)


def language(code: str) -> str:
    """Return a language code fit for `lang=`, or "" for anything else."""
    return code if _LANGUAGE.match(code) else ""


def pretty(value: Any) -> str:
    """Return one stored value as text: strings as they are, the rest as JSON."""
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def share(value: Any) -> float:
    """Return a score for a meter: a number within 0..1, 0 for anything that is none."""
    return min(1.0, max(0.0, float(value))) if isinstance(value, int | float) else 0.0
