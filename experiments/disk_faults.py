"""A disk that is full, read-only or broken, again and again, under a sender at work: is a record lost, is a post?

`python -m experiments.disk_faults [--faults 200] [--quick] [--json]`
The data folder lies on a small tmpfs of its own where this machine lets one be mounted. In turn the disk is filled to
the last byte, or made to answer writes and syncs with EROFS or EIO (a preloaded C library, where there is a
compiler), for a random while; then it is well again, and the sender, which nobody touches, must finish a tick. Every
third time it is also killed during the fault. Kinds that this machine cannot make are named and left out. The auditor
compares what went out with the plan; a post that the network took must be in the sender's outbox as sent.
"""

from __future__ import annotations

import argparse
import json
import logging
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from experiments._cli import finish, parser
from experiments._clock import START, SharedClock
from experiments._judged import judged
from experiments._lives import begin, end, first_tick, open_rows, parked_rows, watch
from experiments._wire import KeyWire, network, opener
from experiments._world import daily_plan, open_world, people
from persona.definition import Definition
from persona.runner import Runner
from persona.store import OutboxRow, Owner, open_store, reading

SPEED = 600.0
TIMES = tuple((f"t@{m // 60:02d}:{m % 60:02d}", timedelta(minutes=m)) for m in range(0, 24 * 60, 10))
SIZE = 64 << 20


class Counted:
    """How many ticks were done, where another process can see it."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)

    @property
    def value(self) -> int:
        found: int = struct.unpack("<q", self._map[:8])[0]
        return found

    def add(self) -> None:
        """Count one more."""
        self._map[:8] = struct.pack("<q", self.value + 1)


def life(folder: Path, definition: Definition, clock: SharedClock, port: int, done: Counted) -> None:
    """Tick as the live run does: a tick that fails is passed over, the next one goes on."""
    logging.disable(logging.CRITICAL)
    with Owner(folder):
        parts = open_world(folder, definition, clock=clock, channels={"wire": opener(KeyWire, port)})
        runner = Runner(parts)
        runner.start(clock.now())
        while True:
            with suppress(Exception):
                runner.tick(clock.now())
                done.add()
            time.sleep(0.004)


@contextmanager
def disk(base: Path) -> Iterator[tuple[Path, bool]]:
    """Give a folder on a small file system of its own, or a plain one and False."""
    place = base / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    mounted = subprocess.run(words, capture_output=True).returncode == 0
    try:
        yield place, mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], capture_output=True)


def faults(place: Path, mounted: bool, flag: Path) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
    """Return what this machine can break, and how it is mended."""
    filler = place / "filler"

    def fill() -> None:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        with suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0")

    found: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {}
    if mounted:
        found["full"] = (fill, lambda: filler.unlink(missing_ok=True))
    if "EIO_FLAG" in os.environ:
        locked = flag.with_name(flag.name + ".ro")
        found["EIO"] = (flag.touch, lambda: flag.unlink(missing_ok=True))
        found["read-only"] = (locked.touch, lambda: locked.unlink(missing_ok=True))
    return found


def with_eio(argv: list[str]) -> None:
    """Start this program again with the library that makes writes fail, if there is a compiler."""
    if "EIO_FLAG" in os.environ or shutil.which("cc") is None:
        return
    base = Path(tempfile.mkdtemp(prefix="persona-disk-"))
    library = base / "eio.so"
    source = Path(__file__).with_name("_eio.c")
    built = subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"])
    if built.returncode:
        return
    more = {"LD_PRELOAD": str(library), "EIO_FLAG": str(base / "flag"), "EIO_UNDER": str(base / "work" / "disk")}
    os.execve(sys.executable, [sys.executable, "-m", "experiments.disk_faults", *argv], {**os.environ, **more})


def run(base: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Break and mend, then let all settle and be judged."""
    definition, draw = people(5, ({"name": "t", "cron": "*/10 * * * *"},)), random.Random(args.seed)
    clock, done = SharedClock(base / "clock"), Counted(base / "ticks")
    flag = Path(os.environ.get("EIO_FLAG", base / "flag"))
    made: Counter[str] = Counter()
    recovered = deaths = 0
    with disk(base) as (place, mounted), network(base / "log.jsonl", clock, "idempotent") as port:
        data, errors, kinds = place / "data", base / "errors.txt", faults(place, mounted, flag)

        def work() -> None:
            life(data, definition, clock, port, done)

        first_tick(data, definition)
        child = begin(work, errors)
        for number in range(args.faults if kinds else 0):
            kind = list(kinds)[number % len(kinds)]
            harm, mend = kinds[kind]
            dead = watch(child, clock, speed=SPEED, cpu=draw.uniform(0.02, 0.3))
            harm()
            dead = dead or watch(child, clock, speed=SPEED, cpu=draw.uniform(0.02, 0.3), patience=20)
            if number % 3 == 2 and not dead:
                end(child)
                dead = True
            mend()
            deaths += dead
            if dead:
                child = begin(work, errors)
            before, stop = done.value, time.perf_counter() + 90
            while done.value < before + 2 and time.perf_counter() < stop:
                if watch(child, clock, speed=SPEED, cpu=0.05, patience=10):
                    child = begin(work, errors)
            recovered += done.value >= before + 2
            made[kind] += 1
        until, used = clock.now().replace(second=0, microsecond=0), 0.0
        while used < args.settle and open_rows(data, until):
            watch(child, clock, speed=SPEED, cpu=0.5)
            used += 0.5
        end(child)
        log = [json.loads(line) for line in (base / "log.jsonl").read_text().splitlines()]
        plan = daily_plan(definition, TIMES, channel="wire", start=START, until=until)
        due = {row["key"] for row in plan}
        seen = [row for row in log if row["key"] in due or row["at"] <= until.isoformat()]
        report = judged(base, plan, seen, parked_rows(data), late=timedelta(hours=6))
        store = open_store(data)
        with reading(store) as session:
            known = set(session.scalars(select(OutboxRow.key).where(OutboxRow.state == "sent")))
        with store.connect() as connection:
            whole = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
        store.dispose()
    return {
        "faults": sum(made.values()),
        "kinds": dict(made),
        "left_out": [kind for kind in ("full", "read-only", "EIO") if kind not in made],
        "deaths": deaths,
        "recovered": recovered,
        **report,
        "out_but_not_known": len({row["key"] for row in seen} - known),
        "integrity": whole,
        "faults_found": report["faults"],
        "faults_made": sum(made.values()),
    }


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--faults", type=int, default=200)
    arguments.add_argument("--settle", type=float, default=60.0, help="CPU seconds to settle in at the end")
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args(argv)
    if args.quick:
        args.faults = 6
    if argv is None:
        with_eio(sys.argv[1:])
    if "EIO_UNDER" in os.environ:
        base = Path(os.environ["EIO_UNDER"]).parent
        base.mkdir()
    else:
        base = Path(tempfile.mkdtemp(prefix="persona-disk-"))
    try:
        found = run(base, args)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    wrong = ("lost", "doubled", "unlabelled", "unplanned", "unexplained", "out_but_not_known")
    whole = found["integrity"] == "ok" and found["recovered"] == found["faults_made"] > 0
    return finish(found, args, ok=whole and not any(found[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
