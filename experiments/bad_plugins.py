"""Adapters that hang, crash, flood, lie and eat memory, beside one that works: does it still post in time?

`python -m experiments.bad_plugins [--seconds 120] [--quick] [--json]`
Real time. Every second a text falls due on the good channel and, in turn, on each bad one. The bad ones are drop-in
files in a project's `plugins/`, opened as `persona run` opens them: each account in a process of its own. The tick is
called every half second. Goals: the process is up to the end, no post of the good channel later than 5 s, none lost or
doubled; every text of a bad channel has its state and its reason.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from experiments._cli import finish, parser
from experiments._judged import judged
from experiments._world import LABEL, PlainWriter, people
from persona.calling import ThreadedCalls
from persona.channel import Channel, Outgoing, Promise, Seat, Sent
from persona.clock import SystemClock
from persona.guarded_channel import GuardedChannel
from persona.parts import open_parts
from persona.plugins import PluginRegistry
from persona.runner import Runner
from persona.store import OutboxRow, reading, writing
from persona.testing.memory import RamMemory

BAD = {
    "hangs": "time.sleep(3600)",
    "crashes": "os.kill(os.getpid(), 11)",
    "floods": "return Sent(id='x' * (64 << 20))",
    "lies": "return Sent(id=None)",
    "eats": "return Sent(id=str(len([bytearray(1 << 26) for _ in range(1000)])))",
    "raises": "raise KeyError('no such thing')",
}
POLLS = {
    "hangs": "time.sleep(3600)",
    "crashes": "os._exit(1)",
    "floods": "return Poll(events=[Event(id=str(n), kind='reply', author='x', at=until, text='y' * 999) "
    "for n in range(100000)], cursor=None)",
    "lies": "return 'nothing'",
    "eats": "return [bytearray(1 << 26) for _ in range(1000)]",
    "raises": "raise KeyError('no such thing')",
}
SOURCE = """
import os, time
from persona import Channel, Event, Poll, Sent


class Bad(Channel):
    name = {name!r}

    def send(self, post):
        {send}

    def poll(self, cursor, until):
        {poll}
"""
LIMIT = 10.0
GOAL = 5.0


class Good(Channel):
    """Keeps what it is sent, and when."""

    name = "good"
    promise = Promise(kind="idempotent", window=timedelta(days=30))

    def __init__(self, seat: Seat, log: list[dict[str, Any]]) -> None:
        super().__init__(seat)
        self._log = log

    def send(self, post: Outgoing) -> Sent:
        at = self.seat.clock.now().isoformat()
        self._log.append({"at": at, "account": self.seat.handle, "text": post.text, "key": post.key})
        return Sent(id=str(len(self._log)))


class Shop:
    """The project's plugins, and the good channel."""

    def __init__(self, project: Path) -> None:
        self._plugins = PluginRegistry(project)

    def channel(self, name: str) -> type[Channel]:
        return Good if name == "good" else self._plugins.channel(name)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run for a while in real time, and let the auditor judge the good channel."""
    log: list[dict[str, Any]] = []
    clock = SystemClock()
    names = ["good", *BAD]
    # No slot falls due: the texts are put into the outbox as they would be after drafting.
    far = {"name": "s", "cron": "0 0 29 2 *"}
    definition = people(len(names), (far,))
    personas = tuple(
        persona.model_copy(update={"channels": {name: {}}})
        for persona, name in zip(definition.personas, names, strict=True)
    )
    definition = definition.model_copy(update={"personas": personas})
    with tempfile.TemporaryDirectory(prefix="persona-bad-") as name:
        project, folder = Path(name), Path(name) / "data"
        (project / "plugins").mkdir()
        for bad, send in BAD.items():
            (project / "plugins" / f"{bad}.py").write_text(SOURCE.format(name=bad, send=send, poll=POLLS[bad]))

        def opener(kind: type[Channel], seat: Seat) -> Channel:
            return Good(seat, log) if kind is Good else GuardedChannel(kind, seat, project=project, limit=LIMIT)

        parts = open_parts(
            definition,
            registry=Shop(project),
            folder=folder,
            clock=clock,
            seed=7,
            open_writer=lambda persona: PlainWriter(),
            rehearsal=False,
            memory=RamMemory(),
            open_channel=opener,
        )
        parts.calls = ThreadedCalls()
        runner, began = Runner(parts), clock.now()
        runner.start(began)
        plan: list[dict[str, Any]] = []
        with writing(parts.store) as session:
            for second in range(args.seconds):
                for handle, channel in (("persona0", "good"), _bad_of(second, names)):
                    due = began + timedelta(seconds=2 + second)
                    row = OutboxRow(
                        key=f"{channel}-{second}",
                        persona=handle,
                        channel=channel,
                        kind="post",
                        due_at=due,
                        state="ready",
                    )
                    row.text = row.body = f"Number {second} on {channel}. {LABEL}"
                    row.subject = {"mode": "topic", "topic": "rye bread"}
                    session.add(row)
                    if channel == "good":
                        plan.append(
                            {"key": row.key, "account": handle, "due": due.isoformat(), "labels": [LABEL], "late": GOAL}
                        )
        slowest = 0.0
        while (clock.now() - began).total_seconds() < args.seconds + 8:
            at = time.perf_counter()
            runner.tick(clock.now())
            slowest = max(slowest, time.perf_counter() - at)
            time.sleep(0.5)
        report = judged(project, plan, log, late=timedelta(seconds=GOAL))
        with reading(parts.store) as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.channel != "good")).all()
            states = Counter(f"{row.channel}: {row.state}" for row in rows)
            silent = [row.key for row in rows if row.state not in ("ready", "sending") and not row.reasons]
        parts.close()
    return {
        **report,
        "slowest_tick_s": round(slowest, 2),
        "bad_states": dict(sorted(states.items())),
        "bad_without_a_reason": len(silent),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _bad_of(second: int, names: list[str]) -> tuple[str, str]:
    place = 1 + second % (len(names) - 1)
    return f"persona{place}", names[place]


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=int, default=120)
    args = arguments.parse_args(argv)
    if args.quick:
        args.seconds = 20
    logging.getLogger("persona").setLevel(logging.CRITICAL)
    found = measure(args)
    wrong = ("lost", "doubled", "late", "unlabelled", "unplanned", "bad_without_a_reason")
    return finish(found, args, ok=not any(found[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
