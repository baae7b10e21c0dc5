"""Delivery over real HTTP to a network that fails: never twice, never lost, never too early, and a person is asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from persona import gate
from persona.delivery import deliver_due
from persona.listen import listen
from persona.parts import Parts
from persona.rehearsal import START
from persona.store import CallRow, InboxRow, LogRow, reading, writing
from persona.testing import FaultyChannel, FaultyNetwork, NetworkFault, make_seat
from persona.testing.faulty import FAULTS
from tests.engine.outbox_rows import HANDLE, deliver_for, ready, row, states, with_channels

OpenTwo = Callable[..., Parts]
Opened = Callable[..., tuple[Parts, FaultyNetwork]]
ACCOUNT = (HANDLE, "faulty")


@pytest.fixture
def opened(open_two: OpenTwo) -> Iterator[Opened]:
    """Open parts with one account on a faulty network; both tell the time by the parts' clock."""
    networks: list[FaultyNetwork] = []

    def opener(network: FaultyNetwork | None = None, **settings: Any) -> tuple[Parts, FaultyNetwork]:
        parts = open_two(rehearsal=False)
        network = network or FaultyNetwork()
        network.clock = lambda: parts.clock.now().timestamp()
        networks.append(network.__enter__())
        seat = make_seat(handle=HANDLE, clock=parts.clock, url=network.url, timeout=0.25, **settings)
        return with_channels(parts, FaultyChannel(seat)), network

    yield opener
    for network in networks:
        network.__exit__(None, None, None)


def logged(parts: Parts, kind: str) -> list[dict[str, Any]]:
    with reading(parts.store) as session:
        return [dict(each.body) for each in session.scalars(select(LogRow).where(LogRow.kind == kind))]


@pytest.mark.parametrize("promise", ["idempotent", "readback"])
def test_under_every_fault_each_text_goes_out_once(opened: Opened, promise: str) -> None:
    drawn = random.Random(5)

    def draw() -> NetworkFault | None:
        if drawn.random() > 0.4:
            return None
        return NetworkFault(kind=drawn.choice(FAULTS), seconds=60 if promise == "idempotent" else 20)

    # The network works by the virtual clock; a hang of it is over as soon as the channel has given up.
    network = FaultyNetwork(draw=draw, honours_keys=promise == "idempotent")
    parts, network = opened(network, promise=promise, window=86400 if promise == "idempotent" else 90)
    ready(parts, 40, channel="faulty")
    deliver_for(parts, timedelta(hours=5), timedelta(minutes=1))
    assert states(parts) == ["sent"] * 40
    assert {post.key for post in network.posts} == {f"key-{n}" for n in range(40)}
    assert network.doubled == {}
    assert network.early == []
    assert len({call.fault for call in network.calls}) > 8


def test_at_most_once_parks_what_it_does_not_know(opened: Opened) -> None:
    script = [NetworkFault(kind="reset_after"), NetworkFault(kind="throttle", seconds=30), NetworkFault()]
    parts, network = opened(FaultyNetwork(script=script, honours_keys=False), promise="at_most_once")
    ready(parts, 2, channel="faulty")
    deliver_for(parts, timedelta(minutes=30))
    assert states(parts) == ["unknown", "sent"]
    assert "not known whether it went out" in row(parts, 1).reasons[0]
    assert network.doubled == {}


@pytest.mark.parametrize("kind", ["throttle", "throttle_date"])
def test_nothing_is_called_before_retry_after(opened: Opened, kind: Any) -> None:
    parts, network = opened(FaultyNetwork(script=[NetworkFault(kind=kind, seconds=600)]))
    ready(parts, 3, channel="faulty")
    clock = parts.clock
    for _ in range(9 * 60 // 15):
        listen(parts, clock.now())
        deliver_due(parts, clock.now())
        clock.set(clock.now() + timedelta(seconds=15))  # type: ignore[attr-defined]
    assert len([call for call in network.calls if call.method == "POST"]) == 1
    deliver_for(parts, timedelta(minutes=3))
    assert states(parts) == ["sent"] * 3
    assert network.early == []


def test_a_revoked_token_stops_the_channel_until_a_person_resumes_it(opened: Opened) -> None:
    parts, network = opened()
    network.revoked.add(HANDLE)
    ready(parts, 3, channel="faulty")
    deliver_for(parts, timedelta(hours=2))
    listen(parts, parts.clock.now())
    assert len(network.while_revoked) == 1
    assert states(parts) == ["ready"] * 3
    with reading(parts.store) as session:
        assert gate.gate_of(session, *ACCOUNT, "send").closed(parts.clock.now()).startswith("stopped: ")
    assert [each["channel"] for each in logged(parts, "stopped")] == ["faulty"]
    network.revoked.clear()
    with writing(parts.store) as session:
        assert gate.resume(session, parts.clock.now(), by="ines") == [ACCOUNT]
    deliver_for(parts, timedelta(minutes=1))
    assert states(parts) == ["sent"] * 3
    assert row(parts, 1).attempts == 1


def test_the_breaker_opens_probes_and_closes(opened: Opened) -> None:
    parts, network = opened(window=86400)
    network.draw = lambda: NetworkFault(kind="error")
    ready(parts, 20, channel="faulty")
    deliver_for(parts, timedelta(hours=3))
    tried = [call.at for call in network.calls]
    # Five failures open it; from then on one call after each rest, which doubles up to half an hour.
    assert len(tried) <= gate.OPENS + 12
    assert min(b - a for a, b in zip(tried[gate.OPENS :], tried[gate.OPENS + 1 :], strict=False)) >= 60
    with reading(parts.store) as session:
        assert gate.gate_of(session, *ACCOUNT, "send").state == "resting"
    network.draw = None
    deliver_for(parts, timedelta(minutes=90))
    assert states(parts) == ["sent"] * 20
    assert len(logged(parts, "resting")) == len(logged(parts, "well")) == 1
    assert network.doubled == {}


def test_a_text_that_is_never_taken_bars_no_other_and_is_given_up(opened: Opened) -> None:
    parts, network = opened(FaultyNetwork(script=[NetworkFault(kind="refuse_text")]))
    ready(parts, 1, channel="faulty")
    ready(parts, 4, channel="faulty")
    ready(parts, 1, channel="faulty", text="x" * 501 + " #AI")
    deliver_for(parts, timedelta(minutes=1))
    assert states(parts) == ["failed", "sent", "sent", "sent", "sent", "failed"]
    assert "422" in row(parts, 1).reasons[0]
    assert len(network.calls) == 5


def test_the_rate_is_kept_over_restarts_and_leaves_room_for_posts(opened: Opened) -> None:
    parts, network = opened(calls=20)
    for _ in range(25):
        listen(parts, parts.clock.now())
    assert len(network.calls) == 16
    ready(parts, 30, channel="faulty")
    begun = parts.clock.now().timestamp()
    deliver_for(parts, timedelta(minutes=4))
    assert len(network.calls) == 20
    deliver_for(parts, timedelta(minutes=16))
    assert states(parts) == ["sent"] * 30
    calls = [call.at for call in network.calls]
    assert all(sum(at <= other < at + 300 for other in calls) <= 20 for at in calls)
    assert max(calls) - begun > 300
    with reading(parts.store) as session:
        assert len(session.scalars(select(CallRow)).all()) <= 31


def test_events_come_in_through_polls_that_fail(opened: Opened) -> None:
    parts, network = opened()
    network.hear(HANDLE, kind="reply", author="ned", text="how long does it take?", post_id="9")
    clock = parts.clock
    network.revoked.add("nobody")
    url, channel = network.url, parts.channels[ACCOUNT]
    assert isinstance(channel, FaultyChannel)
    channel._settings = channel._settings.model_copy(update={"url": "http://127.0.0.1:9"})
    heard = 0
    for _ in range(40):
        heard += listen(parts, clock.now())
        clock.set(clock.now() + timedelta(seconds=15))  # type: ignore[attr-defined]
    assert heard == 0
    channel._settings = channel._settings.model_copy(update={"url": url})
    for _ in range(160):
        heard += listen(parts, clock.now())
        clock.set(clock.now() + timedelta(seconds=15))  # type: ignore[attr-defined]
    assert heard == 1
    with reading(parts.store) as session:
        assert [event.text for event in session.scalars(select(InboxRow))] == ["how long does it take?"]


def test_a_row_of_another_owner_is_left_alone_while_its_lease_lasts(opened: Opened) -> None:
    parts, network = opened(window=86400)
    now = parts.clock.now()
    parts.owner, parts.is_dead = "here/2", lambda owner: owner.startswith("here/")
    until = now + timedelta(minutes=5)
    away, dead = (
        ready(parts, 1, channel="faulty", state="sending", sending_at=now, tried_at=now, attempts=1,
              lease_owner=owner, lease_until=until)[0]
        for owner in ("there/1", "here/1")
    )  # fmt: skip
    deliver_for(parts, timedelta(minutes=4))
    assert [row(parts, away).state, row(parts, dead).state] == ["sending", "sent"]
    deliver_for(parts, timedelta(minutes=2))
    assert row(parts, away).state == "sent"
    assert len(network.posts) == 2


def test_a_clock_that_went_back_behind_the_sending_asks_a_person(opened: Opened) -> None:
    parts, network = opened()
    later = START + timedelta(hours=2)
    ready(parts, 1, channel="faulty", state="sending", sending_at=later, tried_at=later, attempts=1)
    deliver_due(parts, parts.clock.now())
    assert states(parts) == ["unknown"]
    assert network.calls == []
