"""How a post came to be: the stored trace of one outbox row, in a shape that page and command line can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from .approval import DECISIONS, find_row
from .store import InboxRow, LogRow, OutboxRow, SlotRow, TraceRow, reading


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happened to the row: `at` is None where only the fact is stored."""

    what: str
    at: datetime | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything that is stored about why one text exists. Missing parts are empty, never an error."""

    id: int
    key: str
    persona: str
    channel: str
    kind: str
    state: str
    text: str
    labels: tuple[str, ...]
    reasons: tuple[str, ...]
    subject: Mapping[str, Any]
    remote_id: str
    model: str
    seed: str
    cue: Mapping[str, Any]
    question: str
    asked_by: str
    recalled: Sequence[Mapping[str, Any]]
    messages: Sequence[Mapping[str, Any]]
    candidates: Sequence[Mapping[str, Any]]
    decision: str
    findings: Sequence[Mapping[str, Any]]
    steps: tuple[Step, ...]
    traced: bool

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain JSON values, instants in ISO 8601."""
        plain = asdict(self)
        plain["steps"] = [{**step, "at": _iso(step["at"])} for step in plain["steps"]]
        return plain


def explain(engine: Engine, ref: str) -> Explanation:
    """Return why the text exists that `ref` names: an outbox number, a key or its beginning, or a post's id.

    Raises DraftNotFound or DraftAmbiguous.
    """
    with reading(engine) as session:
        row = find_row(session, ref)
        trace = session.scalar(select(TraceRow).where(TraceRow.outbox_id == row.id))
        asked = session.get(InboxRow, row.inbox_id) if row.inbox_id is not None else None
        body: Mapping[str, Any] = trace.body if trace else {}
        verdict = _mapping(body.get("verdict"))
        return Explanation(
            id=row.id,
            key=row.key,
            persona=row.persona,
            channel=row.channel,
            kind=row.kind,
            state=row.state,
            text=row.text,
            labels=tuple(str(label) for label in row.labels),
            reasons=tuple(str(reason) for reason in row.reasons),
            subject=_mapping(row.subject),
            remote_id=row.remote_id or "",
            model=trace.model if trace else "",
            seed=trace.seed if trace else "",
            cue=_mapping(body.get("cue")),
            question=asked.text if asked else "",
            asked_by=asked.author if asked else "",
            recalled=_mappings(body.get("recalled")),
            messages=_mappings(body.get("messages")),
            candidates=_mappings(body.get("candidates")),
            decision=str(verdict.get("decision", "")),
            findings=_mappings(verdict.get("findings")),
            steps=tuple(_steps(session, row, asked, str(body.get("without_memory", "")))),
            traced=trace is not None,
        )


def _steps(session: Session, row: OutboxRow, asked: InboxRow | None, unrecalled: str) -> list[Step]:
    steps: list[Step] = []
    slot = session.get(SlotRow, row.slot_id) if row.slot_id is not None else None
    if slot is not None:
        steps.append(Step(what="planned for", at=slot.due_at, note=f"slot {slot.name}, {slot.local_date}"))
    if asked is not None:
        steps.append(Step(what="heard", at=asked.at, note=f"{asked.kind} by @{asked.author}"))
    if row.drafted_at:
        steps.append(
            Step(what="drafted", at=row.drafted_at, note=f"without recall: {unrecalled}" if unrecalled else "")
        )
    steps += [Step(what=what, at=at, note=note) for what, at, note in _decisions(session, row)]
    if slot is None:
        steps.append(Step(what="due", at=row.due_at))
    attempts = f"attempt {row.attempts}" if row.attempts > 1 else ""
    if row.sending_at:
        steps.append(Step(what="sending", at=row.sending_at, note=attempts))
    if row.sent_at:
        steps.append(Step(what="sent", at=row.sent_at, note=row.remote_id or ""))
    # Sorting is stable: what shares an instant keeps the order of the way of the data.
    steps.sort(key=lambda step: step.at or row.due_at)
    return steps


def _decisions(session: Session, row: OutboxRow) -> list[tuple[str, datetime, str]]:
    since = select(LogRow).where(LogRow.persona == row.persona, LogRow.kind.in_(DECISIONS)).order_by(LogRow.seq)
    return [
        (entry.kind, entry.at, " ".join(str(entry.body.get(part, "")) for part in ("by", "reason")).strip())
        for entry in session.scalars(since)
        if entry.body.get("key") == row.key
    ]


def _mapping(value: object) -> dict[str, Any]:
    return {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[dict[str, Any]]:
    return [_mapping(part) for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
