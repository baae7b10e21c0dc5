"""kill -9 at every named point between two commits, each twenty times: is a post lost, is one doubled?

`python -m experiments.crash_points [--times 20] [--promise idempotent|readback] [--folder DIR] [--quick] [--json]`
As `experiments.kill`, but each life ends where `persona.crash` has a name, at the first to third time that it is
passed, on a network that fails in two of ten sends and asks on. A point that no life reaches within its time is named
in the report. With --folder it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from experiments._cli import finish, parser
from experiments._clock import START, SharedClock
from experiments._judged import judged
from experiments._lives import begin, end, first_tick, open_rows, parked_rows, watch
from experiments._world import daily_plan, open_world, people
from persona import crash
from persona.channel import Channel, Seat
from persona.definition import Definition
from persona.runner import Runner
from persona.store import Owner
from persona.testing.faulty_channel import FaultyChannel

SPEED = 600.0
TIMES = tuple((f"t@{m // 60:02d}:{m % 60:02d}", timedelta(minutes=m)) for m in range(0, 24 * 60, 10))
WINDOW = {"idempotent": 30 * 86400.0, "readback": 600.0}
REPLIES = {"to": ("mention",), "per_day": 10_000, "per_author": 100, "delay": {
    "least": timedelta(minutes=1), "most": timedelta(minutes=5)}}  # fmt: skip


@contextmanager
def network(folder: Path, clock: SharedClock, *more: str) -> Iterator[str]:
    """Run the failing network in a process of its own; give its address."""
    words = ["--log", str(folder / "network.jsonl"), "--clock", str(clock.path), *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments._faulty_process", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def life(
    folder: Path, definition: Definition, clock: SharedClock, opener: Callable[[Seat], Channel], point: str, nth: int
) -> None:
    """Own the folder and tick, until the point is passed for the nth time."""
    passed = 0

    def killer(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed >= nth:
            os.kill(os.getpid(), signal.SIGKILL)

    with Owner(folder):
        parts = open_world(folder, definition, clock=clock, channels={"faulty": opener})
        runner = Runner(parts)
        runner.start(clock.now())
        crash.install(killer)
        while True:
            runner.tick(clock.now())
            time.sleep(0.004)


def run(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Kill at each point until each has had its times, settle, audit."""
    state_file, data, errors = folder / "state.json", folder / "data", folder / "errors.txt"
    state: dict[str, Any] = {"reached": {}, "missed": {}}
    if state_file.exists():
        state = json.loads(state_file.read_text())
    definition = people(3, ({"name": "t", "cron": "*/10 * * * *"},), channels=("faulty",), replies=REPLIES)
    if not data.exists():
        first_tick(data, definition)
    clock = SharedClock(folder / "clock")
    draw, points = random.Random(args.seed), list(crash.POINTS)
    more = ["--accounts", ",".join(p.handle for p in definition.personas), "--seed", str(args.seed)]
    more += ["--keys"] if args.promise == "idempotent" else []
    with network(folder, clock, *more) as url:

        def opener(seat: Seat) -> Channel:
            settings = {"url": url, "promise": args.promise, "window": WINDOW[args.promise], "timeout": 0.2}
            return FaultyChannel(replace(seat, settings=settings))

        for time_ in range(args.times):
            for point in points:
                if state["reached"].get(point, 0) + state["missed"].get(point, 0) > time_:
                    continue
                nth = draw.randint(1, 3)
                child = begin(partial(life, data, definition, clock, opener, point, nth), errors)
                dead = watch(child, clock, speed=SPEED, cpu=args.life)
                if not dead:
                    end(child)
                kind = "reached" if dead else "missed"
                state[kind][point] = state[kind].get(point, 0) + 1
                state_file.write_text(json.dumps(state))
                if errors.exists():
                    raise RuntimeError(errors.read_text()[-2000:])
        until = clock.now().replace(second=0, microsecond=0)
        child = begin(lambda: life(data, definition, clock, opener, "", 1), errors)
        used = 0.0
        while used < args.settle and open_rows(data, until):
            watch(child, clock, speed=SPEED, cpu=0.5)
            used += 0.5
        settled = not open_rows(data, until)
        end(child)
    return {**_report(folder, definition, until, data), "settled": settled, **_counts(state)}


def _counts(state: dict[str, Any]) -> dict[str, Any]:
    reached: Counter[str] = Counter(state["reached"])
    return {
        "points": len(crash.POINTS),
        "kills_at_points": sum(reached.values()),
        "fewest_at_a_point_reached": min(reached.values(), default=0),
        "never_reached": [point for point in crash.POINTS if not reached[point]],
        "lives_that_passed_no_point": sum(state["missed"].values()),
    }


def _report(folder: Path, definition: Definition, until: datetime, data: Path) -> dict[str, Any]:
    posts = [json.loads(line).get("post") for line in (folder / "network.jsonl").read_text().splitlines()]
    log = [
        {
            "at": datetime.fromtimestamp(post["at"], UTC).isoformat(),
            "account": post["account"],
            "text": post["text"],
            "key": post["key"],
            "answer": post["in_reply_to"],
        }
        for post in posts
        if post
    ]
    plan = daily_plan(definition, TIMES, channel="faulty", start=START, until=until)
    # An answer is planned by nobody beforehand; that it is out once is what is judged.
    answers = {row["key"]: row for row in log if row["answer"]}
    plan += [
        {"key": key, "account": row["account"], "due": row["at"], "labels": ["#AI"]} for key, row in answers.items()
    ]
    due = {row["key"] for row in plan}
    seen = [row for row in log if row["key"] in due or row["at"] <= until.isoformat()]
    report = judged(folder, plan, seen, parked_rows(data, "faulty"), late=timedelta(hours=6))
    return {**report, "answers": len(answers)}


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--times", type=int, default=20)
    arguments.add_argument("--promise", choices=tuple(WINDOW), default="idempotent")
    arguments.add_argument("--life", type=float, default=2.0, help="CPU seconds in which a life should reach its point")
    arguments.add_argument("--settle", type=float, default=60.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--folder", type=Path)
    args = arguments.parse_args(argv)
    if args.quick:
        args.times, args.life = 1, 1.2
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
        found = run(args.folder, args)
    else:
        with tempfile.TemporaryDirectory(prefix="persona-points-") as folder:
            found = run(Path(folder), args)
    wrong = ("lost", "doubled", "unlabelled", "unplanned", "unexplained")
    return finish(found, args, ok=bool(found["settled"]) and not any(found[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
