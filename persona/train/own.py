"""A persona's own texts: the samples on its card, and the posts of the store that a person approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, select

from ..definition import Persona
from ..store import LogRow, OutboxRow, reading
from .foreign import Foreign
from .near import plain
from .posts import LeftOut, Post, Read

_APPROVED = ("approved", "edited")
_LEFT = ("rejected", "failed", "expired")


def own_texts(persona: Persona, engine: Engine | None, foreign: Foreign) -> Read:
    """Return a persona's texts, as if read from a file: line 1, 2, ... are its samples, then its approved posts.

    Only posts that a person approved or edited count: what nobody has looked at would teach the model its own habits.
    Answers are left alone, since they make sense only beside what another person wrote. Sentences that quote or name
    others are cut; a text that is left with none is left out.
    """
    posts: list[Post] = []
    left_out: list[LeftOut] = []
    for text in persona.samples.posts:
        posts.append(Post(line=len(posts) + 1, text=text, topic=nearest_topic(persona, text), persona=persona.handle))
    for sample in persona.samples.replies:
        posts.append(Post(line=len(posts) + 1, text=sample.text, comment=sample.comment, persona=persona.handle))
    samples = len(posts)
    for body, subject in _approved(engine, persona.handle) if engine is not None else []:
        line = len(posts) + len(left_out) + 1
        own = _quoted(subject).without(foreign.without(body))
        if own:
            topic = _topic(subject) or nearest_topic(persona, own)
            posts.append(Post(line=line, text=own, topic=topic, persona=persona.handle))
        else:
            left_out.append(LeftOut(line=line, reason="another's words", detail="nothing else stands in it"))
    place = f"@{persona.handle} ({samples} samples, {len(posts) + len(left_out) - samples} approved posts)"
    return Read(place=place, encoding="utf-8", posts=tuple(posts), left_out=tuple(left_out))


def nearest_topic(persona: Persona, text: str) -> str:
    """Return the topic or angle of the card that shares most words with a text, or none if it shares none."""
    words = _content(text)
    best, most = "", 0
    for topic in persona.topics:
        for name in (topic.name, *(f"{angle.about} {angle.say}" for angle in topic.angles)):
            shared = len(words & _content(name))
            if shared > most:
                best, most = topic.name, shared
    return best


def _approved(engine: Engine, handle: str) -> list[tuple[str, Mapping[str, Any]]]:
    with reading(engine) as session:
        decided = session.scalars(select(LogRow).where(LogRow.persona == handle, LogRow.kind.in_(_APPROVED)))
        keys = {str(row.body.get("key", "")) for row in decided}
        rows = session.scalars(
            select(OutboxRow)
            .where(OutboxRow.persona == handle, OutboxRow.kind == "post", OutboxRow.state.not_in(_LEFT))
            .order_by(OutboxRow.id)
        )
        return [(row.body, dict(row.subject)) for row in rows if row.key in keys and row.body]


def _quoted(subject: Mapping[str, Any]) -> Foreign:
    # The person may have been forgotten everywhere else; and this text was made of the quotation.
    quote = subject.get("quote") or {}
    return Foreign([str(quote.get("text", ""))], [str(quote.get("author", ""))], run=4)


def _topic(subject: Mapping[str, Any]) -> str:
    if subject.get("mode") not in (None, "topic"):
        return ""
    return str(subject.get("angle") or subject.get("topic") or "")


def _content(text: str) -> set[str]:
    return {word for word in plain(text).split() if len(word) > 3}
