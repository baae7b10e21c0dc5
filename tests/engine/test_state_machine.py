"""Whatever happens in whatever order: delivery against a small reference model, by hypothesis."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from experiments._world import open_world, people
from persona import crash
from persona.channel import Channel, Outgoing, Promise, Seat, Sent
from persona.delivery import deliver_due
from persona.errors import ChannelError, SendUncertain
from persona.parts import Parts
from persona.store import OutboxRow, reading, writing
from persona.testing.clock import SettableClock

PARKED = ("unknown", "failed", "expired", "held")
WINDOW = timedelta(minutes=5)
FAULTS = ("lost_before", "lost_after", "too_many", "error", "error_after", "late")


class Reference:
    """What must hold, in terms of keys and the network alone: what was planned, what is out, what was asked for."""

    def __init__(self, clock: SettableClock) -> None:
        self.clock = clock
        self.due: dict[str, datetime] = {}
        self.out: Counter[str] = Counter()
        self.visible: dict[str, datetime] = {}
        self.not_before: datetime | None = None
        self.wrong: list[str] = []

    def plan(self, key: str, due: datetime) -> None:
        self.due[key] = due

    def called(self, key: str) -> None:
        now = self.clock.now()
        if key not in self.due:
            self.wrong.append(f"{key} was never planned")
        elif now < self.due[key]:
            self.wrong.append(f"{key} was sent at {now}, due at {self.due[key]}")
        if self.not_before and now < self.not_before:
            self.wrong.append(f"called at {now}, asked to wait until {self.not_before}")

    def posted(self, key: str, visible: timedelta = timedelta(0)) -> None:
        self.out[key] += 1
        self.visible[key] = self.clock.now() + visible

    def asked_to_wait(self, wait: timedelta) -> None:
        self.not_before = self.clock.now() + wait

    def jumped(self, step: timedelta) -> None:
        # What a network asked for is meant in its own time, which does not jump with this machine's.
        self.not_before = None

    def seen(self, key: str) -> bool:
        return key in self.visible and self.visible[key] <= self.clock.now()

    def never_twice(self) -> None:
        assert not self.wrong, self.wrong
        assert all(count == 1 for count in self.out.values()), self.out

    def never_lost(self, parked: dict[str, list[Any]]) -> None:
        for key in self.due:
            assert self.out[key] == 1 or parked.get(key), f"{key} is lost"


class Net(Channel):
    """A network in RAM that outlives the sender; each send uses up one fault."""

    name = "net"

    def __init__(self, seat: Seat, model: Reference, faults: list[str]) -> None:
        super().__init__(seat)
        self.model, self.faults = model, faults

    def send(self, post: Outgoing) -> Sent:
        model, key = self.model, post.key
        model.called(key)
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "too_many":
            model.asked_to_wait(timedelta(minutes=7))
            raise ChannelError(channel=self.name, cause_text="429", retry_after=timedelta(minutes=7))
        if fault in ("lost_before", "error"):
            raise SendUncertain(channel=self.name, key=key, cause_text=fault)
        if not (self.promise.kind == "idempotent" and model.out[key]):
            model.posted(key, timedelta(seconds=60) if fault == "late" else timedelta(0))
        if fault in ("lost_after", "error_after"):
            raise SendUncertain(channel=self.name, key=key, cause_text=fault)
        return Sent(id=key)

    def find(self, key: str) -> Sent | None:
        return Sent(id=key) if self.model.seen(key) else None


class Killed(BaseException):
    """Stands for the end of the process."""


class Delivery(RuleBasedStateMachine):
    """Adds, sends, loses answers, kills, restarts, jumps."""

    kind = "idempotent"

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="persona-machine-"))
        self.clock = SettableClock()
        self.model, self.faults, self.count = Reference(self.clock), list[str](), 0
        self.definition = people(1, ({"name": "s", "at": "12:00"},), channels=("net",))
        self.parts = self.open()

    def open(self) -> Parts:
        def opener(seat: Seat) -> Channel:
            channel = Net(seat, self.model, self.faults)
            window = timedelta(days=30) if self.kind == "idempotent" else WINDOW
            channel.promise = Promise(kind=self.kind, window=window)  # type: ignore[arg-type]
            return channel

        return open_world(self.folder, self.definition, clock=self.clock, channels={"net": opener})

    @rule(minutes=st.sampled_from((0, 0, 3, 40)), faults=st.lists(st.sampled_from(FAULTS), max_size=3))
    def add(self, minutes: int, faults: list[str]) -> None:
        self.count += 1
        self.faults += faults
        key, due = f"key-{self.count}", self.clock.now() + timedelta(minutes=minutes)
        self.model.plan(key, due)
        with writing(self.parts.store) as session:
            row = OutboxRow(key=key, persona="persona0", channel="net", kind="post", due_at=due, state="ready")
            row.text = row.body = f"Number {self.count}. #AI"
            row.subject = {"mode": "topic", "topic": "rye bread"}
            session.add(row)
        deliver_due(self.parts, self.clock.now())

    @rule(minutes=st.sampled_from((0, 1, 5, 30)))
    def tick(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)
        deliver_due(self.parts, self.clock.now())

    @rule(faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=6))
    def weather(self, faults: list[str]) -> None:
        self.faults[:] = faults

    @rule(hours=st.sampled_from((-24, -1, 1, 8, 24)))
    def jump(self, hours: int) -> None:
        step = timedelta(hours=hours)
        self.clock.advance(step)
        self.model.jumped(step)

    @precondition(lambda self: self.count)
    @rule(point=st.sampled_from([point for point in crash.POINTS if point.startswith("delivery.")]))
    def kill(self, point: str) -> None:
        def die(name: str) -> None:
            if name == point:
                raise Killed

        crash.install(die)
        try:
            deliver_due(self.parts, self.clock.now())
        except Killed:
            self.restart()
        finally:
            crash.install(None)

    @rule()
    def restart(self) -> None:
        self.parts.close()
        self.parts = self.open()

    @invariant()
    def nothing_is_out_twice(self) -> None:
        if hasattr(self, "model"):
            self.model.never_twice()

    def teardown(self) -> None:
        if not hasattr(self, "parts"):
            return
        try:
            self.faults.clear()
            self.clock.set(max([self.clock.now(), *self.model.due.values()]))
            for _ in range(200):
                self.clock.advance(minutes=15)
                deliver_due(self.parts, self.clock.now())
            self.model.never_twice()
            with reading(self.parts.store) as session:
                rows = session.scalars(select(OutboxRow)).all()
                self.model.never_lost({row.key: row.reasons for row in rows if row.state in PARKED})
                assert all(self.model.out[row.key] == 1 for row in rows if row.state == "sent")
        finally:
            self.parts.close()
            shutil.rmtree(self.folder, ignore_errors=True)


class Looking(Delivery):
    """The same on a network that only shows what is out."""

    kind = "readback"


_SETTINGS = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Delivery, Looking])
def test_delivery_keeps_to_the_model(machine: type[Delivery], caplog: pytest.LogCaptureFixture) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    caplog.set_level(logging.CRITICAL)
    run_state_machine_as_test(machine, settings=_SETTINGS)
