"""Delivery: ready rows go out, by the promise of their channel, and what is out is remembered."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from . import gate
from .calling import Account, Call
from .calls import rate_of, take
from .channel import Channel, Outgoing, Sent
from .crash import here
from .definition import Persona
from .errors import ChannelError, ChannelRefused, PostRefused, SendUncertain
from .fresh import lateness, stale
from .outcome import keep_sent, park
from .parts import Parts
from .pause import paused
from .retry import backoff
from .store import OutboxRow, append, reading, writing

log = logging.getLogger(__name__)

TRIES = 8
"""A text that was refused so often, while the channel took others, is given up."""
TRIES_UNSURE = 24
"""A text whose fate could not be found out in so many attempts is left to a person."""
LEASE = timedelta(minutes=5)
"""Another owner leaves a row in `sending` alone for so long."""
_TTL_SHARE = 0.8
"""A key is trusted for this share of the time that its network keeps it."""
_BACK = timedelta(minutes=1)


def deliver_due(parts: Parts, now: datetime) -> int:
    """Send every ready row that is due, oldest first, and settle those found in `sending`; return how many went out.

    Nothing is sent while a brake is on, for a paused persona, before the instant a network asked for, beyond a
    channel's rate, or if the last look at the text finds fault with it.
    """
    return _Pass(parts, now).run()


@dataclass(frozen=True)
class _Due:
    id: int
    account: Account
    attempts: int


class _Pass:
    """One pass over what is due. It stores in the thread that makes it; only calls may be in others."""

    def __init__(self, parts: Parts, now: datetime) -> None:
        self.parts = parts
        self.known = {persona.handle: persona for persona in parts.personas}
        self._offset = now - parts.clock.now()
        self._started: set[Account] = set()
        self._full: set[Account] = set()
        self._probed: set[Account] = set()

    @property
    def now(self) -> datetime:
        """The instant of the tick, and what has passed since: a call may take its time."""
        return self.parts.clock.now() + self._offset

    def run(self) -> int:
        sent = self._collect(0.0)
        rows = self._due()
        end = time.monotonic() + self.parts.patience
        while rows:
            waiting = []
            for row in rows:
                if self.parts.brakes:
                    return sent
                if row.account in self.parts.calls.running:
                    waiting.append(row)
                    continue
                self._begin(row.id)
                sent += self._collect(0.0)
            # Whoever was busy before this pass is not waited for.
            rows = [row for row in waiting if row.account in self._started]
            if not rows or time.monotonic() >= end:
                break
            sent += self._collect(end - time.monotonic())
        while self._started & self.parts.calls.running and time.monotonic() < end:
            sent += self._collect(end - time.monotonic())
        return sent

    def _collect(self, seconds: float) -> int:
        return sum(call.done(call.future) for call in self.parts.calls.collect(seconds))

    def _due(self) -> list[_Due]:
        if self.parts.brakes:
            return []
        now = self.now
        with reading(self.parts.store) as session:
            found = session.execute(
                select(OutboxRow.id, OutboxRow.persona, OutboxRow.channel, OutboxRow.attempts)
                .where(
                    OutboxRow.state.in_(("ready", "sending")),
                    OutboxRow.due_at <= now,
                    or_(OutboxRow.next_try_at.is_(None), OutboxRow.next_try_at <= now),
                )
                .order_by(OutboxRow.due_at, OutboxRow.id)
            ).all()
            if not found:
                return []
            gates = gate.gates(session, "send")
            still = paused(session, self.parts.folder, now)
        rows = [_Due(row_id, (persona, channel), attempts) for row_id, persona, channel, attempts in found]
        rows = [
            row for row in rows if not gates.get(row.account, gate.OPEN).closed(now) and not still.why(row.account[0])
        ]
        # Half open, the row that failed least often is tried: one that the network never takes must not bar the others.
        for account in {row.account for row in rows if gates.get(row.account, gate.OPEN).state == "resting"}:
            probe = min((row for row in rows if row.account == account), key=lambda row: row.attempts)
            rows = [row for row in rows if row.account != account or row is probe]
        return rows

    def _begin(self, row_id: int, *, looked: bool = False) -> None:
        """Claim a row, and call its channel."""
        parts, now = self.parts, self.now
        here("delivery.read")
        if parts.calls.sending(row_id):
            return
        with writing(parts.store) as session:
            row = session.get_one(OutboxRow, row_id)
            if row.state not in ("ready", "sending"):
                return
            account = (row.persona, row.channel)
            persona, channel = self.known.get(row.persona), parts.channels.get(account)
            if persona is None or channel is None:
                gone = f"the persona has no channel {row.channel!r} any more"
                park(session, row, "unknown" if row.state == "sending" else "failed", gone, now)
                return
            if self._barred(session, account, now):
                return
            what: Literal["send", "find"] | None = "send"
            if row.state == "sending" and not looked:
                what = self._settle(session, row, channel, now)
            elif row.state == "ready" and not self._good(session, row, persona, now):
                return
            if what is None:
                return
            if not take(session, *account, rate_of(persona, channel), now):
                self._full.add(account)
                return
            if what == "send":
                row.sending_at, row.tried_at = row.sending_at or now, now
                row.attempts += 1
            row.state, row.next_try_at = "sending", None
            row.lease_owner, row.lease_until = parts.owner, now + LEASE
            post = Outgoing(
                key=row.key,
                text=row.text,
                in_reply_to=row.in_reply_to,
                labels=tuple(row.labels),
                language=persona.language,
            )
            here("delivery.claimed")
        here("delivery.after-claim")
        self._started.add(account)
        if what == "send":
            call = Call(account=account, row_id=row_id, done=lambda future: self._answered(channel, row_id, future))
            parts.calls.start(call, lambda: channel.send(post))
        else:
            call = Call(account=account, row_id=row_id, done=lambda future: self._looked(channel, row_id, future))
            parts.calls.start(call, lambda: channel.find(post.key))

    def _barred(self, session: Session, account: Account, now: datetime) -> bool:
        """Tell whether nothing may be sent now, as the store has it at this moment."""
        parts = self.parts
        if parts.brakes or account in self._full:
            return True
        if lost := parts.may_post(session):
            parts.brakes.set("lease", lost)
            return True
        found = gate.gate_of(session, *account, "send")
        if found.closed(now):
            return True
        if found.state == "resting":
            if account in self._probed:
                return True
            self._probed.add(account)
        return bool(paused(session, parts.folder, now).why(account[0]))

    def _good(self, session: Session, row: OutboxRow, persona: Persona, now: datetime) -> bool:
        """Take a last look at the text; hold it or let it expire if it is not to go out."""
        late = lateness(row, persona, now)
        if late and persona.delivery.late == "drop":
            park(session, row, "expired", late, now)
            return False
        try:
            reasons = stale(row, persona, self.parts.definition)
        except Exception as error:
            log.exception("the last look at %s failed", row.key)
            reasons = [f"fresh: it could not be looked at ({type(error).__name__}: {error})"]
        if late and persona.delivery.late == "ask" and late not in row.cleared:
            reasons = [late, *reasons]
        if not reasons:
            return True
        row.state, row.reasons, row.next_try_at = "held", reasons, None
        append(session, at=now, persona=row.persona, kind="held", key=row.key, channel=row.channel, reasons=reasons)
        here("delivery.held")
        return False

    def _settle(
        self, session: Session, row: OutboxRow, channel: Channel, now: datetime
    ) -> Literal["send", "find"] | None:
        """Say what becomes of a row found in `sending`: its channel's promise decides."""
        promise, parts = channel.promise, self.parts
        if row.lease_owner not in (None, parts.owner):
            if row.lease_until and now < row.lease_until and not parts.is_dead(row.lease_owner or ""):
                return None
            row.lease_owner, row.lease_until = parts.owner, now + LEASE
            if promise.kind == "readback":
                # Its last attempt may have lain between the claim and the end of the owner before.
                row.tried_at = now
        began, tried = row.sending_at or now, row.tried_at or row.sending_at or now
        if now < began - _BACK:
            park(session, row, "unknown", "the clock has gone back behind the time when it was sent", now)
        elif row.attempts >= TRIES_UNSURE:
            park(session, row, "unknown", f"it is not known whether it went out, after {row.attempts} tries", now)
        elif promise.kind == "idempotent":
            if now - began < promise.window * _TTL_SHARE:
                return "send"
            park(session, row, "unknown", "the network may have forgotten its key", now)
        elif promise.kind == "readback":
            if now >= tried + promise.window:
                return "find"
            row.next_try_at = tried + promise.window
        else:
            park(session, row, "unknown", "the channel does not tell whether it went out", now)
        return None

    def _answered(self, channel: Channel, row_id: int, future: Future[Any]) -> int:
        """Keep what came of a send."""
        try:
            result: Sent = future.result()
        except SendUncertain as error:
            here("delivery.uncertain")
            return self._unsure(channel, row_id, str(error), error.retry_after)
        except ChannelError as error:
            here("delivery.refused")
            return self._refused(channel, row_id, error)
        except Exception as error:
            log.exception("channel %s failed", channel.name)
            here("delivery.uncertain")
            return self._unsure(channel, row_id, f"{type(error).__name__}: {error}", None)
        here("delivery.after-send")
        return self._keep(row_id, result)

    def _looked(self, channel: Channel, row_id: int, future: Future[Any]) -> int:
        """Keep what came of a look-up; send again what the network surely does not have."""
        try:
            found: Sent | None = future.result()
        except Exception as error:
            if not isinstance(error, ChannelError):
                log.exception("channel %s cannot be read", channel.name)
            here("delivery.uncertain")
            return self._blind(channel, row_id, error)
        here("delivery.looked")
        if found is not None:
            return self._keep(row_id, found)
        self._begin(row_id, looked=True)
        return 0

    def _keep(self, row_id: int, result: Sent) -> int:
        parts, now = self.parts, self.now
        with writing(parts.store) as session:
            row = session.get_one(OutboxRow, row_id)
            gate.went_well(session, row.persona, row.channel, "send", now)
            keep_sent(parts, session, row, result, now)
        here("delivery.after-keep")
        return 1

    def _refused(self, channel: Channel, row_id: int, error: ChannelError) -> int:
        """It surely did not go out: try again later, stop the channel, or give it up."""
        now, cause = self.now, str(error)
        with writing(self.parts.store) as session:
            row = session.get_one(OutboxRow, row_id)
            row.reasons, row.lease_owner, row.lease_until = [f"channel: {cause}"], None, None
            row.sending_at = row.tried_at = None
            if isinstance(error, ChannelRefused):
                row.state, row.attempts, row.next_try_at = "ready", row.attempts - 1, None
                gate.stop(session, row.persona, row.channel, now, cause)
            elif isinstance(error, PostRefused):
                park(session, row, "failed", cause, now)
            else:
                state = gate.went_wrong(session, row.persona, row.channel, "send", now, cause, error.retry_after).state
                if row.attempts >= TRIES and state != "resting":
                    park(session, row, "failed", f"gave up after {row.attempts} tries: {cause}", now)
                else:
                    row.state = "ready"
                    row.next_try_at = now + max(backoff(row.key, row.attempts), error.retry_after or timedelta(0))
            here("delivery.waiting")
        here("delivery.after-wait")
        return 0

    def _unsure(self, channel: Channel, row_id: int, cause: str, retry_after: timedelta | None) -> int:
        """It may have gone out: the promise decides what is done, and when."""
        now, promise = self.now, channel.promise
        with writing(self.parts.store) as session:
            row = session.get_one(OutboxRow, row_id)
            row.reasons = [f"channel: {cause}"]
            gate.went_wrong(session, row.persona, row.channel, "send", now, cause, retry_after)
            if promise.kind == "at_most_once":
                park(session, row, "unknown", f"it is not known whether it went out: {cause}", now)
            else:
                # It stays in `sending`: a later tick settles it by the channel's promise.
                row.tried_at = now
                wait = promise.window if promise.kind == "readback" else backoff(row.key, row.attempts)
                row.next_try_at = now + max(wait, retry_after or timedelta(0))
            here("delivery.unsure")
        here("delivery.after-unsure")
        return 0

    def _blind(self, channel: Channel, row_id: int, error: Exception) -> int:
        """The look-up itself failed: the row stays in `sending` and is looked up again later."""
        now, wait = self.now, error.retry_after if isinstance(error, ChannelError) else None
        with writing(self.parts.store) as session:
            row = session.get_one(OutboxRow, row_id)
            if isinstance(error, ChannelRefused):
                gate.stop(session, row.persona, row.channel, now, str(error))
            else:
                gate.went_wrong(session, row.persona, row.channel, "send", now, str(error), wait)
                row.next_try_at = now + max(backoff(row.key, row.attempts), wait or timedelta(0))
            row.reasons = [f"channel: {error}"]
            here("delivery.blind")
        here("delivery.after-blind")
        return 0
