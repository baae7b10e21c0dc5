"""kill -9 at random moments of a sender that posts over real HTTP: is a post lost, is one doubled?

`python -m experiments.kill [--mode idempotent|readback|late_key] [--kills 1000] [--personas 5] [--folder DIR]`
A process runs the product's tick; the network is another process. Time goes on by 600 s for each CPU second of the
sender, so the load of the machine changes nothing. Each life ends at a random moment, after up to one CPU second. At
the end the sender is left alone until all is settled, and the auditor, a program that shares no code with the sender,
compares the network's log with the plan. Real: planner, drafting with all guards, store, outbox, delivery, HTTP.
Doubles: the writer, and memory in RAM. With --folder it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from experiments._cli import finish, parser
from experiments._clock import START, SharedClock
from experiments._judged import judged
from experiments._lives import begin, end, first_tick, live, open_rows, parked_rows, watch
from experiments._wire import KeyWire, ReadbackWire, ask, network
from experiments._world import daily_plan, people

SPEED = 600.0
TIMES = tuple((f"t@{m // 60:02d}:{m % 60:02d}", timedelta(minutes=m)) for m in range(0, 24 * 60, 10))
SLOTS = ({"name": "t", "cron": "*/10 * * * *"},)
WIRES = {"idempotent": KeyWire, "late_key": KeyWire, "readback": ReadbackWire}
LATE = timedelta(hours=6)
"""A post may be late by as long as the product still makes up for a slot: here the clock runs on between lives."""


def run(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Kill until `args.kills` is reached, settle, audit. All state is in `folder`."""
    state_file = folder / "state.json"
    state = {"kills": 0, "own_ends": 0}
    if state_file.exists():
        state = json.loads(state_file.read_text())
    definition = people(args.personas, SLOTS)
    clock = SharedClock(folder / "clock")
    draw = random.Random(f"{args.seed}:{state['kills']}")
    data, errors = folder / "data", folder / "errors.txt"
    wire = WIRES[args.mode]

    if not data.exists():
        # What is due before a folder's first tick is not made up for: that tick is done before time starts.
        _, code = os.waitpid(begin(lambda: first_tick(data, definition), errors), 0)
        if code:
            raise RuntimeError(errors.read_text()[-2000:])
    with network(folder / "log.jsonl", clock, args.mode, "--seed", str(args.seed)) as port:

        def work() -> None:
            live(data, definition, clock, wire, port)

        while state["kills"] < args.kills:
            child = begin(work, errors)
            if watch(child, clock, speed=SPEED, cpu=draw.uniform(0.02, args.life)):
                state["own_ends"] += 1
            else:
                end(child)
                state["kills"] += 1
            if state["own_ends"] > 20:
                raise RuntimeError(f"the sender ends by itself: {errors.read_text()[-2000:]}")
            state_file.write_text(json.dumps(state))
        until = clock.now().replace(second=0, microsecond=0)
        child = begin(work, errors)
        settled = _settle(child, clock, data, until, limit=args.settle)
        end(child)
        counts = ask(port, "/counts")
        (folder / "log.jsonl").touch()
    plan = daily_plan(definition, TIMES, channel="wire", start=START, until=until)
    report = audited(folder, plan, parked_rows(data), until)
    return {
        "mode": args.mode,
        "kills": state["kills"],
        "ended_by_itself": state["own_ends"],
        "virtual_hours": round(clock.seconds / 3600, 1),
        "settled": settled,
        **report,
        "repeats_asked": counts["repeats"],
        "repeats_in_the_race": counts["raced"],
    }


def _settle(child: int, clock: SharedClock, data: Path, until: datetime, limit: float) -> bool:
    """Let the sender work until nothing is open, for at most `limit` CPU seconds."""
    used = 0.0
    while used < limit and open_rows(data, until):
        watch(child, clock, speed=SPEED, cpu=0.5)
        used += 0.5
    return not open_rows(data, until)


def audited(folder: Path, plan: list[dict[str, Any]], parked: list[dict[str, str]], until: datetime) -> dict[str, Any]:
    """Let the auditor judge the log in `folder`; return its report."""
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    # The plan ends where the run does; what went out after that is not judged.
    due = {row["key"] for row in plan}
    seen = [row for row in log if row["key"] in due or row["at"] <= until.isoformat()]
    return judged(folder, plan, seen, parked, late=LATE)


def good(report: dict[str, Any]) -> bool:
    """Tell whether the goals of the mode are met."""
    posts = max(report["planned"], 1)
    doubled = 0.001 if report["mode"] == "late_key" else 0.0
    parked = 0.005 if report["mode"] == "late_key" else 0.0
    clean = not any(report[kind] for kind in ("lost", "unlabelled", "unplanned", "unexplained", "early"))
    few = report["doubled"] / posts <= doubled and report["parked"] / posts <= parked
    return clean and few and bool(report["settled"])


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--mode", choices=tuple(WIRES), default="idempotent")
    arguments.add_argument("--kills", type=int, default=1000)
    arguments.add_argument("--personas", type=int, default=5)
    arguments.add_argument("--life", type=float, default=1.0, help="the longest life, in CPU seconds")
    arguments.add_argument("--settle", type=float, default=60.0, help="CPU seconds to settle in at the end")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--folder", type=Path, help="keep all here, and go on where it stopped")
    args = arguments.parse_args(argv)
    if args.quick:
        args.kills = min(args.kills, 8)
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
        report = run(args.folder, args)
    else:
        with tempfile.TemporaryDirectory(prefix="persona-kill-") as folder:
            report = run(Path(folder), args)
    return finish(report, args, ok=good(report))


if __name__ == "__main__":
    sys.exit(main())
