"""A channel in a process of its own: whatever it does, only its own call is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from persona.channel import Outgoing
from persona.clock import VirtualClock
from persona.errors import ChannelError, ChannelRefused, SendUncertain
from persona.guarded_channel import GuardedChannel
from persona.plugins import PluginRegistry
from persona.rehearsal import START
from persona.testing.channels import make_seat

PLUGIN = """
import os, time
from datetime import timedelta
from persona import Channel, Event, Outgoing, Poll, Promise, Sent
from persona.errors import ChannelError, ChannelRefused, SendUncertain


class Odd(Channel):
    name = "odd"
    promise = Promise(kind="readback", window=timedelta(minutes=5))

    def send(self, post):
        print("a forged answer: {}")
        what = post.text
        if what == "hang":
            time.sleep(60)
        if what == "crash":
            os._exit(3)
        if what == "signal":
            os.kill(os.getpid(), 11)
        if what == "eat":
            return Sent(id=str(len(b"x" * (3 << 30))))
        if what == "flood":
            return Sent(id="x" * (8 << 20))
        if what == "lie":
            return Sent(id=7)
        if what == "none":
            return Sent(id="")
        if what == "refuse":
            raise ChannelError(channel="odd", cause_text="not now", retry_after=timedelta(seconds=90))
        if what == "out":
            raise ChannelRefused(channel="odd", cause_text="status 401")
        if what == "unsure":
            raise SendUncertain(channel="odd", key=post.key, cause_text="no answer")
        return Sent(id=f"{post.key} at {self.seat.clock.now():%H:%M} for {self.seat.settings['who']}")

    def find(self, key):
        return Sent(id=key) if key == "known" else None

    def poll(self, cursor, until):
        if cursor == "many":
            return Poll(events=[self._event(n, until) for n in range(5000)], cursor="x")
        if cursor == "lie":
            return Poll(events=[self._event(None, until)], cursor="x")
        return Poll(events=[self._event(1, until)], cursor="1")

    def _event(self, number, until):
        name = None if number is None else f"e{number}"
        return Event(id=name, kind="reply", author="ned", at=until - timedelta(seconds=1), text="hi")
"""


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[GuardedChannel]:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "odd.py").write_text(PLUGIN)
    kind = PluginRegistry(tmp_path).channel("odd")
    seat = make_seat(clock=VirtualClock(START), folder=tmp_path, who="ana")
    channel = GuardedChannel(kind, seat, project=tmp_path, limit=20.0)
    yield channel
    channel.close()


def outgoing(text: str) -> Outgoing:
    return Outgoing(key="k1", text=text, labels=("#AI",))


def test_calls_come_through(odd: GuardedChannel) -> None:
    assert odd.send(outgoing("well")).id == "k1 at 00:00 for ana"
    assert (odd.name, odd.promise.kind, odd.promise.window) == ("odd", "readback", timedelta(minutes=5))
    assert odd.find("known") is not None
    assert odd.find("other") is None
    poll = odd.poll(None, START)
    assert [(event.id, event.author) for event in poll.events] == [("e1", "ned")]
    assert poll.cursor == "1"
    assert odd.standing().followers == -1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("crash", "code 3"),
        ("signal", "signal 11"),
        ("eat", "MemoryError"),
        ("flood", "longer than 4 MiB"),
        ("lie", "under what id"),
        ("none", "under what id"),
        ("unsure", "no answer"),
    ],
)
def test_a_send_that_goes_wrong_is_uncertain_and_the_next_one_goes_well(
    odd: GuardedChannel, text: str, why: str
) -> None:
    with pytest.raises(SendUncertain, match=why):
        odd.send(outgoing(text))
    assert odd.send(outgoing("well")).id.startswith("k1")


def test_a_send_that_hangs_is_cut_off(odd: GuardedChannel) -> None:
    odd.send(outgoing("well"))
    odd._limit = 1.0
    began = time.monotonic()
    with pytest.raises(SendUncertain, match="within 1 s"):
        odd.send(outgoing("hang"))
    assert time.monotonic() - began < 10


def test_what_the_adapter_raises_keeps_its_meaning(odd: GuardedChannel) -> None:
    with pytest.raises(ChannelError, match="not now") as found:
        odd.send(outgoing("refuse"))
    assert not isinstance(found.value, SendUncertain)
    assert found.value.retry_after == timedelta(seconds=90)
    with pytest.raises(ChannelRefused, match="401"):
        odd.send(outgoing("out"))


@pytest.mark.parametrize(("cursor", "why"), [("many", "more than"), ("lie", "no id|not what")])
def test_a_poll_that_makes_no_sense_is_an_error(odd: GuardedChannel, cursor: str, why: str) -> None:
    with pytest.raises(ChannelError, match=why):
        odd.poll(cursor, START)


def test_one_that_does_not_open_says_why(tmp_path: Path, odd: GuardedChannel) -> None:
    (tmp_path / "plugins" / "odd.py").write_text("raise RuntimeError('not today')")
    with pytest.raises(ChannelError, match="not today"):
        odd.poll(None, START)
