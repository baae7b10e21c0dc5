"""The reflection job: once a day posts are measured and every persona concludes what many records say."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from .crash import here
from .definition import Persona
from .parts import Parts
from .performance import measure_posts
from .store import append, get_setting, put_setting, reading, writing

EVERY = timedelta(days=1)
_SETTING = "reflected"


def reflect_due(parts: Parts, now: datetime) -> int:
    """Reflect if a day has passed since the last time; return how many insights are new.

    All of it is one transaction: killed before its end, it is done again by the next tick, with the same result.
    """
    with reading(parts.store) as session:
        last = get_setting(session, _SETTING)
    if last is not None and now - datetime.fromisoformat(last["at"]) < EVERY:
        return 0
    with writing(parts.store) as session:
        put_setting(session, _SETTING, {"at": now.isoformat()})
        count = _reflect(parts, session, now) if last is not None else 0
        here("reflect.written")
    here("reflect.committed")
    return count


def subjects_of(persona: Persona) -> dict[str, str]:
    """Return what the persona writes about: the name of each topic and angle, and a text of what it is."""
    topics = {topic.name: topic.name for topic in persona.topics}
    angles = {a.about: f"{a.about}: {a.say}" if a.say else a.about for t in persona.topics for a in t.angles}
    return {**topics, **angles}


def _reflect(parts: Parts, session: Session, now: datetime) -> int:
    parts.memory.remember(measure_posts(session, now), session)
    count = 0
    for persona in parts.personas:
        fresh = parts.memory.reflect(persona.handle, subjects=subjects_of(persona), now=now, session=session)
        for insight in fresh:
            append(session, at=now, persona=persona.handle, kind="insight", id=insight.id, text=insight.text)
        count += len(fresh)
    return count
