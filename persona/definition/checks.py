"""Rules that no single field can tell. They read models and plain mappings alike, so that the loader can apply them
to a file that has other faults too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

Loc = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault at `loc`, counted from where the rule looked."""

    loc: Loc
    message: str
    cure: str = ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean 'x'?` for the closest of `known`, or an empty text."""
    from difflib import get_close_matches

    by_lower = {name.lower().replace("-", "_"): name for name in sorted(known)}
    found = get_close_matches(
        word.lower().replace("-", "_")[:80], list(by_lower), n=1, cutoff=0.6 if len(word) <= 4 else 0.7
    )
    return f"Did you mean {by_lower[found[0]]!r}?" if found else ""


def time_zone(value: object) -> object:
    """Return `value` if it names a time zone, or is no text (which another rule refuses)."""
    if not isinstance(value, str) or value in _zones():
        return value
    from zoneinfo import ZoneInfo

    try:
        if len(value) > 60:
            # zoneinfo would import a package for each slash.
            raise LookupError
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        from difflib import get_close_matches
        from zoneinfo import available_timezones

        # A zone's city alone, or a city misspelt, is nearer to the last part than to the whole name.
        zones = available_timezones()
        cities = {zone.rsplit("/", 1)[-1]: zone for zone in sorted(zones)}
        hint = nearest(value, zones)
        if not hint and (close := get_close_matches(value.rsplit("/", 1)[-1].title(), list(cities), n=1, cutoff=0.8)):
            hint = f"Did you mean {cities[close[0]]!r}?"
        raise ValueError(f"is no time zone; give an IANA name such as Europe/Lisbon. {hint}".rstrip()) from None
    return value


@cache
def _zones() -> frozenset[str]:
    """Return the zones that the tzdata package has. zoneinfo, which also knows the system's, is slow to import."""
    try:
        import tzdata

        with open(os.path.join(os.path.dirname(tzdata.__file__), "zones"), encoding="utf-8") as stream:
            return frozenset(stream.read().split())
    except (ImportError, OSError):
        return frozenset()


def nothing(part: object) -> list[Finding]:
    """Anything is right."""
    return []


def slot(rule: object) -> list[Finding]:
    """A slot has either `at` or `cron`, and its cron expression has a next time."""
    at, cron = _get(rule, "at"), _get(rule, "cron")
    if at is not None and cron is not None:
        return [Finding(loc=("cron",), message="a slot has `at` or `cron`, not both.", cure="Remove one.")]
    if at is None and cron is None:
        return [Finding(loc=(), message="a slot needs `at` or `cron`.", cure='Write at: "08:30", or a cron line.')]
    return [Finding(loc=("cron",), message=_cron(cron))] if isinstance(cron, str) and _cron(cron) else []


def quiet_hours(hours: object) -> list[Finding]:
    """Quiet hours end at another time than they start."""
    if _get(hours, "start") == _get(hours, "end"):
        return [Finding(loc=("end",), message="is the same as start.", cure="Leave quiet_hours out to have none.")]
    return []


def delay(span: object) -> list[Finding]:
    """The shortest delay is not longer than the longest."""
    least, most = _get(span, "least"), _get(span, "most")
    if least > most:  # type: ignore[operator]
        return [Finding(loc=("least",), message="is longer than `most`.", cure="Swap the two.")]
    return []


def budget(limits: object) -> list[Finding]:
    """A budget limits something."""
    if _get(limits, "tokens") is None and _get(limits, "money") is None:
        return [Finding(loc=(), message="limits nothing.", cure="Give `tokens`, `money` or both.")]
    return []


def memory(settings: object) -> list[Finding]:
    """A Chroma server's address is one of http."""
    url = _get(settings, "url")
    if isinstance(url, str) and not re.fullmatch(r"https?://[A-Za-z0-9._-]+(:[0-9]+)?/?", url):
        cure = "Write one such as http://127.0.0.1:8000, without a path or a password."
        return [Finding(loc=("url",), message="is no address of a server.", cure=cure)]
    return []


def writer(model: object) -> list[Finding]:
    """Money needs a price, a revision is of a hub model, and options name nothing that has a key of its own."""
    found = []
    money, price = _get(_get(model, "budget"), "money"), _get(model, "price")
    if money is not None and not (_get(price, "input") or _get(price, "output")):
        cure = "Add `price: {input: ..., output: ...}`, of a million tokens each."
        found.append(Finding(loc=("budget", "money"), message="needs the model's price to be counted.", cure=cure))
    name = _get(model, "model")
    if _get(model, "revision") is not None and not (isinstance(name, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", name)):
        cure = "Remove it, or give a model such as org/name."
        found.append(Finding(loc=("revision",), message="is for models of the hub only.", cure=cure))
    options = _get(model, "options")
    for key in options if isinstance(options, Mapping) else ():
        if key in _OWN_KEYS:
            found.append(Finding(loc=("options", key), message="is not an option.", cure=_OWN_KEYS[key]))
    return found


_OWN_KEYS = {
    "base_url": "Write `base_url` beside `model`.",
    "api_key": "Write `api_key: env:NAME` beside `model`.",
    "model": "Write `model` itself.",
    "model_provider": "Write `model: provider:name`.",
    "timeout": "Write `timeout` beside `model`.",
    "max_retries": "Write `retries` beside `model`.",
    "rate_limiter": "Write `requests_per_minute` beside `model`.",
    "max_tokens": "Write `max_tokens` in the persona's writer.",
    "n": "Write `candidates` in the persona's writer.",
}


def across(definition: object) -> list[Finding]:
    """Handles, product ids, and each persona's slots and topics are there once; products that are named exist."""
    personas, products = _list(_get(definition, "personas")), _list(_get(definition, "products"))
    found = [
        *_twice(personas, ("personas",), "handle", "another persona has this handle."),
        *_twice(products, ("products",), "id", "another product has this id."),
    ]
    known = {each for product in products if isinstance(each := _get(product, "id"), str)}
    for i, persona in enumerate(personas):
        at: Loc = ("personas", i)
        found += _twice(_list(_get(persona, "slots")), (*at, "slots"), "name", "another slot has this name.")
        found += _twice(_list(_get(persona, "topics")), (*at, "topics"), "name", "another topic has this name.")
        for k, product in enumerate(_list(_get(persona, "products"))):
            if isinstance(product, str) and product not in known:
                hint = nearest(product, known) or f"There are: {', '.join(sorted(known)[:20]) or 'none'}."
                found.append(Finding(loc=(*at, "products", k), message="is no product of the catalogue.", cure=hint))
    return found


def _twice(items: Sequence[object], at: Loc, key: str, message: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for i, item in enumerate(items):
        value = _get(item, key)
        if not isinstance(value, str):
            continue
        if value.casefold() in seen:
            yield Finding(loc=(*at, i, key), message=message, cure="Give each its own.")
        seen.add(value.casefold())


def _cron(expression: str) -> str:
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    if len(expression.split()) != 5:
        return 'must have five fields (minute hour day month weekday), such as "30 8 * * mon-fri".'
    try:
        # A fixed day: whether an expression is right must not depend on when it is asked.
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return f'is no cron expression ({error}); write one such as "30 8 * * mon-fri".'
    except StopIteration:
        return "never comes; no date fits it."
    return ""


def _get(thing: object, key: str) -> object:
    return thing.get(key) if isinstance(thing, Mapping) else getattr(thing, key, None)


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
