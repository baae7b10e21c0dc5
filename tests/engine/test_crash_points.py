"""Every named point between two commits is passed; a run that is killed at any of them ends like one left alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import select

import persona
from persona import crash
from persona.calling import DirectCalls
from persona.channel import Channel, Event, Poll, Promise, Seat, Sent
from persona.clock import VirtualClock
from persona.definition import Definition
from persona.errors import ChannelError
from persona.parts import Parts
from persona.rehearsal import START
from persona.runner import Runner
from persona.store import OutboxRow, PostRow, log_digest, reading
from persona.testing.channels import Fault, FlakyChannel, RecordingChannel, make_seat

OpenTwo = Callable[..., Parts]
AnyChannel = TypeVar("AnyChannel", bound=RecordingChannel)
HOURS = 9


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture(autouse=True)
def _no_killer() -> Iterator[None]:
    yield
    crash.install(None)


class HardOfHearing(FlakyChannel):
    """Fails its first look-up and its first poll."""

    def __init__(self, seat: Seat, faults: list[Fault]) -> None:
        super().__init__(seat, faults)
        self.deaf = {"find", "poll"}

    def find(self, key: str) -> Sent | None:
        self._hear("find")
        return super().find(key)

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        self._hear("poll")
        return super().poll(cursor, until)

    def _hear(self, what: str) -> None:
        if what in self.deaf:
            self.deaf.remove(what)
            raise ChannelError(channel=self.name, cause_text="it did not hear")


def on(parts: Parts, channel: Channel) -> Parts:
    parts.channels = {("tamsin_specs", channel.name): channel}
    return parts


def talked_to(channel: AnyChannel) -> AnyChannel:
    at = START + timedelta(hours=1)
    channel.hear(Event(id="e", kind="reply", author="ned", at=at, text="Are you a real person?", post_id="77"))
    return channel


def live(runner: Runner) -> None:
    """Tick on a fixed grid. A tick that is cut off is done again at the same instant, as after a restart."""
    clock = runner.parts.clock
    assert isinstance(clock, VirtualClock)
    for step in range(HOURS * 2):
        clock.set(START + timedelta(minutes=30 * step))
        while True:
            try:
                runner.tick(clock.now())
                break
            except Killed:
                # What was on its way died with the process.
                runner.parts.calls = DirectCalls()


def test_the_list_is_what_the_code_passes() -> None:
    folder = Path(persona.__file__).parent
    named = {
        name for file in folder.rglob("*.py") for name in re.findall(r"\bhere\(\"([a-z.-]+)\"\)", file.read_text())
    }
    assert named == set(crash.POINTS)
    assert len(crash.POINTS) == len(set(crash.POINTS))


def test_every_point_is_reached(open_two: OpenTwo, two: Definition, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    crash.install(lambda name: seen.update([name]))
    cases: tuple[tuple[Promise, list[Fault], tuple[str, ...]], ...] = (
        (Promise(kind="readback", window=timedelta(minutes=5)), ["uncertain_sent", "refuse"], ()),
        (Promise(kind="at_most_once"), ["uncertain_sent"], ()),
        (Promise(kind="at_most_once"), [], ("the", "a", "it", "is", "of", "and")),
    )
    for place, (promise, faults, crisis) in enumerate(cases):
        channel = HardOfHearing(make_seat(handle="tamsin_specs"), faults=faults)
        channel.promise = promise
        delivery = two.personas[0].delivery.model_copy(update={"crisis": crisis})
        personas = tuple(persona.model_copy(update={"delivery": delivery}) for persona in two.personas)
        parts = open_two(definition=two.model_copy(update={"personas": personas}), folder=tmp_path / str(place))
        live(Runner(on(parts, talked_to(channel))))
    assert set(crash.POINTS) == set(seen)


def test_a_kill_at_any_point_changes_nothing(open_two: OpenTwo, tmp_path: Path) -> None:
    def opened(name: str) -> Parts:
        return on(open_two(folder=tmp_path / name), talked_to(RecordingChannel(make_seat(handle="tamsin_specs"))))

    whole = opened("whole")
    live(Runner(whole))
    for group in range(3):
        # A few points a run: each dies three times there, all in one life.
        left = dict.fromkeys(crash.POINTS[group::3], 3)

        def killer(name: str, left: dict[str, int] = left) -> None:
            if left.get(name):
                left[name] -= 1
                raise Killed

        torn = opened(f"torn-{group}")
        crash.install(killer)
        live(Runner(torn))
        crash.install(None)
        for parts in (whole, torn):
            with reading(parts.store) as session:
                assert {row.state for row in session.scalars(select(OutboxRow))} <= {"sent", "planned", "ready"}
                assert len(session.scalars(select(PostRow)).all()) == 2
        assert log_digest(torn.store) == log_digest(whole.store)
        channels = [parts.channels["tamsin_specs", "recording"] for parts in (whole, torn)]
        sent = [[post.key for post in channel.sent] for channel in channels if isinstance(channel, RecordingChannel)]
        assert sent[0] == sent[1]
        assert len(sent[0]) == 2
