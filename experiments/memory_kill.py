"""Kill the memory while it writes, many times, and look after each: is every record there, and how soon is it back?

`python -m experiments.memory_kill [--kills 500] [--records 10000] [--quick] [--json]`
Chroma is made to save its index after every 20 records, so that many kills hit a save. A process opens the folder,
brings the index up, asks for the record that was committed last, and tells how long that took; then it remembers
records in batches of 5, tells what is committed, and is killed with SIGKILL at a drawn moment; the next process opens
what it left. Processes are forked from one that has imported Chroma, whose import (about a second) is not counted.
Last, an index of `--records` records of 384 dimensions is deleted and built anew from the journal. --quick is 10 kills
and 1,000 records.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from benchmarks._report import finish, machine, parser
from persona.memory import Query, Record, record_id
from persona.store import JournalRow, open_store, writing
from persona_memory import ChromaMemory
from persona_memory.index import ChromaIndex
from persona_memory.keeper import Keeper

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
DIMENSIONS = 384
FORK = multiprocessing.get_context("fork")
BATCH = 5
SAVE_EVERY = 20
CYCLE = 25
"""After so many kills the folder is begun anew, so that it stays as large as a persona's first weeks."""


class Drawn:
    """Gives each text a unit vector drawn from its digest: as many numbers as MiniLM, without its time."""

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        self.name, self.dimensions = f"drawn@{dimensions}", dimensions

    def embed(self, texts: Any) -> NDArray[np.float32]:
        from persona.digest import seed_of

        rows = [np.random.Generator(np.random.Philox(seed_of(text))).standard_normal(self.dimensions) for text in texts]
        vectors = np.array(rows, dtype=np.float64).reshape(len(texts), self.dimensions)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors.astype(np.float32)


def note(number: int) -> Record:
    text = f"record {number} of a long memory"
    return Record(
        id=record_id(persona="ida", kind="told", author="ravi", text=text, source=str(number)),
        persona="ida", kind="told", text=text, at=NOW - timedelta(minutes=number), author="ravi", source=str(number),
    )  # fmt: skip


def open_memory(folder: Path, engine: Engine) -> ChromaMemory:
    memory = ChromaMemory(engine=engine, folder=folder, embedder=Drawn())
    memory._keeper = Keeper(engine, ChromaIndex(folder / "chroma", sync_threshold=SAVE_EVERY))
    return memory


def serve(folder: Path, last: int, out: Connection) -> None:
    """Open the folder, tell what is there, then remember record after record until killed."""
    began, cpu = time.perf_counter(), time.process_time()
    engine = open_store(folder)
    memory = open_memory(folder, engine)
    memory.sync()
    queries = [Query(persona="ida", text=note(last).text, now=NOW, limit=1)] if last >= 0 else []
    found = memory.recall(queries)
    back = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    with engine.connect() as connection:
        held = set(connection.execute(select(JournalRow.record_id)).scalars())
    out.send(
        {
            **back,
            "lost": sum(note(n).id not in held for n in range(last + 1)),
            "found": all(answer and answer[0].record.id == note(last).id for answer in found),
            "well": all(health.ok for health in memory.health()),
            "records": len(held),
            "rebuilt": memory._keeper.rebuilt,
        }
    )
    # A batch may have been committed without having been told.
    first = -(-max(len(held), last + 1) // BATCH) * BATCH
    while True:
        with writing(engine) as session:
            memory.remember([note(n) for n in range(first, first + BATCH)], session)
        first += BATCH
        out.send(first - 1)
        memory.sync()


def _life(folder: Path, last: int, moment: float) -> tuple[dict[str, Any], int]:
    """Start a process, let it write for `moment` seconds, kill it; return its report and the last record committed."""
    out, into = FORK.Pipe(duplex=False)
    child = FORK.Process(target=serve, args=(folder, last, into))
    child.start()
    into.close()
    report: dict[str, Any] = out.recv()
    time.sleep(moment)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    while True:
        try:
            last = out.recv()
        except EOFError:
            break
    out.close()
    return report, last


def _rebuilt(folder: Path, records: int) -> dict[str, float]:
    engine = open_store(folder)
    memory = ChromaMemory(engine=engine, folder=folder, embedder=Drawn())
    for start in range(0, records, 1000):
        with writing(engine) as session:
            memory.remember([note(n) for n in range(start, min(start + 1000, records))], session)
    memory.sync()
    memory.close()
    shutil.rmtree(folder / "chroma")
    cpu, wall = time.process_time(), time.perf_counter()
    memory.sync()
    found = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    (health,) = memory.health()
    memory.close()
    engine.dispose()
    if not health.ok or health.index != records:
        raise RuntimeError(f"the rebuilt index is not whole: {health}")
    return {name: round(value, 2) for name, value in found.items()}


def run(kills: int, records: int, draw: int) -> dict[str, Any]:
    """Return what came of so many kills, and of one rebuild."""
    # The processes that are forked shall not each import it.
    import_module("chromadb")

    base, random_ = Path(tempfile.mkdtemp(prefix="persona-memory-kill-")), random.Random(draw)
    reports: list[dict[str, Any]] = []
    try:
        folder, last = base / "0", -1
        for kill in range(kills + 1):
            if kill % CYCLE == 0:
                shutil.rmtree(folder, ignore_errors=True)
                folder, last = base / str(kill), -1
            report, last = _life(folder, last, random_.uniform(0.0, 0.5))
            if kill % CYCLE:
                reports.append(report)
        rebuilt = _rebuilt(base / "large", records)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    seconds = sorted(report["seconds"] for report in reports)
    return {
        "kills": kills + 1,
        "looked_at_after_a_kill": len(reports),
        "records_lost": sum(report["lost"] for report in reports),
        "not_found": sum(not report["found"] for report in reports),
        "not_well": sum(not report["well"] for report in reports),
        "rebuilt_while_serving": sum(report["rebuilt"] for report in reports),
        "most_records": max(report["records"] for report in reports),
        "back_seconds_median": round(statistics.median(seconds), 2),
        "back_seconds_worst": round(seconds[-1], 2),
        "back_later_than_5_s": sum(each > 5 for each in seconds),
        "back_cpu_worst": round(max(report["cpu"] for report in reports), 2),
        "rebuilt_records": records,
        "rebuild_seconds": rebuilt["seconds"],
        "rebuild_cpu_seconds": rebuilt["cpu_seconds"],
    }


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--kills", type=int, default=500)
    arguments.add_argument("--records", type=int, default=10_000)
    arguments.add_argument("--draw", type=int, default=1, help="the seed of the moments")
    args = arguments.parse_args()
    found = machine(("chromadb", "numpy", "sqlalchemy"))
    kills, records = (10, 1000) if args.quick else (args.kills, args.records)
    result = run(kills, records, args.draw)
    for name, value in result.items():
        print(f"{name:24} {value}")
    finish({**result, "machine": found}, as_json=args.json)
    bad = result["records_lost"] or result["not_found"] or result["not_well"]
    return 1 if bad or result["back_later_than_5_s"] or result["rebuild_seconds"] > 60 else 0


if __name__ == "__main__":
    sys.exit(main())
