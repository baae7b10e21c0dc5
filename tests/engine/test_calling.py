"""Live, each account's calls are made in a thread of its own: what hangs, crashes or lies holds up nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from persona import calling, gate
from persona.calling import Call, DirectCalls, ThreadedCalls
from persona.channel import Outgoing, Poll, Promise, Seat, Sent
from persona.delivery import deliver_due
from persona.notices import notices
from persona.parts import Parts
from persona.runner import Runner
from persona.store import reading
from persona.testing import RecordingChannel, make_seat
from tests.engine.outbox_rows import HANDLE, ready, row, with_channels

OpenTwo = Callable[..., Parts]


class Hanging(RecordingChannel):
    """Answers once it is let go."""

    name = "hanging"
    promise = Promise(kind="idempotent", window=timedelta(days=30))

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.let_go = threading.Event()

    def send(self, post: Outgoing) -> Sent:
        self.let_go.wait(30)
        return super().send(post)

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        self.let_go.wait(30)
        return super().poll(cursor, until)


class Leaving(RecordingChannel):
    """Ends its thread instead of answering."""

    name = "leaving"

    def send(self, post: Outgoing) -> Sent:
        raise SystemExit(3)


@pytest.fixture
def parts(open_two: OpenTwo) -> Iterator[Parts]:
    seat = make_seat(handle=HANDLE)
    parts = with_channels(open_two(rehearsal=False), Hanging(seat), Leaving(seat), RecordingChannel(seat))
    parts.calls, parts.patience = ThreadedCalls(), 0.3
    yield parts
    hanging(parts).let_go.set()


def hanging(parts: Parts) -> Hanging:
    channel = parts.channels[HANDLE, "hanging"]
    assert isinstance(channel, Hanging)
    return channel


def test_a_channel_that_hangs_holds_up_no_other(parts: Parts) -> None:
    stuck = ready(parts, 2, channel="hanging")
    others = ready(parts, 20, channel="recording")
    parts.patience = 3.0
    began = time.monotonic()
    assert deliver_due(parts, parts.clock.now()) == 20
    assert {row(parts, each).state for each in others} == {"sent"}
    assert [row(parts, each).state for each in stuck] == ["sending", "ready"]
    # Once it is known to be busy, nobody waits for it.
    middle = time.monotonic()
    assert deliver_due(parts, parts.clock.now()) == 0
    assert time.monotonic() - middle < parts.patience <= middle - began
    hanging(parts).let_go.set()
    deadline, sent = time.monotonic() + 10, 0
    while sent < 2 and time.monotonic() < deadline:
        sent += deliver_due(parts, parts.clock.now())
    assert sent == 2
    assert [post.key for post in hanging(parts).sent] == [row(parts, each).key for each in stuck]
    assert len(hanging(parts).attempts) == 2


def test_a_poll_that_hangs_holds_up_no_tick(parts: Parts) -> None:
    own = ready(parts, 1, channel="recording")[0]
    began = time.monotonic()
    Runner(parts).tick(parts.clock.now())
    assert time.monotonic() - began < 5
    assert row(parts, own).state == "sent"


def test_a_call_that_never_returns_is_told_of(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "HANGS", 0.0)
    runner = Runner(parts)
    runner.tick(parts.clock.now())
    runner.tick(parts.clock.now())
    told = [notice.text for notice in notices(parts.store, parts.folder, parts.clock.now())]
    assert any("has not returned" in text and "hanging" in text for text in told)
    hanging(parts).let_go.set()
    time.sleep(0.2)
    runner.tick(parts.clock.now())
    runner.tick(parts.clock.now())
    with reading(parts.store) as session:
        assert gate.gate_of(session, HANDLE, "hanging", "poll").state == "well"


def test_a_channel_that_ends_its_thread_ends_no_other(parts: Parts) -> None:
    left, other = ready(parts, 1, channel="leaving")[0], ready(parts, 1, channel="recording")[0]
    assert deliver_due(parts, parts.clock.now()) == 1
    assert row(parts, other).state == "sent"
    assert row(parts, left).state == "sending"
    assert "SystemExit" in row(parts, left).reasons[0]


def test_one_account_is_called_by_one_thread_and_in_order() -> None:
    calls, seen = ThreadedCalls(), []
    names = set()

    def work(n: int) -> Callable[[], int]:
        def working() -> int:
            names.add(threading.current_thread().name)
            return n

        return working

    for n in range(50):
        calls.start(Call(account=("a", "b"), done=lambda future: int(future.result())), work(n))
        assert ("a", "b") in calls.running
        while not (done := calls.collect(1.0)):
            pass
        seen += [call.done(call.future) for call in done]
    calls.close()
    assert seen == list(range(50))
    assert names == {"channel a/b"}


def test_a_direct_call_is_over_when_it_is_started() -> None:
    calls = DirectCalls()
    calls.start(Call(account=("a", "b"), row_id=4, done=lambda future: int(future.result())), lambda: 7)
    assert calls.sending(4)
    [call] = calls.collect(0.0)
    assert call.done(call.future) == 7
    assert calls.collect(0.0) == []
    with pytest.raises(KeyboardInterrupt):
        calls.start(Call(account=("a", "b"), done=lambda future: 0), _stopped)


def _stopped() -> None:
    raise KeyboardInterrupt
