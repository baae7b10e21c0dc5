"""How fast memories take in and find again, what they weigh, and how fast texts are embedded.

`python -m benchmarks.memory_speed`. Every store is filled and asked in a process of its own. Questions ask for the
ten best of one persona, with texts; the model's time is not in them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._report import finish, machine, parser, table

LOADS = {"1,000 x 100": (1000, 100), "10 x 10,000": (10, 10000)}
QUICK = {"64 x 100": (64, 100), "2 x 2,000": (2, 2000)}


def spread(work: Callable[[int], object], count: int) -> dict[str, float]:
    """Return milliseconds of `work(0)`, `work(1)` and so on, by the clock and of the CPU."""
    wall, cpu = [], []
    for i in range(count):
        start, busy = time.perf_counter(), time.process_time()
        work(i)
        wall.append((time.perf_counter() - start) * 1e3)
        cpu.append((time.process_time() - busy) * 1e3)
    return {
        "p50_ms": round(float(np.percentile(wall, 50)), 3),
        "p95_ms": round(float(np.percentile(wall, 95)), 3),
        "p50_cpu_ms": round(float(np.percentile(cpu, 50)), 3),
    }


def resident() -> float:
    """Return the RAM of this process that is not shared with files, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def store(name: str, personas: int, each: int, count: int) -> dict[str, Any]:
    """Fill one store and ask it; return its figures."""
    from benchmarks._speed_stores import STORES, Load, Ours

    load = Load(personas, each)
    with tempfile.TemporaryDirectory() as folder:
        kept = STORES[name](load, Path(folder))
        before, busy, start = resident(), time.process_time(), time.perf_counter()
        kept.fill()
        busy, wall = time.process_time() - busy, time.perf_counter() - start
        result: dict[str, Any] = {
            "ingest_per_s": round(len(load.texts) / wall),
            "ingest_per_cpu_s": round(len(load.texts) / max(busy, 1e-9)),
        }
        result["first_recall"] = spread(lambda i: kept.ask(i), min(count, personas, 64))
        for i in range(len(load.who)):
            kept.ask(i)
        if isinstance(kept, Ours):
            for persona in range(personas):
                kept.memory._shelves.get(load.name(persona))
        result["recall"] = spread(kept.ask, count)
        result["ram_mb"] = round(resident() - before, 1)
        result["open_files"] = len(os.listdir("/proc/self/fd"))
        if isinstance(kept, Ours):
            result["shelves_mb"] = round(kept.memory._shelves.nbytes / 1e6, 1)
            kept.memory._shelves.clear()
            result["idle"] = spread(kept.ask, min(count, personas))
            result["remember_one"] = spread(kept.one_more, count)
        result["disk_mb"] = round(sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) / 1e6, 1)
        kept.close()
    return result


def embedding(count: int) -> dict[str, Any]:
    """Hold the packaged model's forward pass against sentence-transformers' own encode, on the same texts."""
    from benchmarks._speed_stores import Load
    from persona_memory import MiniLM
    from persona_memory.minilm import packaged

    texts = [" ".join(text.split()[: 4 + i % 9]) for i, text in enumerate(Load(1, count).texts)]
    model = MiniLM()
    model.embed(texts[:8])
    busy = time.process_time()
    ours = model.embed(texts)
    spent = time.process_time() - busy
    result: dict[str, Any] = {"texts": count, "ours_per_cpu_s": round(count / spent, 1)}
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return result | {"not_run": "pip install sentence-transformers"}
    theirs = SentenceTransformer(str(packaged()), device="cpu")
    theirs.encode(texts[:8])
    busy = time.process_time()
    wanted = np.asarray(theirs.encode(texts, normalize_embeddings=True))
    other = time.process_time() - busy
    result |= {"sentence_transformers_per_cpu_s": round(count / other, 1), "ratio": round(other / spent, 2)}
    return result | {"worst_cosine": round(float((ours * wanted).sum(1).min()), 6)}


def apart(arguments: Sequence[str]) -> dict[str, Any]:
    """Run a part of this benchmark in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory_speed", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"not_run": (done.stderr.strip().splitlines() or ["it was killed"])[-1][:200]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--part", nargs="+", help="one store, personas, records each, questions; for own use")
    options = arguments.parse_args()
    if options.part:
        name, *numbers = options.part
        print(json.dumps(embedding(int(numbers[0])) if name == "embedding" else store(name, *map(int, numbers))))
        return
    from benchmarks._speed_stores import STORES

    report: dict[str, Any] = {"machine": machine(["chromadb", "numpy", "sqlalchemy", "torch", "sentence-transformers"])}
    count = 100 if options.quick else 400
    for title, (personas, each) in (QUICK if options.quick else LOADS).items():
        found = {name: apart(["--part", name, str(personas), str(each), str(count)]) for name in STORES}
        report[title] = found
        print(f"\n{title} records")
        print(table([_line(name, one) for name, one in found.items() if "not_run" not in one]))
        for name, one in found.items():
            if "not_run" in one:
                print(f"not run: {name}: {one['not_run']}")
    report["embedding"] = apart(["--part", "embedding", "64" if options.quick else "400"])
    print(f"\nembedding: {report['embedding']}")
    finish(report, as_json=options.json)


def _line(name: str, one: dict[str, Any]) -> dict[str, Any]:
    return {
        "store": name,
        "p50 ms": one["recall"]["p50_ms"],
        "p95 ms": one["recall"]["p95_ms"],
        "CPU p50": one["recall"]["p50_cpu_ms"],
        "idle CPU": one.get("idle", one["first_recall"])["p50_cpu_ms"],
        "in /s": one["ingest_per_s"],
        "in /CPU s": one["ingest_per_cpu_s"],
        "one more": one.get("remember_one", {}).get("p50_ms", ""),
        "its CPU": one.get("remember_one", {}).get("p50_cpu_ms", ""),
        "RAM MB": one["ram_mb"],
        "disk MB": one["disk_mb"],
        "files": one["open_files"],
    }


if __name__ == "__main__":
    main()
