"""The network that fails on demand: each fault is what it says, over real HTTP; and its channel keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from persona.channel import Channel, Outgoing, Seat
from persona.errors import ChannelError, ChannelRefused, PostRefused, SendUncertain
from persona.retry import backoff, retry_after
from persona.testing import ChannelSuite, FaultyChannel, FaultyNetwork, NetworkFault, make_seat
from persona.testing.faulty import FaultKind

POST = Outgoing(key="k", text="one #AI", labels=("#AI",))


@pytest.fixture
def network() -> Iterator[FaultyNetwork]:
    with FaultyNetwork() as network:
        yield network


def channel_to(network: FaultyNetwork, **settings: Any) -> FaultyChannel:
    return FaultyChannel(make_seat(url=network.url, timeout=0.3, **settings))


class TestFaultyChannel(ChannelSuite):
    """Its network does nothing wrong here."""

    @pytest.fixture(autouse=True)
    def _network(self) -> Iterator[None]:
        with FaultyNetwork() as self.network:
            yield

    def seat(self, folder: Path) -> Seat:
        return replace(super().seat(folder), settings={"url": self.network.url})

    def open(self, seat: Seat) -> Channel:
        return FaultyChannel(seat)


class TestReadingBack(TestFaultyChannel):
    """The same by reading back, over several pages of the timeline."""

    def seat(self, folder: Path) -> Seat:
        self.network.page = 1
        return replace(super().seat(folder), settings={"url": self.network.url, "promise": "readback"})


@pytest.mark.parametrize(
    ("kind", "error", "kept"),
    [
        ("hang", SendUncertain, 0),
        ("hang_after", SendUncertain, 1),
        ("reset_before", SendUncertain, 0),
        ("reset_after", SendUncertain, 1),
        ("broken_json", SendUncertain, 1),
        ("throttle", ChannelError, 0),
        ("throttle_date", ChannelError, 0),
        ("error", SendUncertain, 0),
        ("error_after", SendUncertain, 1),
        ("refuse_text", PostRefused, 0),
    ],
)
def test_each_fault_is_told_as_what_it_is(
    network: FaultyNetwork, kind: FaultKind, error: type[ChannelError], kept: int
) -> None:
    network.script.append(NetworkFault(kind=kind, seconds=5))
    with pytest.raises(ChannelError) as raised:
        channel_to(network).send(POST)
    assert type(raised.value) is error
    assert len(network.posts) == kept
    assert [call.fault for call in network.calls] == [kind]
    if kind.startswith("throttle"):
        assert timedelta(seconds=5) <= (raised.value.retry_after or timedelta()) <= timedelta(seconds=7)


def test_a_call_within_retry_after_is_noted(network: FaultyNetwork) -> None:
    network.script.append(NetworkFault(kind="throttle", seconds=60))
    channel = channel_to(network)
    for _ in range(2):
        with pytest.raises(ChannelError):
            channel.send(POST)
    with pytest.raises(ChannelError):
        channel.poll(None, datetime.now(UTC))
    assert len(network.early) == 2


def test_a_revoked_token_is_refused_everywhere(network: FaultyNetwork) -> None:
    channel = channel_to(network)
    network.revoked.add("ana")
    with pytest.raises(ChannelRefused, match="persona channel resume"):
        channel.send(POST)
    with pytest.raises(ChannelRefused):
        channel.find("k")
    assert len(network.while_revoked) == 2


def test_keys_can_be_late_forgotten_or_not_honoured(tmp_path: Path) -> None:
    now = [1000.0]
    log = tmp_path / "network.jsonl"
    with FaultyNetwork(key_delay=2, ttl=60, clock=lambda: now[0], log=log) as network:
        channel = channel_to(network)
        first = channel.send(POST)
        assert channel.send(POST) != first
        now[0] += 3
        assert channel.send(POST) == first
        assert network.doubled == {("ana", "k"): 2}
        now[0] += 60
        channel.send(POST)
        network.honours_keys = False
        channel.send(POST)
        assert network.doubled == {("ana", "k"): 4}
    assert sum('"post"' in line[:8] for line in log.read_text().splitlines()) == 4


def test_a_late_post_is_found_only_once_it_is_visible() -> None:
    now = [1000.0]
    with FaultyNetwork(script=[NetworkFault(kind="late", seconds=60)], clock=lambda: now[0]) as network:
        channel = channel_to(network, promise="readback")
        sent = channel.send(POST)
        assert channel.find("k") is None
        now[0] += 61
        assert channel.find("k") == sent


def test_a_network_that_is_not_there_surely_has_nothing() -> None:
    with pytest.raises(ChannelError) as raised:
        FaultyChannel(make_seat(url="http://127.0.0.1:9", timeout=0.3)).send(POST)
    assert not isinstance(raised.value, SendUncertain)


@pytest.mark.parametrize(
    ("value", "date", "wait"),
    [
        ("120", None, 120),
        (" 0 ", None, 0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:29 GMT", 30),
        ("Friday, 31-Dec-99 23:59:59 GMT", "Fri, 31 Dec 1999 23:58:59 GMT", 60),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Sat, 01 Jan 2000 23:59:59 GMT", 0),
        ("99999999999999999999", None, 30 * 86400),
        ("soon", None, None),
        ("-5", None, None),
        ("", None, None),
        ("1.5", None, None),
    ],
)
def test_retry_after_is_read_as_the_rfc_writes_it(value: str, date: str | None, wait: int | None) -> None:
    assert retry_after(value, date=date) == (None if wait is None else timedelta(seconds=wait))


def test_backoff_is_jittered_bounded_and_repeatable() -> None:
    waits = [[backoff(f"k{n}", attempt) for n in range(200)] for attempt in range(1, 12)]
    assert waits[3] == [backoff(f"k{n}", 4) for n in range(200)]
    for attempt, drawn in enumerate(waits, 1):
        most = min(timedelta(hours=1), timedelta(minutes=2 ** (attempt - 1)))
        assert all(timedelta(0) <= wait <= most for wait in drawn)
        assert min(drawn) < most * 0.1
        assert max(drawn) > most * 0.9
