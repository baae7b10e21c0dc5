"""Delivery: ready rows go out, by the promise of their channel, and what is out is remembered."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from .agenda import GRACE
from .channel import Channel, Outgoing, Sent
from .crash import here
from .errors import ChannelError, SendUncertain
from .parts import Parts
from .remembering import records_of
from .store import OutboxRow, PostRow, append, writing

log = logging.getLogger(__name__)

_TRIES = 5
_TTL_SHARE = 0.8
"""A key is trusted for this share of the time that its network keeps it."""


def deliver_due(parts: Parts, now: datetime) -> int:
    """Send every ready row that is due, oldest first, and settle those found in `sending`; return how many went out."""
    sent = 0
    for row_id in _due(parts, now):
        here("delivery.read")
        with writing(parts.store) as session:
            row = session.get_one(OutboxRow, row_id)
            if row.state not in ("ready", "sending"):
                continue
            channel = parts.channels.get((row.persona, row.channel))
            if channel is None:
                _park(session, row, "failed", f"the persona has no channel {row.channel!r} any more", now)
                continue
            found_sending = row.state == "sending"
            if found_sending and not _may_repeat(parts, session, row, channel, now):
                continue
            if not found_sending and now - row.due_at > GRACE and row.kind == "post":
                _park(session, row, "expired", "it is too late for its slot", now)
                continue
            if not found_sending:
                row.state, row.sending_at = "sending", now
            row.attempts += 1
            post = Outgoing(
                key=row.key,
                text=row.text,
                in_reply_to=row.in_reply_to,
                labels=tuple(row.labels),
                language=parts.definition.persona(row.persona).language,
            )
            here("delivery.claimed")
        here("delivery.after-claim")
        sent += _send(parts, channel, row_id, post, now)
    return sent


def _due(parts: Parts, now: datetime) -> list[int]:
    with parts.store.connect() as connection:
        rows = connection.execute(
            select(OutboxRow.id)
            .where(
                OutboxRow.state.in_(("ready", "sending")),
                OutboxRow.due_at <= now,
                or_(OutboxRow.next_try_at.is_(None), OutboxRow.next_try_at <= now),
            )
            .order_by(OutboxRow.due_at, OutboxRow.id)
        )
        return [row_id for (row_id,) in rows]


def _may_repeat(parts: Parts, session: Session, row: OutboxRow, channel: Channel, now: datetime) -> bool:
    """Settle a row found in `sending` by what its channel can do; True if it may be sent again with its key."""
    promise = channel.promise
    begun = row.sending_at or now
    if promise.kind == "idempotent":
        if now - begun < promise.window * _TTL_SHARE:
            return True
        _park(session, row, "unknown", "the network may have forgotten its key", now)
    elif promise.kind == "readback":
        if now - begun < promise.window:
            row.next_try_at = begun + promise.window
            return False
        found = channel.find(row.key)
        here("delivery.looked")
        if found is None:
            return True
        # Sending is over; the row is finished by `_sent` as any other.
        _sent(parts, session, row, found, now)
    else:
        _park(session, row, "unknown", "the channel does not tell whether it went out", now)
    return False


def _send(parts: Parts, channel: Channel, row_id: int, post: Outgoing, now: datetime) -> int:
    try:
        result = channel.send(post)
    except SendUncertain as error:
        here("delivery.uncertain")
        return _uncertain(parts, channel, row_id, str(error), now)
    except ChannelError as error:
        here("delivery.refused")
        return _again(parts, row_id, str(error), now)
    except Exception as error:
        log.exception("channel %s failed", channel.name)
        return _uncertain(parts, channel, row_id, f"{type(error).__name__}: {error}", now)
    here("delivery.after-send")
    with writing(parts.store) as session:
        _sent(parts, session, session.get_one(OutboxRow, row_id), result, now)
    here("delivery.after-keep")
    return 1


def _sent(parts: Parts, session: Session, row: OutboxRow, result: Sent, now: datetime) -> None:
    row.state, row.sent_at, row.remote_id, row.url = "sent", now, result.id, result.url
    row.next_try_at, row.reasons = None, []
    session.add(
        PostRow(
            outbox_id=row.id,
            persona=row.persona,
            channel=row.channel,
            kind=row.kind,
            text=row.text,
            at=now,
            remote_id=result.id,
            in_reply_to=row.in_reply_to,
            url=result.url,
        )
    )
    append(
        session,
        at=now,
        persona=row.persona,
        kind="sent",
        key=row.key,
        channel=row.channel,
        what=row.kind,
        text=row.text,
        id=result.id,
    )
    here("delivery.sent")
    parts.memory.remember(records_of(session, row, now), session)
    here("delivery.remembered")


def _again(parts: Parts, row_id: int, cause: str, now: datetime) -> int:
    with writing(parts.store) as session:
        row = session.get_one(OutboxRow, row_id)
        row.reasons = [f"channel: {cause}"]
        if row.attempts >= _TRIES:
            _park(session, row, "failed", f"gave up after {_TRIES} tries: {cause}", now)
        else:
            row.state, row.sending_at = "ready", None
            row.next_try_at = now + timedelta(minutes=2**row.attempts)
        here("delivery.waiting")
    here("delivery.after-wait")
    return 0


def _uncertain(parts: Parts, channel: Channel, row_id: int, cause: str, now: datetime) -> int:
    with writing(parts.store) as session:
        row = session.get_one(OutboxRow, row_id)
        row.reasons = [f"channel: {cause}"]
        if channel.promise.kind == "at_most_once" or row.attempts >= _TRIES:
            _park(session, row, "unknown", f"it is not known whether it went out: {cause}", now)
        else:
            # It stays in `sending`: the next tick settles it by the channel's promise.
            row.next_try_at = (
                now + max(channel.promise.window, timedelta(minutes=1))
                if (channel.promise.kind == "readback")
                else now + timedelta(minutes=2**row.attempts)
            )
        here("delivery.unsure")
    here("delivery.after-unsure")
    return 0


def _park(session: Session, row: OutboxRow, state: str, reason: str, now: datetime) -> None:
    row.state, row.reasons, row.next_try_at = state, [reason], None
    append(session, at=now, persona=row.persona, kind=state, key=row.key, reason=reason)
    here("delivery.parked")
