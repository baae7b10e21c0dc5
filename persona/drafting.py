"""Drafting: rows of the outbox get their text, in one batch over all personas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from .agenda import post_text
from .channel import Limits
from .crash import here
from .cue import Cue, Heard
from .definition import Definition
from .engine import Drafted, Engine
from .fresh import products_in
from .guard import Finding, Verdict
from .plan import Subject
from .store import InboxRow, OutboxRow, PostRow, TraceRow, append, reading, writing
from .text import without_end_tags

SOON = timedelta(minutes=30)
"""Once a text is due this soon, all texts that are wanted are written in one batch."""
MOST = 64
"""The most texts of one batch, the soonest first: what is ready does not wait for hundreds of others."""
_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class _Wanted:
    cue: Cue
    rows: tuple[int, ...]


def draft_due(engine: Engine, now: datetime) -> int:
    """Write the planned rows if one of them is due soon; return how many rows got a text.

    All drafts of a batch are stored in one transaction, with their traces: killed before, none is there and the
    same batch is written again. A row whose writer fails waits, and expires when it is too late.
    """
    with reading(engine.parts.store) as session:
        rows = session.scalars(
            select(OutboxRow).where(OutboxRow.state == "planned").order_by(OutboxRow.due_at, OutboxRow.id)
        ).all()
        ripe = [row for row in rows if row.next_try_at is None or row.next_try_at <= now]
        if not any(row.due_at <= now + SOON for row in ripe):
            return 0
        wanted = _wanted(engine, session, ripe)[:MOST]
        recent = {persona.handle: recent_texts(session, persona.handle) for persona in engine.parts.personas}
    here("drafting.read")
    drafts = engine.draft([w.cue for w in wanted], now, recent)
    drafts = _without_twins(drafts)
    here("drafting.drafted")
    count = 0
    with writing(engine.parts.store) as session:
        for want, draft in zip(wanted, drafts, strict=True):
            for row_id in want.rows:
                row = session.get_one(OutboxRow, row_id)
                count += _keep(engine.parts.definition, session, row, draft, now)
                here("drafting.kept")
            if not draft.error:
                engine.parts.memory.used(_leant_on(draft), now, session)
        here("drafting.written")
    here("drafting.committed")
    return count


def _leant_on(draft: Drafted) -> list[str]:
    """Return the ids of the records that a text was made with."""
    subject = draft.cue.subject
    moved = [quote.record_id for quote in (subject.quote, subject.insight) if quote]
    return [*moved, *(record["id"] for record in draft.trace["recalled"])]


def _wanted(engine: Engine, session: Session, rows: Sequence[OutboxRow]) -> list[_Wanted]:
    """Group the rows of one cue: a slot that goes to several channels is written once, for the narrowest."""
    groups: dict[str, list[OutboxRow]] = {}
    for row in rows:
        cue = f"{row.persona}:slot:{row.slot_id}" if row.slot_id is not None else f"{row.persona}:event:{row.inbox_id}"
        groups.setdefault(cue, []).append(row)
    known = {persona.handle: persona for persona in engine.parts.personas}
    return [
        _Wanted(cue=cue_of(engine, session, group), rows=tuple(row.id for row in group))
        for group in groups.values()
        if group[0].persona in known
    ]


def cue_of(engine: Engine, session: Session, group: Sequence[OutboxRow]) -> Cue:
    """Return the cue that these rows stem from."""
    first = group[0]
    parts = engine.parts
    most = [
        parts.channels[first.persona, row.channel].limits.max_chars
        for row in group
        if (first.persona, row.channel) in parts.channels
    ]
    most += [limits.max_chars for limits in parts.stood_in.values()]
    heard = None
    if first.inbox_id is not None:
        event = session.get_one(InboxRow, first.inbox_id)
        heard = Heard(
            author=event.author,
            text=event.text,
            at=event.at,
            source=f"{event.channel}:{event.remote_id}",
            about=without_end_tags(post_text(session, event)),
        )
    return Cue(
        key=first.key,
        persona=parts.definition.persona(first.persona),
        kind="post" if first.kind == "post" else "reply",
        due_at=first.due_at,
        subject=Subject.from_json(first.subject),
        channel=first.channel,
        limits=Limits(max_chars=min(most, default=500)),
        heard=heard,
    )


def recent_texts(session: Session, handle: str) -> list[str]:
    """Return own texts, newest first: what is out and what is about to go out."""
    waiting = session.scalars(
        select(OutboxRow.body)
        .where(OutboxRow.persona == handle, OutboxRow.state.in_(("ready", "held", "sending")), OutboxRow.body != "")
        .order_by(OutboxRow.id.desc())
        .limit(40)
    )
    out = session.scalars(
        select(OutboxRow.body)
        .join(PostRow, PostRow.outbox_id == OutboxRow.id)
        .where(OutboxRow.persona == handle)
        .order_by(PostRow.id.desc())
        .limit(80)
    )
    return [*waiting, *out]


def _without_twins(drafts: Sequence[Drafted]) -> list[Drafted]:
    """Hold the second of two equal texts of one batch: neither was in the other's list of recent texts."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for draft in drafts:
        key = (draft.cue.persona.handle, draft.body.casefold())
        exempt = draft.model == "code"
        if draft.body and key in seen and not exempt:
            twin = Finding(rule="duplicate", decision="hold", reason="the same text stands in this batch already")
            draft = Drafted(**{**draft.__dict__, "verdict": Verdict(findings=(*draft.verdict.findings, twin))})
        seen.add(key)
        kept.append(draft)
    return kept


def _keep(definition: Definition, session: Session, row: OutboxRow, draft: Drafted, now: datetime) -> int:
    if draft.error:
        row.attempts += 1
        row.reasons = [f"writer: {draft.error}"]
        if now - row.due_at > draft.cue.persona.delivery.grace:
            row.state = "expired"
            append(session, at=now, persona=row.persona, kind="expired", key=row.key)
        else:
            row.next_try_at = now + _AGAIN
        return 0
    row.body, row.text, row.labels = draft.body, draft.text, list(draft.labels)
    row.drafted_at, row.attempts, row.next_try_at = now, 0, None
    row.products = products_in(definition, draft.cue.subject.product, draft.body)
    reasons = list(draft.verdict.reasons)
    approval = draft.cue.persona.approval
    if approval == "all" or (approval == "promo" and draft.cue.subject.product):
        reasons.append(f"approval: the persona's texts wait for a person ({approval})")
    row.state = "held" if reasons else "ready"
    row.reasons = reasons
    session.add(TraceRow(outbox_id=row.id, at=now, model=draft.model, seed=str(draft.seed), body=draft.trace))
    append(
        session,
        at=now,
        persona=row.persona,
        kind="held" if reasons else "drafted",
        key=row.key,
        channel=row.channel,
        what=row.kind,
        text=row.text,
        subject=row.subject,
        reasons=reasons,
        recalled=[record["id"] for record in draft.trace["recalled"]],
        candidates=[[c["text"], c["score"]] for c in draft.trace["candidates"]],
    )
    return 1
