"""Listening: what happened on the channels goes into the inbox and, where someone said something, into memory."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from .channel import Channel, Event
from .crash import here
from .definition import Persona
from .memory import Record, record_id
from .parts import Parts
from .store import CursorRow, InboxRow, OutboxRow, PostRow, append, writing
from .text import clean_text

log = logging.getLogger(__name__)

_KEPT = ("mention", "reply", "message", "follow")


def listen(parts: Parts, now: datetime) -> int:
    """Poll every channel of every persona up to `now` (exclusive); return how many events are new.

    Events, memory and cursor of one channel are kept in one transaction. A channel that fails is logged and asked
    again at the next tick; the others go on.
    """
    heard = 0
    for persona in parts.personas:
        for channel in parts.channels_of(persona.handle):
            try:
                heard += _listen_to(parts, persona, channel, now)
            except Exception:
                log.exception("channel %s of @%s cannot be read", channel.name, persona.handle)
    return heard


def _listen_to(parts: Parts, persona: Persona, channel: Channel, now: datetime) -> int:
    with parts.store.connect() as connection:
        cursor = connection.execute(
            select(CursorRow.cursor).where(CursorRow.persona == persona.handle, CursorRow.channel == channel.name)
        ).scalar()
    here("listen.begin")
    poll = channel.poll(cursor, now)
    if poll.cursor == cursor and not poll.events:
        return 0
    here("listen.polled")
    with writing(parts.store) as session:
        records = []
        count = 0
        for event in poll.events:
            if event.kind in _KEPT and _keep(session, persona, channel.name, event):
                count += 1
                here("listen.kept")
                if event.kind != "follow" and len(event.text.split()) > 1:
                    records.append(_told(session, persona, channel.name, event))
        if records:
            parts.memory.remember(records, session)
        session.merge(CursorRow(persona=persona.handle, channel=channel.name, cursor=poll.cursor))
        here("listen.written")
    here("listen.committed")
    return count


def _keep(session: Session, persona: Persona, channel: str, event: Event) -> bool:
    known = select(InboxRow.id).where(
        InboxRow.persona == persona.handle, InboxRow.channel == channel, InboxRow.remote_id == event.id
    )
    if session.execute(known).first():
        return False
    text = clean_text(event.text)
    session.add(
        InboxRow(
            persona=persona.handle,
            channel=channel,
            remote_id=event.id,
            kind=event.kind,
            author=event.author,
            at=event.at,
            text=text,
            post_id=event.post_id,
            about_id=event.about_id,
            thread_id=event.thread_id,
            state="new",
            note="",
        )
    )
    append(session, at=event.at, persona=persona.handle, kind="heard", what=event.kind, author=event.author, text=text)
    return True


def _told(session: Session, persona: Persona, channel: str, event: Event) -> Record:
    about = session.execute(
        select(OutboxRow.subject)
        .join(PostRow, PostRow.outbox_id == OutboxRow.id)
        .where(PostRow.channel == channel, PostRow.remote_id == (event.thread_id or event.about_id))
    ).scalar()
    text = clean_text(event.text)
    return Record(
        id=record_id(persona=persona.handle, kind="told", author=event.author, text=text, source=event.id),
        persona=persona.handle,
        kind="told",
        text=text,
        at=event.at,
        author=event.author,
        source=f"{channel}:{event.id}",
        channel=channel,
        importance=importance_of(text),
        trust=0.6,
        extra={"topic": (about or {}).get("topic", "")},
    )


def importance_of(text: str) -> float:
    """Return how much a comment is worth remembering, 0..1: longer, asking, telling of oneself counts more."""
    words = text.casefold().split()
    value = 0.2 + min(len(words), 25) / 50
    value += 0.15 if "?" in text else 0.0
    value += 0.15 if {"i", "my", "we", "our", "i'm", "i've"} & set(words) else 0.0
    return round(min(value, 1.0), 3)
