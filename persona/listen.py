"""Listening: what happened on the channels goes into the inbox and, where someone said something, into memory."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from . import gate
from .calling import Call
from .calls import KEPT_FOR_POSTS, rate_of, take
from .channel import Channel, Event, Poll
from .crash import here
from .definition import Persona
from .errors import ChannelError, ChannelRefused
from .forgetting.tombstones import Tombstones
from .hearsay import Hearsay
from .parts import Parts
from .store import CursorRow, InboxRow, PostRow, append, reading, writing
from .text import clean_text

log = logging.getLogger(__name__)

_KEPT = ("mention", "reply", "message", "follow")
_TAKEN = ("like", "boost")


def listen(parts: Parts, now: datetime) -> int:
    """Poll every channel of every persona up to `now` (exclusive); return how many events are new.

    Events, memory and cursor of one channel are kept in one transaction; what a forgotten person does is passed over.
    A channel that fails is logged and asked again later; the others go on. None is asked before the instant that its
    network named, or beyond its rate.
    """
    with reading(parts.store) as session:
        gates = gate.gates(session, "poll")
    heard, mine = _collect(parts, 0.0), set()
    for persona in parts.personas:
        for channel in parts.channels_of(persona.handle):
            account = (persona.handle, channel.name)
            standing = gates.get(account, gate.OPEN)
            if account in parts.calls.running or standing.closed(now):
                continue
            try:
                if _start(parts, persona, channel, standing, now):
                    mine.add(account)
                heard += _collect(parts, 0.0)
            except Exception:
                log.exception("what channel %s of @%s told cannot be kept", channel.name, persona.handle)
    end = time.monotonic() + parts.patience
    while mine & parts.calls.running and time.monotonic() < end:
        heard += _collect(parts, end - time.monotonic())
    return heard


def _collect(parts: Parts, seconds: float) -> int:
    return sum(call.done(call.future) for call in parts.calls.collect(seconds))


def _start(parts: Parts, persona: Persona, channel: Channel, standing: gate.Gate, now: datetime) -> bool:
    rate = rate_of(persona, channel)
    if rate is not None:
        with writing(parts.store) as session:
            if not take(session, persona.handle, channel.name, rate, now, keep=KEPT_FOR_POSTS):
                return False
    with parts.store.connect() as connection:
        cursor = connection.execute(
            select(CursorRow.cursor).where(CursorRow.persona == persona.handle, CursorRow.channel == channel.name)
        ).scalar()
    here("listen.begin")
    since = parts.clock.now() - now

    def done(future: Future[Poll]) -> int:
        at = parts.clock.now() - since
        try:
            poll = future.result()
        except Exception as error:
            _failed(parts, persona, channel, at, error)
            return 0
        return _listened(parts, persona, channel, cursor, poll, standing, at)

    call = Call(account=(persona.handle, channel.name), what="poll", done=done)
    parts.calls.start(call, lambda: channel.poll(cursor, now))
    return True


def _failed(parts: Parts, persona: Persona, channel: Channel, now: datetime, error: Exception) -> None:
    if isinstance(error, ChannelError):
        log.warning("channel %s of @%s cannot be read: %s", channel.name, persona.handle, error)
    else:
        log.error("channel %s of @%s cannot be read", channel.name, persona.handle, exc_info=error)
    wait = error.retry_after if isinstance(error, ChannelError) else None
    with writing(parts.store) as session:
        if isinstance(error, ChannelRefused):
            gate.stop(session, persona.handle, channel.name, now, str(error))
        else:
            cause = str(error) if isinstance(error, ChannelError) else f"{type(error).__name__}: {error}"
            gate.went_wrong(session, persona.handle, channel.name, "poll", now, cause, wait)
        here("listen.failed")
    here("listen.after-failed")


def _listened(
    parts: Parts,
    persona: Persona,
    channel: Channel,
    cursor: str | None,
    poll: Poll,
    standing: gate.Gate,
    now: datetime,
) -> int:
    if poll.cursor == cursor and not poll.events:
        if standing.failures or standing.state != "well":
            with writing(parts.store) as session:
                gate.went_well(session, persona.handle, channel.name, "poll", now)
        return 0
    here("listen.polled")
    with writing(parts.store) as session:
        gate.went_well(session, persona.handle, channel.name, "poll", now)
        count, hearsay = 0, Hearsay(parts.memory, session, persona, channel.name)
        tombstones = Tombstones(session)
        for event in poll.events:
            if tombstones.author(event.author, channel.name) or tombstones.event(event.id, channel.name):
                continue
            event = replace(event, text=tombstones.without_names(event.text, channel.name))
            if event.kind in _TAKEN and event.about_id:
                _taken(session, channel.name, event)
            if event.kind in _KEPT and _keep(session, persona, channel.name, event):
                count += 1
                here("listen.kept")
                hearsay.hear(event)
        hearsay.keep()
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


def _taken(session: Session, channel: str, event: Event) -> None:
    column = PostRow.likes if event.kind == "like" else PostRow.boosts
    session.execute(
        update(PostRow)
        .where(PostRow.channel == channel, PostRow.remote_id == event.about_id)
        .values({column: column + 1}),
        execution_options={"synchronize_session": False},
    )
