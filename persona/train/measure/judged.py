"""A draft as the guards see it, made from the brief that it answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from ...channel import Limits
from ...compose.brief import Brief, Card
from ...definition import Persona
from ...guard import Draft, Guard, Verdict
from ...guards import BrokenGuard, ClaimsGuard, ExperienceGuard, FactsGuard, IdentityGuard, review

GUARDS: tuple[Guard, ...] = (IdentityGuard(), FactsGuard(), ClaimsGuard(), ExperienceGuard(), BrokenGuard())
"""Those that judge what a text says. Labels, lengths and emoji policy are the persona file's, which a corpus lacks."""
_FACTS: tuple[Guard, ...] = (FactsGuard(), ClaimsGuard())
_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_HANDLE = re.compile(r"[\w.-]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def given(brief: Brief) -> tuple[str, ...]:
    """Return all texts that a draft's names and numbers may come from, without the comment that it answers."""
    texts = [brief.card.name, brief.card.bio, brief.topic, *brief.points, *brief.memory, *brief.policy, brief.about]
    if goods := brief.goods:
        texts += [goods.name, goods.price, *goods.facts, goods.offer]
    # Whoever is answered or was told of may be called by name.
    people = {brief.author, *(word for text in brief.memory for word in _HANDLE.findall(text))}
    return tuple(text for text in [*texts, *(f"@{name}" for name in sorted(people) if name)] if text)


def as_draft(brief: Brief, text: str) -> Draft:
    """Return what the guards see of `text`."""
    return Draft(
        persona=_persona(brief.card),
        kind="reply" if brief.comment else "post",
        channel="measured",
        body=text,
        text=text,
        labels=(),
        limits=Limits(max_chars=5000),
        now=_NOW,
        facts=given(brief),
        product=brief.goods.name if brief.goods else None,
        question=brief.comment,
    )


@lru_cache(maxsize=65536)
def verdict(brief: Brief, text: str, guards: tuple[Guard, ...] = GUARDS) -> Verdict:
    """Return what the guards say of `text`."""
    return review(as_draft(brief, text), guards)


def facts_only(brief: Brief, text: str) -> bool:
    """Tell whether a text uses only what was given.

    The facts guard and the claims guard have nothing to say (prices, shares, measures, dates and counts stand in the
    brief; of a product no feature, material, origin, award or effect is claimed that its facts lack), and every number
    in digits stands in the brief or in the comment, written the same way.
    """
    return verdict(brief, text, _FACTS).decision == "publish" and not strange_numbers(brief, text)


def numbers(text: str) -> list[str]:
    """Return the numbers of `text` that are written in digits, as they stand."""
    return _NUMBER.findall(text)


def strange_numbers(brief: Brief, text: str) -> list[str]:
    """Return the numbers in digits that stand neither in the brief nor in the comment."""
    known = {number for source in (*given(brief), brief.comment) for number in numbers(source)}
    return [number for number in numbers(text) if number not in known]


@lru_cache(maxsize=1024)
def _persona(card: Card) -> Persona:
    handle = re.sub(r"[^a-z0-9_]", "_", card.name.casefold())[:30]
    return Persona.model_validate(
        {
            "name": card.name,
            "handle": handle if len(handle) > 1 else f"{handle}__",
            "bio": card.bio,
            "voice": card.voice,
            "topics": ({"name": "all"},),
            "time_zone": "UTC",
            "slots": ({"name": "morning", "at": "08:30"},),
            "channels": {"measured": {}},
        }
    )
