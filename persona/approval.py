"""The queue of held drafts, and what a person may decide about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from .channel import Limits
from .errors import DraftAmbiguous, DraftNotFound, DraftNotHeld, EditRefused
from .guard import Verdict
from .store import InboxRow, LogRow, OutboxRow, append, reading, writing

Review = Callable[[OutboxRow, str], Verdict]
Decided = Literal["approved", "rejected", "edited"]
DECISIONS: tuple[Decided, ...] = ("approved", "rejected", "edited")
# Bidi, zero-width and tag characters can make a label unreadable without removing it. The joiner of emoji stays.
_UNSEEN = re.compile("[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]")
# A post's id may be digits too, but it begins with zeros or is longer than any row's number.
_NUMBER = re.compile(r"[1-9][0-9]{0,14}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True)
class HeldDraft:
    """One draft that waits for a person. `question` is the text that a reply answers, `asked_by` who wrote it."""

    id: int
    key: str
    persona: str
    channel: str
    kind: str
    body: str
    text: str
    labels: tuple[str, ...]
    reasons: tuple[str, ...]
    due_at: datetime
    max_chars: int
    in_reply_to: str | None = None
    question: str = ""
    asked_by: str = ""

    @property
    def room(self) -> int:
        """How many characters the body may have, so that the labels still fit."""
        return max(0, self.max_chars - len(with_labels("", self.labels)))


def with_labels(body: str, labels: tuple[str, ...] | list[str]) -> str:
    """Return `body` with its labels at the end, each set off by a space."""
    return " ".join((body, *labels))


def find_row(session: Session, ref: str) -> OutboxRow:
    """Return the outbox row that `ref` names: its number, its key, a sent post's id, or the beginning of its key.

    They are tried in that order. Raises DraftNotFound, or DraftAmbiguous for a beginning that several keys share.
    """
    ref = ref.strip()
    if _NUMBER.fullmatch(ref) and (row := session.get(OutboxRow, int(ref))):
        return row
    if row := session.scalar(select(OutboxRow).where(OutboxRow.key == ref)):
        return row
    sent = select(OutboxRow).where(OutboxRow.remote_id == ref).order_by(OutboxRow.id).limit(1)
    if ref and (row := session.scalar(sent)):
        return row
    if len(ref) < 2:
        raise DraftNotFound(ref=ref)
    starts = OutboxRow.key.startswith(ref.lower(), autoescape=True)
    rows = session.scalars(select(OutboxRow).where(starts).order_by(OutboxRow.key).limit(4)).all()
    if not rows:
        raise DraftNotFound(ref=ref)
    if len(rows) > 1:
        raise DraftAmbiguous(ref=ref, found_text=", ".join(row.key[:12] for row in rows))
    return rows[0]


class Approvals:
    """Lists held drafts and carries out decisions, each in one transaction and only while the draft is held.

    `limits` says how many characters each channel takes (500 where it says nothing). `review` judges an edited
    text: a `block` refuses it, a `hold` does not, since a person has looked. Nothing is sent here; an approved
    draft goes out at the next tick, also when its time has passed.
    """

    def __init__(
        self, engine: Engine, *, review: Review | None = None, limits: Mapping[str, int] | None = None
    ) -> None:
        self.engine = engine
        self._review = review
        self._limits = dict(limits or {})

    def held(self) -> list[HeldDraft]:
        """Return all held drafts, the one that is due first first."""
        query = (
            select(OutboxRow, InboxRow)
            .outerjoin(InboxRow, InboxRow.id == OutboxRow.inbox_id)
            .where(OutboxRow.state == "held")
            .order_by(OutboxRow.due_at, OutboxRow.id)
        )
        with reading(self.engine) as session:
            return [self._draft(row, asked) for row, asked in session.execute(query)]

    def count(self) -> int:
        """Return how many drafts are held."""
        with reading(self.engine) as session:
            query = select(func.count()).select_from(OutboxRow).where(OutboxRow.state == "held")
            return session.scalar(query) or 0

    def approve(self, ref: str, by: str, now: datetime) -> HeldDraft:
        """Let the draft go out as it is. Raises DraftNotHeld if it was decided or expired in the meantime."""
        return self._decide(ref, "approved", by, now)

    def reject(self, ref: str, by: str, now: datetime, reason: str = "") -> HeldDraft:
        """Never send the draft. Raises DraftNotHeld if it was decided or expired in the meantime."""
        return self._decide(ref, "rejected", by, now, reason=reason)

    def edit(self, ref: str, body: str, by: str, now: datetime) -> HeldDraft:
        """Let the draft go out with `body` instead of its own; its labels are put back whatever `body` says.

        Raises EditRefused for an empty or too long text and for one that the guards block, DraftNotHeld as above.
        """
        return self._decide(ref, "edited", by, now, body=body)

    def _decide(
        self, ref: str, decision: Decided, by: str, now: datetime, *, reason: str = "", body: str | None = None
    ) -> HeldDraft:
        with writing(self.engine) as session:
            row = find_row(session, ref)
            if row.state != "held":
                raise DraftNotHeld(ref=ref, state_text=self._how(session, row))
            asked = session.get(InboxRow, row.inbox_id) if row.inbox_id is not None else None
            changes: dict[str, object] = {"state": "rejected" if decision == "rejected" else "ready"}
            if decision != "rejected":
                changes |= {"approved_at": now, "cleared": [*row.cleared, *row.reasons]}
            told: dict[str, str] = {"key": row.key, "by": by}
            if reason := " ".join(reason.split())[:300]:
                changes["reasons"] = [*row.reasons, f"{by}: {reason}"]
                told["reason"] = reason
            if body is not None:
                changes["body"], changes["text"] = self._recompose(row, body)
                told["text"] = str(changes["text"])
            # Compare and set: on a store without SQLite's one write lock, two people may both have read `held`.
            held = update(OutboxRow).where(OutboxRow.id == row.id, OutboxRow.state == "held").values(**changes)
            if session.connection().execute(held).rowcount != 1:
                session.refresh(row)
                raise DraftNotHeld(ref=ref, state_text=self._how(session, row))
            append(session, at=now, persona=row.persona, kind=decision, **told)
            session.refresh(row)
            return self._draft(row, asked)

    def _recompose(self, row: OutboxRow, body: str) -> tuple[str, str]:
        body = _CONTROL.sub("", _UNSEEN.sub("", body.replace("\r\n", "\n"))).strip()
        labels = tuple(str(label) for label in row.labels)
        while ending := next((label for label in labels if body.endswith(label)), None):
            # The editor was shown, or pasted, the whole text: its labels are not to stand there twice.
            body = body.removesuffix(ending).rstrip()
        if not body:
            raise EditRefused(reasons_text="it is empty")
        text, most = with_labels(body, labels), self._most(row)
        if len(text) > most:
            over = f"it is {len(text)} characters long with its labels, and {row.channel} takes {most}"
            raise EditRefused(reasons_text=over)
        if self._review is not None:
            verdict = self._review(row, body)
            if verdict.decision == "block":
                raise EditRefused(reasons_text="; ".join(verdict.reasons))
        return body, text

    def _most(self, row: OutboxRow) -> int:
        return self._limits.get(row.channel, Limits().max_chars)

    def _how(self, session: Session, row: OutboxRow) -> str:
        decided = (
            select(LogRow)
            .where(LogRow.persona == row.persona, LogRow.kind.in_(DECISIONS))
            .order_by(LogRow.seq.desc())
            .limit(1000)
        )
        for entry in session.scalars(decided):
            if entry.body.get("key") == row.key:
                return f"{row.state} ({entry.kind} by {entry.body.get('by', 'someone')})"
        return row.state

    def _draft(self, row: OutboxRow, asked: InboxRow | None) -> HeldDraft:
        return HeldDraft(
            id=row.id,
            key=row.key,
            persona=row.persona,
            channel=row.channel,
            kind=row.kind,
            body=row.body,
            text=row.text,
            labels=tuple(str(label) for label in row.labels),
            reasons=tuple(str(reason) for reason in row.reasons),
            due_at=row.due_at,
            max_chars=self._most(row),
            in_reply_to=row.in_reply_to,
            question=asked.text if asked else "",
            asked_by=asked.author if asked else "",
        )
