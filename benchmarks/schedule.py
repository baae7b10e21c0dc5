"""Due slots beside APScheduler's job stores: how many are dispatched per CPU second, how late, in how much memory.

`python -m benchmarks.schedule [--slots 100000] [--apscheduler 2000] [--quick] [--json]`
persona: durable rows in its own store (SQLite, WAL, synchronous=FULL), all due, taken by `persona.agenda.take_slots`
in the ticks that a live run makes: each row is marked, its subject is chosen, its outbox row is written. `claim` is
the bare dispatch, the rows found and marked as taken in transactions of 500, with no subject and no outbox.
APScheduler 3.11: one-shot jobs, all due, run by a thread pool, each calls a function that counts; its SQLAlchemy store
on a SQLite file, and its memory store. Lateness: `--rate` slots a second fall due, and a tick every 20 ms claims them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, bindparam, func, insert, select, update

from benchmarks._report import finish, machine, parser, table, timed
from experiments._world import open_world, people
from persona.agenda import take_slots
from persona.store import OutboxRow, SlotRow, open_store
from persona.testing.channels import RecordingChannel
from persona.testing.clock import SettableClock

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PART = 500


def fill(store: Engine, slots: int, handles: list[str], due: datetime = NOW, apart: float = 0.0) -> None:
    """Write `slots` planned rows, each due `apart` seconds after the one before."""
    rows = [
        {
            "persona": handles[number % len(handles)],
            "name": f"s{number}",
            "local_date": NOW.date(),
            "due_at": due + timedelta(seconds=apart * number),
            "state": "planned",
            "note": "",
        }
        for number in range(slots)
    ]
    with store.connect().execution_options(writing=True) as connection:
        connection.execute(insert(SlotRow), rows)
        connection.commit()


def claim(store: Engine, now: datetime, most: int | None = None) -> int:
    """Mark what is due as taken, a part of the rows in each transaction; return how many."""
    done = 0
    mark = update(SlotRow).where(SlotRow.id == bindparam("row")).values(state="taken")
    while most is None or done < most:
        with store.connect().execution_options(writing=True) as connection:
            due = connection.execute(
                select(SlotRow.id).where(SlotRow.state == "planned", SlotRow.due_at <= now).limit(PART)
            ).all()
            if due:
                connection.execute(mark, [{"row": row[0]} for row in due])
            connection.commit()
        done += len(due)
        if len(due) < PART:
            break
    return done


def measure_claim(folder: Path, slots: int) -> dict[str, Any]:
    """Return the bare dispatch of durable rows."""
    store = open_store(folder)
    fill(store, slots, ["a", "b", "c", "d"])
    found = timed(lambda: claim(store, NOW))
    store.dispose()
    return {"what": "persona, claim (durable)", **found}


def measure_take(folder: Path, slots: int) -> dict[str, Any]:
    """Return what `take_slots` does: the claim, and a subject and an outbox row for each."""
    definition = people(10, ({"name": "s", "at": "12:00"},), channels=("recording",))
    parts = open_world(folder, definition, clock=SettableClock(NOW), channels={"recording": RecordingChannel})
    fill(parts.store, slots, [persona.handle for persona in definition.personas])

    def work() -> int:
        take_slots(parts, NOW)
        with parts.store.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(OutboxRow)) or 0)

    found = timed(work)
    parts.close()
    return {"what": "persona, take_slots (durable)", **found}


_counted = 0
_all = threading.Event()


def job(wanted: int) -> None:
    """What APScheduler runs: counts."""
    global _counted
    _counted += 1
    if _counted >= wanted:
        _all.set()


def measure_apscheduler(url: str | None, jobs: int) -> dict[str, Any]:
    """Return APScheduler's dispatch of one-shot jobs that are all due."""
    global _counted
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.memory import MemoryJobStore
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    store = SQLAlchemyJobStore(url=url) if url else MemoryJobStore()
    scheduler = BackgroundScheduler(
        jobstores={"default": store}, executors={"default": ThreadPoolExecutor(4)}, timezone="UTC"
    )
    scheduler.start(paused=True)
    due = datetime.now(UTC) - timedelta(seconds=1)
    for number in range(jobs):
        scheduler.add_job(job, "date", run_date=due, args=[jobs], id=str(number), misfire_grace_time=None)
    _counted = 0
    _all.clear()

    def work() -> int:
        scheduler.resume()
        _all.wait(600)
        return _counted

    found = timed(work)
    scheduler.shutdown(wait=True)
    return {"what": f"APScheduler, {'SQLAlchemy' if url else 'memory'} store", **found}


def lateness(folder: Path, rate: int, seconds: float) -> dict[str, Any]:
    """Return how late slots are claimed when `rate` of them fall due each second of real time."""
    store = open_store(folder)
    begin = datetime.now(UTC) + timedelta(seconds=1)
    count = int(rate * seconds)
    fill(store, count, ["a"], due=begin, apart=1 / rate)
    late: list[float] = []
    pause = 0.02
    while len(late) < count and datetime.now(UTC) < begin + timedelta(seconds=seconds + 30):
        now = datetime.now(UTC)
        due = min(max(int((now - begin).total_seconds() * rate) + 1, 0), count) if now >= begin else 0
        first = len(late)
        done = claim(store, now)
        after = datetime.now(UTC)
        late += [(after - begin).total_seconds() - number / rate for number in range(first, first + done)]
        if done < due - first or done:
            time.sleep(max(0.0, pause - (after - now).total_seconds()))
        else:
            time.sleep(pause / 4)
    store.dispose()
    late.sort()
    return {
        "rate": rate,
        "slots": len(late),
        "late_p50_ms": round(1000 * late[len(late) // 2], 1),
        "late_p99_ms": round(1000 * late[int(len(late) * 0.99)], 1),
    }


def memory_per_slot(folder: Path, slots: int) -> float:
    """Return the bytes of RAM that stay taken for each slot that waits in the store, by tracemalloc."""
    store = open_store(folder)
    claim(store, NOW)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    fill(store, slots, ["a"], due=NOW + timedelta(days=1))
    claim(store, NOW)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    store.dispose()
    return max(after - before, 0) / slots


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--slots", type=int, default=100_000)
    arguments.add_argument(
        "--taken", type=int, default=5_000, help="rows for take_slots, which does much more for each"
    )
    arguments.add_argument("--apscheduler", type=int, default=2_000, help="jobs in its SQLAlchemy store")
    arguments.add_argument("--rate", type=int, default=1_000)
    args: argparse.Namespace = arguments.parse_args(argv)
    if args.quick:
        args.slots, args.taken, args.apscheduler = 10_000, 500, 300
    found = machine(("sqlalchemy", "apscheduler"))
    with tempfile.TemporaryDirectory(prefix="persona-schedule-") as name:
        base = Path(name)
        rows = [
            measure_claim(base / "claim", args.slots),
            measure_take(base / "take", args.taken),
            measure_apscheduler(None, min(args.slots, 20_000)),
            measure_apscheduler(f"sqlite:///{base / 'jobs.db'}", args.apscheduler),
        ]
        late = lateness(base / "late", args.rate, 2 if args.quick else 10)
        ram = memory_per_slot(base / "ram", min(args.slots, 20_000))
    print(table(rows))
    speed = [row["per_cpu_second"] for row in rows]
    report = {
        "machine": found,
        "rows": rows,
        "claim_over_sqlalchemy_store": round(speed[0] / speed[3], 1),
        "claim_over_memory_store": round(speed[0] / speed[2], 1),
        "take_over_sqlalchemy_store": round(speed[1] / speed[3], 1),
        **late,
        "ram_bytes_per_slot": round(ram, 1),
    }
    for key, value in report.items():
        if key not in ("machine", "rows"):
            print(f"{key}: {value}")
    finish(report, as_json=args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
