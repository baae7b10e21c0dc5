"""A budget that is used up, and a fall-back writer, as a tick and its trace show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from persona.clock import VirtualClock
from persona.definition import Definition, Persona
from persona.parts import Parts
from persona.rehearsal import START
from persona.runner import Runner
from persona.store import OutboxRow, TraceRow, reading
from persona.writer import Candidate, Writer, WriteRequest, Written
from persona.writer.budget import Account, BudgetedWriter, Tariff
from persona.writer.fallback import FallbackWriter
from persona.writer.ledger import FILE, Ledger


class Says(Writer):
    """Says something new about the request each time, and keeps what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[WriteRequest] = []

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        self.asked += requests
        return [Written(id=r.id, candidates=self._texts(r)) for r in requests]

    def _texts(self, request: WriteRequest) -> tuple[Candidate, ...]:
        words = request.messages[-1].content.split()
        about = " ".join(word for word in words if word.isalpha())[-60:]
        count = len(self.asked)
        return tuple(Candidate(text=f"Note {'abcdefgh'[i]} of {about} {'again ' * count}today.") for i in range(3))


def tick_until_written(parts: Parts, hours: int = 30) -> None:
    runner, clock = Runner(parts), parts.clock
    assert isinstance(clock, VirtualClock)
    for step in range(hours * 2):
        clock.set(START + timedelta(minutes=30 * step))
        runner.tick(clock.now())


@pytest.fixture
def with_fallback(two: Definition) -> Definition:
    personas = []
    for persona in two.personas:
        writer = type(persona.writer).model_validate({"model": "openai:large", "fallback": "pocket", "candidates": 3})
        personas.append(persona.model_copy(update={"writer": writer}))
    return two.model_copy(update={"personas": tuple(personas)})


def test_texts_over_budget_are_the_fall_backs_and_the_trace_says_so(open_two: Any, with_fallback: Definition) -> None:
    parts = open_two(definition=with_fallback)
    large, small = Says("openai:large"), Says("pocket/float32")
    ledger = Ledger(parts.folder / FILE)

    def opener(persona: Persona) -> Writer:
        account = Account(ledger=ledger, persona=persona.handle, time_zone=persona.time_zone, clock=parts.clock)
        limit = Tariff(tokens=1 if persona is with_fallback.personas[0] else 10**9)
        return FallbackWriter(BudgetedWriter(large, account=account, tariff=limit), lambda: small)

    parts.open_writer = opener
    tick_until_written(parts)
    with reading(parts.store) as session:
        rows = session.execute(select(OutboxRow, TraceRow).join(TraceRow, TraceRow.outbox_id == OutboxRow.id)).all()
        by = {(row.persona, trace.model) for row, trace in rows if trace.model != "code"}
        messages = {trace.model: trace.body["messages"] for _, trace in rows}
    first, second = (persona.handle for persona in with_fallback.personas)
    assert by == {(first, "pocket/float32 instead of openai:large"), (second, "openai:large")}
    # Each is asked in its own way, and the trace holds what the one who wrote was asked.
    asked = [[{"role": m.role, "content": m.content} for m in request.messages] for request in small.asked]
    assert messages["pocket/float32 instead of openai:large"] in asked
    assert {request.messages for request in small.asked}.isdisjoint({request.messages for request in large.asked})
    assert all(request.messages == request.instead for request in small.asked)


def test_a_slot_over_budget_waits_with_the_reason(open_two: Any) -> None:
    parts = open_two()
    ledger = Ledger(parts.folder / FILE)
    large = Says("openai:large")

    def opener(persona: Persona) -> Writer:
        account = Account(ledger=ledger, persona=persona.handle, time_zone=persona.time_zone, clock=parts.clock)
        return BudgetedWriter(large, account=account, tariff=Tariff(tokens=1))

    parts.open_writer = opener
    tick_until_written(parts, hours=12)
    assert large.asked == []
    with reading(parts.store) as session:
        rows = session.scalars(select(OutboxRow)).all()
        waiting = [row for row in rows if row.reasons and row.state in ("planned", "expired")]
    assert waiting
    assert all("writer: the budget of @" in row.reasons[0] for row in waiting)
    assert not [row for row in rows if row.state == "sent" and row.kind == "post"]
