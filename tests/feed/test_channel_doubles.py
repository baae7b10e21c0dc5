"""The doubles of a channel keep the contract themselves."""

from __future__ import annotations

import pytest

from persona.channel import Channel, Event, Outgoing, Seat
from persona.errors import ChannelError, SendUncertain
from persona.testing.channel_suite import ChannelSuite
from persona.testing.channels import Fault, FlakyChannel, RecordingChannel
from persona.testing.network_suite import after


class TestRecordingChannel(ChannelSuite):
    def open(self, seat: Seat) -> Channel:
        return RecordingChannel(seat)


class TestFlakyChannel(ChannelSuite):
    def open(self, seat: Seat) -> Channel:
        return FlakyChannel(seat)


def test_it_records_and_hears() -> None:
    channel = RecordingChannel()
    channel.send(Outgoing(key="a", text="one"))
    channel.send(Outgoing(key="a", text="one"))
    channel.hear(Event(id="e", kind="mention", author="bob", at=after(5), text="hi"))
    assert [p.text for p in channel.sent] == ["one"]
    assert len(channel.attempts) == 2
    assert channel.poll(None, after(5)).events == []
    assert [e.id for e in channel.poll(None, after(6)).events] == ["e"]


@pytest.mark.parametrize(
    ("fault", "error", "out"),
    [
        ("refuse", ChannelError, 0),
        ("uncertain_lost", SendUncertain, 0),
        ("uncertain_sent", SendUncertain, 1),
        ("crash", RuntimeError, 1),
    ],
)
def test_faults_are_used_up(fault: Fault, error: type[Exception], out: int) -> None:
    channel = FlakyChannel(faults=[fault])
    with pytest.raises(error):
        channel.send(Outgoing(key="a", text="one"))
    assert len(channel.sent) == out
    assert (channel.find("a") is not None) == bool(out)
    assert channel.send(Outgoing(key="b", text="two")).id
