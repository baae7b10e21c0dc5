"""What came of a run, per persona."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from .parts import Parts
from .store import OutboxRow, PostRow, get_setting, put_setting, reading, writing

_SPENT = "seconds"


@dataclass(frozen=True, kw_only=True)
class PersonaSummary:
    """One persona's line of the table. `held` counts by the rules that held a draft; `seconds` are wall time."""

    handle: str
    name: str
    posts: int
    replies: int
    followers: int
    likes: int
    held: Mapping[str, int]
    waiting: int
    memory: int
    seconds: float


def add_seconds(parts: Parts, spent: Mapping[str, float]) -> None:
    """Add to each persona's time of drafting. Kept as a setting, since it must not enter the log."""
    with writing(parts.store) as session:
        total = get_setting(session, _SPENT) or {}
        put_setting(session, _SPENT, {k: total.get(k, 0.0) + spent.get(k, 0.0) for k in sorted({*total, *spent})})


def summarise(parts: Parts) -> list[PersonaSummary]:
    """Return one summary per persona, by handle."""
    with reading(parts.store) as session:
        counted = session.execute(
            select(PostRow.persona, PostRow.kind, func.count()).group_by(PostRow.persona, PostRow.kind)
        )
        posts = {(persona, kind): count for persona, kind, count in counted}
        held: dict[str, Counter[str]] = {}
        waiting: Counter[str] = Counter()
        for persona, reasons in session.execute(
            select(OutboxRow.persona, OutboxRow.reasons).where(OutboxRow.state == "held")
        ):
            waiting[persona] += 1
            held.setdefault(persona, Counter()).update({reason.split(":")[0] for reason in reasons})
        seconds = get_setting(session, _SPENT) or {}
    lines = []
    for persona in parts.personas:
        standings = [channel.standing() for channel in parts.channels_of(persona.handle)]
        lines.append(
            PersonaSummary(
                handle=persona.handle,
                name=persona.name,
                posts=posts.get((persona.handle, "post"), 0),
                replies=posts.get((persona.handle, "reply"), 0),
                followers=sum(max(standing.followers, 0) for standing in standings),
                likes=sum(max(standing.likes, 0) for standing in standings),
                held=dict(sorted(held.get(persona.handle, Counter()).items())),
                waiting=waiting[persona.handle],
                memory=parts.memory.count(persona.handle),
                seconds=seconds.get(persona.handle, 0.0),
            )
        )
    return lines
