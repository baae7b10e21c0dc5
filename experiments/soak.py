"""A simulated year of five personas in one process: do files, memory or the database's own truth drift?

`python -m experiments.soak [--days 365] [--quick] [--json]`
Real: planner, drafting with all guards, store, outbox, delivery; doubles: writer, memory in RAM, channel. Each
simulated week the open files and the resident memory are noted. At the end the log is replayed: what it tells of each
key must be the state that the outbox has, and the auditor judges what went out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from experiments._cli import finish, parser
from experiments._clock import START
from experiments._judged import handed_on, judged
from experiments._lives import first_tick
from experiments._world import daily_plan, open_world, people
from experiments.clock_jumps import Loose
from persona.runner import Runner
from persona.store import LogRow, OutboxRow, log_digest, reading
from persona.testing.clock import SettableClock

HOURS = (8, 13, 19)
TIMES = tuple((f"t@{hour:02d}:00", timedelta(hours=hour)) for hour in HOURS)
STEP = timedelta(hours=1)
_STATES = {"drafted": "ready", "held": "held", "sent": "sent", "failed": "failed", "expired": "expired"}
_STATES |= {"unknown": "unknown"}


def resident() -> int:
    """Return the resident memory in kB. Linux only."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def replayed(store: Any) -> tuple[int, list[str]]:
    """Return how many keys the log tells of, and those whose last state in it is not that of the outbox."""
    told: dict[str, str] = {}
    with reading(store) as session:
        for row in session.scalars(select(LogRow).order_by(LogRow.seq)):
            if "key" in row.body and row.kind in _STATES:
                told[row.body["key"]] = _STATES[row.kind]
        states = {row[0]: row[1] for row in session.execute(select(OutboxRow.key, OutboxRow.state))}
    wrong = [key for key, state in states.items() if state != "planned" and told.get(key) != state]
    return len(told), wrong + [key for key in told if key not in states]


def slope(values: list[int]) -> float:
    """Return the least-squares slope of the second half of the values, per step: the first half warms up."""
    late = values[len(values) // 2 :]
    if len(late) < 2:
        return 0.0
    middle, mean = (len(late) - 1) / 2, sum(late) / len(late)
    over = sum((i - middle) * (value - mean) for i, value in enumerate(late))
    return over / sum((i - middle) ** 2 for i in range(len(late)))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Live through it."""
    definition = people(5, ({"name": "t", "cron": f"0 {','.join(map(str, HOURS))} * * *"},))
    log: list[dict[str, Any]] = []
    clock, until = SettableClock(START), START + timedelta(days=args.days)
    files, memory = list[int](), list[int]()
    with tempfile.TemporaryDirectory(prefix="persona-soak-") as name:
        folder = Path(name)
        first_tick(folder / "data", definition)
        parts = open_world(folder / "data", definition, clock=clock, channels={"wire": lambda seat: Loose(seat, log)})
        runner = Runner(parts)
        runner.start(START)
        ticks, noted = 0, START
        while clock.now() < until + STEP:
            runner.tick(clock.now())
            ticks += 1
            if clock.now() >= noted:
                files.append(len(os.listdir("/proc/self/fd")))
                memory.append(resident())
                noted += timedelta(days=7 if args.days > 14 else 1)
            clock.advance(STEP)
        keys, wrong = replayed(parts.store)
        rows, digest = log_digest(parts.store)
        plan = daily_plan(definition, TIMES, channel="wire", start=START, until=until)
        due = {row["key"] for row in plan}
        seen = [row for row in log if row["key"] in due or row["at"] < until.isoformat()]
        report = judged(folder, plan, seen, handed_on(parts.store), late=timedelta(hours=1))
        size = (folder / "data" / "persona.db").stat().st_size
        parts.close()
    return {
        "days": args.days,
        "ticks": ticks,
        **report,
        "open_files": [files[0], files[-1], max(files)],
        "memory_mb": [round(kb / 1024, 1) for kb in (memory[0], memory[-1], max(memory))],
        "memory_slope_kb_a_sample": round(slope(memory), 1),
        "database_mb": round(size / 1e6, 1),
        "log_rows": rows,
        "log_digest": digest,
        "keys_replayed": keys,
        "replayed_wrong": len(wrong),
    }


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--days", type=int, default=365)
    args = arguments.parse_args(argv)
    if args.quick:
        args.days = 4
    found = measure(args)
    wrong = ("lost", "doubled", "late", "unlabelled", "unplanned", "unexplained", "replayed_wrong")
    steady = found["open_files"][1] <= found["open_files"][0] + 2
    return finish(found, args, ok=steady and not any(found[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
