"""A live run looks around: a clock that jumps, a full disk and a lost lease stop posting, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from persona.brakes import standing
from persona.channel import Event
from persona.listen import listen
from persona.live import Live
from persona.notices import notices
from persona.parts import Parts
from persona.runner import Runner
from persona.store import put_setting, writing
from persona.testing import RecordingChannel, SettableClock, make_seat
from persona.watch import CALM, CONFIRMED, Watch
from tests.engine.outbox_rows import HANDLE, ready, row, with_channels

OpenTwo = Callable[..., Parts]
TICK = timedelta(seconds=15)


class World:
    """A clock that anyone may set, a timer that nobody can, and a disk."""

    def __init__(self, parts: Parts) -> None:
        self.clock = SettableClock(parts.clock.now())
        parts.clock = self.clock
        self.steady = 0.0
        self.free = 10 << 30
        self.lost = ""

    def passes(self, time: timedelta) -> None:
        self.clock.advance(time)
        self.steady += time.total_seconds()


@pytest.fixture
def parts(open_two: OpenTwo) -> Parts:
    return with_channels(open_two(rehearsal=False), RecordingChannel(make_seat(handle=HANDLE)))


@pytest.fixture
def world(parts: Parts) -> World:
    return World(parts)


@pytest.fixture
def live(parts: Parts, world: World) -> Live:
    watch = Watch(parts, elapsed=lambda: world.steady, free=lambda folder: world.free, lost=lambda: world.lost)
    return Live(Runner(parts), every=TICK, watch=watch)


def alarms(parts: Parts) -> list[str]:
    return [alarm.name for alarm in standing(parts.store)]


def heard(parts: Parts, name: str) -> int:
    channel = parts.channels[HANDLE, "recording"]
    assert isinstance(channel, RecordingChannel)
    at = parts.clock.now() - timedelta(seconds=1)
    channel.hear(Event(id=name, kind="reply", author="ned", at=at, text="What about the cables then?"))
    return listen(parts, parts.clock.now())


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=-1), timedelta(seconds=61)])
def test_a_clock_that_jumps_stops_posting_until_it_is_calm(
    parts: Parts, world: World, live: Live, jump: timedelta
) -> None:
    live.beat()
    world.passes(TICK)
    world.clock.advance(jump)
    [own] = ready(parts, 1, channel="recording")
    live.beat()
    assert row(parts, own).state == "ready"
    assert alarms(parts) == ["clock"]
    assert f"{abs(jump.total_seconds()):.0f} s" in notices(parts.store, parts.folder, world.clock.now())[0].text
    assert heard(parts, "a") == 1
    for _ in range(CALM - 1):
        world.passes(TICK)
        live.beat()
    assert row(parts, own).state == "ready"
    world.passes(TICK)
    live.beat()
    assert row(parts, own).state == "sent"
    assert alarms(parts) == []


def test_a_person_may_confirm_the_clock(parts: Parts, world: World, live: Live) -> None:
    live.beat()
    world.clock.advance(timedelta(hours=1))
    [own] = ready(parts, 1, channel="recording")
    live.beat()
    with writing(parts.store) as session:
        put_setting(session, CONFIRMED, {"at": "now", "by": "ines"})
    live.beat()
    assert row(parts, own).state == "sent"


def test_small_drifts_slow_ticks_and_a_suspend_are_no_jumps(parts: Parts, world: World, live: Live) -> None:
    for time, drift in ((TICK, 30), (timedelta(minutes=20), -50), (timedelta(hours=8), 0)):
        live.beat()
        world.passes(time)
        world.clock.advance(timedelta(seconds=drift))
    [own] = ready(parts, 1, channel="recording")
    live.beat()
    assert row(parts, own).state == "sent"


def test_a_jump_within_a_tick_is_met_by_the_claim(parts: Parts, world: World) -> None:
    watch = Watch(parts, elapsed=lambda: world.steady, free=lambda folder: world.free)
    watch.look()
    [own] = ready(parts, 1, channel="recording")
    world.clock.advance(timedelta(hours=3))
    Runner(parts).tick(world.clock.now())
    assert row(parts, own).state == "ready"


def test_waits_keep_their_length_over_a_jump(parts: Parts, world: World, live: Live) -> None:
    live.beat()
    now = world.clock.now()
    later = now + timedelta(minutes=10)
    [own] = ready(
        parts, 1, channel="recording", state="sending", attempts=1, sending_at=now, tried_at=now, next_try_at=later
    )
    world.clock.advance(timedelta(days=-1))
    live.beat()
    found = row(parts, own)
    assert found.sending_at == found.tried_at == now - timedelta(days=1)
    assert found.next_try_at == later - timedelta(days=1)


def test_a_disk_that_is_nearly_full_stops_posting_until_there_is_room(parts: Parts, world: World, live: Live) -> None:
    world.free = 199 << 20
    [own] = ready(parts, 1, channel="recording")
    live.beat()
    assert row(parts, own).state == "ready"
    assert alarms(parts) == ["disk"]
    assert heard(parts, "a") == 1
    world.free = 201 << 20
    live.beat()
    assert row(parts, own).state == "sent"
    assert alarms(parts) == []


def test_a_lost_lease_stops_posting_until_it_is_back(parts: Parts, world: World, live: Live) -> None:
    world.lost = "another has it"
    [own] = ready(parts, 1, channel="recording")
    live.beat()
    assert row(parts, own).state == "ready"
    world.lost = ""
    live.beat()
    assert row(parts, own).state == "sent"


def test_a_tick_that_fails_is_told_of_and_the_next_goes_on(
    parts: Parts, world: World, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    [own] = ready(parts, 1, channel="recording")
    with monkeypatch.context() as patch:
        patch.setattr("persona.runner.listen", lambda parts, now: 1 / 0)
        live.beat()
    assert alarms(parts) == ["tick"]
    live.beat()
    assert alarms(parts) == []
    assert row(parts, own).state == "sent"


def test_a_tick_that_stays_away_is_late_unless_it_was_stopped(parts: Parts, world: World, live: Live) -> None:
    live.beat()
    world.passes(3 * TICK)
    assert notices(parts.store, parts.folder, world.clock.now()) == []
    world.passes(timedelta(seconds=1))
    [notice] = notices(parts.store, parts.folder, world.clock.now())
    assert notice.text.startswith("the last tick was 46 s ago")
    live.stopped()
    assert notices(parts.store, parts.folder, world.clock.now()) == []


def test_a_folder_that_cannot_be_looked_at_is_no_room(parts: Parts, world: World) -> None:
    def gone(folder: Path) -> int:
        raise FileNotFoundError(2, "No such file or directory")

    Watch(parts, elapsed=lambda: world.steady, free=gone).look()
    assert "cannot be looked at" in parts.brakes.reasons["disk"]
