"""What a live run does when a part of it fails: the rest goes on, nothing half made goes out, and it is told of."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from persona.brakes import standing
from persona.engine import Engine
from persona.explain import explain
from persona.guard import Draft, Finding, Guard
from persona.live import Live
from persona.memory import Query, Recalled, Record
from persona.parts import Parts
from persona.recalling import Recalling
from persona.rehearsal import START
from persona.runner import Runner
from persona.store import OutboxRow, PostRow, TraceRow, reading
from persona.testing import RecordingChannel, SettableClock, make_seat
from persona.testing.memory import RamMemory
from persona.watch import Watch
from persona.writer import Writer, WriteRequest, Written
from tests.engine.outbox_rows import HANDLE, ready, row, with_channels

OpenTwo = Callable[..., Parts]


class TornMemory(RamMemory):
    """Its index, and what it embeds with, fail for as long as they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.torn = False
        self.rebuilds = 0
        self.mute = False

    def sync(self) -> None:
        if self.torn:
            raise OSError("the index is torn")
        super().sync()

    def recall(self, queries: Sequence[Query]) -> list[list[Recalled]]:
        if self.torn:
            raise OSError("the index is torn")
        return super().recall(queries)

    def reindex(self, persona: str | None = None) -> int:
        self.rebuilds += 1
        self.sync()
        return super().reindex(persona)

    def remember(self, records: Sequence[Record], session: object = None) -> int:
        if self.mute:
            raise OSError("nothing can be embedded")
        return super().remember(records, session)


@pytest.fixture
def memory() -> TornMemory:
    return TornMemory()


@pytest.fixture
def parts(open_two: OpenTwo, memory: TornMemory) -> Parts:
    parts = with_channels(open_two(rehearsal=False), RecordingChannel(make_seat(handle=HANDLE)))
    parts.memory = memory
    parts.index = Recalling(memory, soft=True, again=0.05)
    parts.clock = SettableClock(START)
    return parts


def live_through(live: Live, parts: Parts, hours: float) -> None:
    clock = parts.clock
    assert isinstance(clock, SettableClock)
    for _ in range(int(hours * 4)):
        live.beat()
        clock.advance(minutes=15)


def live_of(parts: Parts, engine: Engine | None = None) -> Live:
    return Live(Runner(parts, engine), watch=Watch(parts, elapsed=lambda: parts.clock.now().timestamp(), reserve=0))


def rows(parts: Parts, table: type[Any]) -> list[Any]:
    with reading(parts.store) as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_without_its_index_it_writes_without_recall_and_says_so(parts: Parts, memory: TornMemory) -> None:
    live = live_of(parts)
    memory.torn = True
    live_through(live, parts, 9)
    assert [alarm.name for alarm in standing(parts.store)] == ["memory"]
    assert memory.rebuilds > 0
    posts = rows(parts, PostRow)
    assert posts
    traces = {trace.outbox_id: trace.body for trace in rows(parts, TraceRow)}
    assert all("the index is torn" in traces[post.outbox_id]["without_memory"] for post in posts)
    assert all(traces[post.outbox_id]["recalled"] == [] for post in posts)
    told = explain(parts.store, str(posts[0].outbox_id))
    assert any("without recall" in step.note for step in told.steps)
    memory.torn = False
    deadline = time.monotonic() + 10
    while parts.index.down and time.monotonic() < deadline:
        time.sleep(0.02)
    live.beat()
    assert standing(parts.store) == []
    live_through(live, parts, 24)
    newest = rows(parts, TraceRow)[-1].body
    assert "without_memory" not in newest


def test_in_a_rehearsal_a_torn_index_is_an_error(memory: TornMemory) -> None:
    memory.torn = True
    with pytest.raises(OSError, match="torn"):
        Recalling(memory, soft=False).sync()
    with pytest.raises(OSError, match="torn"):
        Recalling(memory, soft=False).recall([])


def test_what_is_out_is_out_and_is_remembered_once_it_can_be(parts: Parts, memory: TornMemory) -> None:
    live = live_of(parts)
    live.beat()
    memory.mute = True
    own = ready(parts, 1, channel="recording")[0]
    live.beat()
    live.beat()
    assert row(parts, own).state == "sent"
    channel = parts.channels[HANDLE, "recording"]
    assert isinstance(channel, RecordingChannel)
    assert len(channel.attempts) == 1
    assert memory.list(HANDLE, kind="post") == []
    memory.mute = False
    live.beat()
    live.beat()
    assert [record.text for record in memory.list(HANDLE, kind="post")] == [row(parts, own).body]


class TornGuard(Guard):
    """Fails at every draft."""

    name = "torn"

    def look(self, draft: Draft) -> Sequence[Finding]:
        raise LookupError("its list is gone")


def test_a_guard_that_fails_lets_nothing_out(parts: Parts) -> None:
    live_through(live_of(parts, Engine(parts, [TornGuard()])), parts, 9)
    held = [each for each in rows(parts, OutboxRow) if each.state == "held"]
    assert held
    assert all("its list is gone" in each.reasons[0] for each in held)
    assert rows(parts, PostRow) == []


@pytest.mark.parametrize("torn", ["labels_for", "with_labels"])
def test_labels_that_cannot_be_made_let_nothing_out(parts: Parts, monkeypatch: pytest.MonkeyPatch, torn: str) -> None:
    monkeypatch.setattr(f"persona.engine.{torn}", lambda *given: 1 / 0)
    live = live_of(parts)
    live_through(live, parts, 9)
    held = [each for each in rows(parts, OutboxRow) if each.state == "held"]
    assert held
    assert all("labels cannot be made (ZeroDivisionError" in each.reasons[0] for each in held)
    # Not even a person's word lets it out without its label.
    from persona.approval import Approvals

    Approvals(parts.store).approve(str(held[0].id), "ines", parts.clock.now())
    live.beat()
    found = row(parts, held[0].id)
    assert found.state == "held"
    assert "labels: the label #AI is missing" in found.reasons
    assert rows(parts, PostRow) == []


class TornWriter(Writer):
    """Raises instead of answering."""

    name = "torn"

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        raise MemoryError("no room")


@pytest.mark.parametrize("opens", [True, False])
def test_a_writer_that_fails_lets_its_own_slots_wait_and_no_others(
    open_two: OpenTwo, parts: Parts, opens: bool
) -> None:
    well = parts.open_writer
    other = RecordingChannel(make_seat(handle="tova_slow"))
    parts.channels = {**parts.channels, ("tova_slow", "recording"): other}

    def opener(persona: Any) -> Writer:
        if persona.handle != HANDLE:
            return well(persona)
        if not opens:
            raise FileNotFoundError("no model")
        return TornWriter()

    parts.open_writer = opener
    live_through(live_of(parts), parts, 12)
    assert {post.persona for post in rows(parts, PostRow)} == {"tova_slow"}
    waiting = [each for each in rows(parts, OutboxRow) if each.persona == HANDLE and each.reasons]
    assert waiting
    assert {each.state for each in waiting} <= {"planned", "expired"}
    assert all(("no room" if opens else "no model") in each.reasons[0] for each in waiting)
    assert not any(each.text for each in waiting)


def test_a_step_that_fails_keeps_no_other_from_being_done(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    own = ready(parts, 1, channel="recording")[0]
    monkeypatch.setattr("persona.runner.plan_slots", lambda parts, now: 1 / 0)
    monkeypatch.setattr("persona.runner.draft_due", lambda engine, now: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Runner(parts).tick(START + timedelta(0))
    assert row(parts, own).state == "sent"
