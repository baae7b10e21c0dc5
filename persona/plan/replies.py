"""Which events are answered, and when: the reply policy in code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from ..channel import Event
from ..definition import Persona
from .slots import after_quiet

_SPAM = re.compile(
    r"https?://|www\.|\b(giveaway|free followers|follow ?(4|for) ?follow|check (out )?my (page|profile|bio)|"
    r"dm me|promo code|crypto|investment|whatsapp|telegram)\b|🎁",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Whether an event is answered: at `due_at`, or not at all, for `reason`."""

    due_at: datetime | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """How often the persona has answered already: in this thread, and this author and anyone on this local day."""

    thread: int
    author: int
    day: int


def consider(persona: Persona, event: Event, answered: Answered, random: Random) -> Answer:
    """Return whether and when `event` is answered.

    The delay is drawn between the policy's bounds; an answer that would fall into quiet hours waits for their end.
    """
    policy = persona.replies
    reason = _refusal(persona, event, answered)
    if reason:
        return Answer(due_at=None, reason=reason)
    least, most = int(policy.delay.least.total_seconds()), int(policy.delay.most.total_seconds())
    due = event.at + timedelta(seconds=random.randint(least, most))
    return Answer(due_at=after_quiet(due, ZoneInfo(persona.time_zone), persona.quiet_hours))


def _refusal(persona: Persona, event: Event, answered: Answered) -> str:
    policy = persona.replies
    checks = (
        (event.author == persona.handle, "own post"),
        (event.kind not in policy.to, f"the reply policy does not answer a {event.kind}"),
        (not any(c.isalnum() for c in event.text), "there are no words to answer"),
        (bool(_SPAM.search(event.text)), "it looks like spam"),
        (answered.thread >= policy.per_thread, f"answered {policy.per_thread} times in this thread already"),
        (answered.author >= policy.per_author, f"answered this author {policy.per_author} times today already"),
        (answered.day >= policy.per_day, f"answered {policy.per_day} times today already"),
    )
    return next((reason for met, reason in checks if met), "")
