"""Every named point between two commits is passed; a run that is killed at any of them ends like one left alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import select

import persona
from persona import crash
from persona.channel import Channel, Event, Promise
from persona.clock import VirtualClock
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


def on(parts: Parts, channel: Channel) -> Parts:
    parts.channels = {("tamsin_specs", channel.name): channel}
    return parts


def talked_to(channel: AnyChannel) -> AnyChannel:
    at = START + timedelta(hours=1)
    channel.hear(Event(id="e", kind="reply", author="ned", at=at, text="Are you a real person?", post_id="77"))
    return channel


def live(runner: Runner, kill: Callable[[], None] = lambda: None) -> None:
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
                kill()


def test_the_list_is_what_the_code_passes() -> None:
    folder = Path(persona.__file__).parent
    named = {
        name for file in folder.rglob("*.py") for name in re.findall(r"\bhere\(\"([a-z.-]+)\"\)", file.read_text())
    }
    assert named == set(crash.POINTS)
    assert len(crash.POINTS) == len(set(crash.POINTS))


def test_every_point_is_reached(open_two: OpenTwo, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    crash.install(lambda name: seen.update([name]))
    cases: tuple[tuple[Promise, list[Fault]], ...] = (
        (Promise(kind="readback", window=timedelta(minutes=5)), ["uncertain_sent", "refuse"]),
        (Promise(kind="at_most_once"), ["uncertain_sent"]),
    )
    for place, (promise, faults) in enumerate(cases):
        channel = FlakyChannel(make_seat(handle="tamsin_specs"), faults=faults)
        channel.promise = promise  # type: ignore[misc]
        live(Runner(on(open_two(folder=tmp_path / str(place)), talked_to(channel))))
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
