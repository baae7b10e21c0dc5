"""A flood of comments, some of a megabyte: do the planned posts still go out in time, and how much memory does it take?

`python -m experiments.flood [--minutes 10] [--rate 10000] [--quick] [--json]`
Simulated minutes: each brings `--rate` comments, one in a thousand of a megabyte, a page in each poll, while a persona
posts every five minutes. The clock moves by what the ticks really took in CPU time, so that a slow tick makes posts
late. Goals: no post later than 60 s, peak memory at most 1.5 times that of the same run without comments (each in a
process of its own), no answer beyond the caps.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from experiments._cli import finish, parser
from experiments._clock import START
from experiments._judged import handed_on, judged
from experiments._lives import first_tick
from experiments._world import daily_plan, open_world, people
from persona.channel import Channel, Event, Outgoing, Poll, Promise, Seat, Sent
from persona.runner import Runner
from persona.store import InboxRow, reading
from persona.testing.clock import SettableClock

TIMES = tuple((f"t@{m // 60:02d}:{m % 60:02d}", timedelta(minutes=m)) for m in range(0, 24 * 60, 5))
CAP = 30
PAGE = 1000
"""What one poll brings at most, as a network's pages do."""


class Flooded(Channel):
    """Brings a page of comments at each poll, as long as there are any, and takes posts."""

    name = "wire"
    promise = Promise(kind="idempotent", window=timedelta(days=30))

    def __init__(self, seat: Seat, log: list[dict[str, Any]], rate: int) -> None:
        super().__init__(seat)
        self._log, self._rate = log, rate
        self.told = 0

    def send(self, post: Outgoing) -> Sent:
        row = {"at": self.seat.clock.now().isoformat(), "account": self.seat.handle, "text": post.text, "key": post.key}
        self._log.append(row | {"answer": post.in_reply_to})
        return Sent(id=str(len(self._log)))

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        first = int(cursor or 0)
        due = int((until - START).total_seconds() / 60 * self._rate)
        last = min(due, first + PAGE)
        self.told = last
        return Poll(events=list(self._events(first, last)), cursor=str(last))

    def _events(self, first: int, last: int) -> Iterator[Event]:
        for number in range(first, last):
            text = f"Number {number}: what do you think of lamp {number % 97}, and why?"
            if number % 1000 == 500:
                text = random.Random(number).choice("aé漢 ") * (1 << 20)
            at = START + timedelta(minutes=number / self._rate)
            yield Event(
                id=f"c{number}", kind="mention", author=f"fan{number % 5000}", at=at, text=text, post_id=f"p{number}"
            )


def live(args: argparse.Namespace, rate: int) -> dict[str, Any]:
    """Live through the flood in this process; return the auditor's report and the peak of memory."""
    definition = people(1, ({"name": "t", "cron": "*/5 * * * *"},), replies={"to": ("mention",), "per_day": CAP})
    log: list[dict[str, Any]] = []
    clock, until = SettableClock(START), START + timedelta(minutes=args.minutes)
    with tempfile.TemporaryDirectory(prefix="persona-flood-") as name:
        folder = Path(name)
        first_tick(folder / "data", definition)
        channels: list[Flooded] = []

        def opener(seat: Seat) -> Channel:
            channels.append(Flooded(seat, log, rate))
            return channels[-1]

        parts = open_world(folder / "data", definition, clock=clock, channels={"wire": opener})
        runner, slowest = Runner(parts), 0.0
        runner.start(START)
        while clock.now() < until + timedelta(minutes=2):
            began = time.process_time()
            runner.tick(clock.now())
            took = time.process_time() - began
            slowest = max(slowest, took)
            clock.advance(seconds=max(took, 5.0))
        plan = daily_plan(definition, TIMES, channel="wire", start=START, until=until)
        due = {row["key"] for row in plan}
        seen = [row for row in log if row["key"] in due]
        report = judged(folder, plan, seen, handed_on(parts.store), late=timedelta(seconds=60))
        with reading(parts.store) as session:
            kept = session.scalar(select(func.count()).select_from(InboxRow)) or 0
            longest = session.scalar(select(func.max(func.length(InboxRow.text)))) or 0
        parts.close()
    return {
        **report,
        "comments_told": sum(channel.told for channel in channels),
        "comments_kept": kept,
        "longest_kept": longest,
        "answers": sum(row["answer"] is not None for row in log),
        "slowest_tick_cpu_s": round(slowest, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run with and without the flood, each in a process of its own."""
    rows = []
    for rate in (0, args.rate):
        words = ["--minutes", str(args.minutes), "--alone", str(rate), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "experiments.flood", *words],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        if not done.stdout:
            raise RuntimeError(done.stderr[-2000:])
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    calm, flood = rows
    ratio = flood["peak_memory_mb"] / calm["peak_memory_mb"]
    own = ("goals_met", "seconds", "load")
    return {
        **{name: value for name, value in flood.items() if name not in own},
        "calm_memory_mb": calm["peak_memory_mb"],
        "memory_ratio": round(ratio, 2),
    }


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--minutes", type=int, default=10)
    arguments.add_argument("--rate", type=int, default=10_000, help="comments a minute")
    arguments.add_argument("--alone", type=int, help="run once with this rate, in this process")
    args = arguments.parse_args(argv)
    if args.quick:
        args.minutes, args.rate = 6, 500
    logging.getLogger("persona").setLevel(logging.CRITICAL)
    if args.alone is not None:
        return finish(live(args, args.alone), args, ok=True)
    found = measure(args)
    wrong = ("lost", "doubled", "late", "unlabelled", "unplanned", "unexplained")
    few = found["memory_ratio"] <= 1.5 and found["answers"] <= 2 * CAP
    return finish(found, args, ok=few and not any(found[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
