"""Lives of a sender: a forked process that runs the product's tick on a data folder, until it is killed."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from experiments._clock import START, SharedClock, cpu_of
from experiments._judged import PARKED, handed_on
from experiments._wire import Wire, opener
from experiments._world import open_world
from persona.agenda import plan_slots
from persona.clock import Clock, VirtualClock
from persona.definition import Definition
from persona.runner import Runner
from persona.store import OutboxRow, Owner, open_store, reading


def begin(work: Callable[[], None], errors: Path) -> int:
    """Fork a process that does `work`; return its id. What it raises is added to the file `errors`.

    A fork of a process that has loaded the program already starts in milliseconds: more kills for the same time. It
    opens files, database and sockets itself, as any start does.
    """
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        with errors.open("a") as file:
            traceback.print_exc(file=file)
    finally:
        os._exit(code)


def end(child: int) -> None:
    """kill -9."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def watch(child: int, clock: SharedClock, *, speed: float, cpu: float, patience: float = 120.0) -> bool:
    """Move the clock on by `speed` seconds for each CPU second of the child, until it has used
    `cpu` more of them or ended.

    Return whether it ended by itself. A child that gets no CPU is given up after `patience` seconds.
    """
    start = used = cpu_of(child)
    stop = time.perf_counter() + patience
    while used - start < cpu and time.perf_counter() < stop:
        time.sleep(0.003)
        done, _ = os.waitpid(child, os.WNOHANG)
        if done:
            return True
        now = cpu_of(child)
        if now > used:
            clock.advance((now - used) * speed)
            used = now
    return False


def first_tick(folder: Path, definition: Definition) -> None:
    """Plan the slots from START on; the minute before it is when nothing is due yet."""
    at = START - timedelta(minutes=1)
    parts = open_world(
        folder, definition, clock=VirtualClock(at), channels=dict.fromkeys(_names(definition), opener(Wire, 0))
    )
    Runner(parts).start(at)
    plan_slots(parts, at)
    parts.close()


def _names(definition: Definition) -> set[str]:
    return {name for persona in definition.personas for name in persona.channels}


def live(folder: Path, definition: Definition, clock: Clock, wire: type[Wire], port: int, pause: float = 0.004) -> None:
    """Own the folder and tick for ever."""
    with Owner(folder):
        parts = open_world(folder, definition, clock=clock, channels={"wire": opener(wire, port)})
        runner = Runner(parts)
        runner.start(clock.now())
        while True:
            runner.tick(clock.now())
            time.sleep(pause)


def open_rows(folder: Path, until: object) -> int:
    """Return how many texts due before `until` are still on their way."""
    engine = open_store(folder)
    try:
        with reading(engine) as session:
            due = select(OutboxRow.state).where(OutboxRow.due_at < until)
            return sum(state not in (*PARKED, "sent") for state in session.scalars(due))
    finally:
        engine.dispose()


def parked_rows(folder: Path, channel: str = "wire") -> list[dict[str, str]]:
    """Return what a person has been handed, with the reasons, as the auditor reads it."""
    engine = open_store(folder)
    try:
        return handed_on(engine, channel)
    finally:
        engine.dispose()
