"""What becomes of a row of the outbox in the end: it is sent and remembered, or parked with its reason."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from .channel import Sent
from .crash import here
from .parts import Parts
from .remembering import remember
from .store import OutboxRow, PostRow, append


def keep_sent(parts: Parts, session: Session, row: OutboxRow, result: Sent, now: datetime) -> None:
    """Keep that a row is out, as `result` says, in the caller's transaction, and remember it."""
    row.state, row.sent_at, row.remote_id, row.url = "sent", now, result.id, result.url
    row.next_try_at, row.reasons, row.lease_owner, row.lease_until = None, [], None, None
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
    remember(parts, session, row, now)
    here("delivery.remembered")


def park(session: Session, row: OutboxRow, state: str, reason: str, now: datetime) -> None:
    """Take a row off the way, to `state`, for `reason`; what the channel said before stays with it."""
    earlier = [each for each in row.reasons if str(each).startswith("channel: ") and reason not in str(each)]
    row.state, row.reasons, row.next_try_at = state, [reason, *earlier], None
    row.lease_owner, row.lease_until = None, None
    append(session, at=now, persona=row.persona, kind=state, key=row.key, reason=reason)
    here("delivery.parked")
