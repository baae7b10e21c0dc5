"""Four processes started on one folder: one works, the others are refused; after its death another takes over.

`python -m experiments.owners [--processes 4] [--rounds 5] [--quick] [--json]`
Each is `persona run` as a user starts it. A refusal is timed from the start of the process to its end, a takeover
from the kill -9 of the owner until the next one says that it is live, its start included.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from experiments._cli import finish, parser

ROOT = Path(__file__).parents[1]
LIVE = "personas are live"


def start(args: argparse.Namespace, folder: Path) -> subprocess.Popen[str]:
    """Start `persona run` on the folder."""
    words = ["--file", str(args.file), "--data", str(folder), "run", "--every", "1", "--log-level", "info"]
    return subprocess.Popen(
        [sys.executable, "-m", "persona.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def watched(process: subprocess.Popen[str], began: float, ends: dict[int, tuple[float, int]]) -> threading.Thread:
    """Note when the process ends, and with what code, while others go on."""

    def wait() -> None:
        code = process.wait()
        ends[process.pid] = (time.perf_counter() - began, code)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def until_live(process: subprocess.Popen[str], began: float, limit: float = 120) -> float | None:
    """Return the seconds from `began` until the process says that it is live, None if it ends before."""
    assert process.stdout is not None
    for line in process.stdout:
        if LIVE in line:
            return time.perf_counter() - began
        if time.perf_counter() - began > limit:
            break
    return None


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Start them all at once, kill the one that works, start them again."""
    refused: list[float] = []
    takeovers: list[float] = []
    owners: list[int] = []
    codes: list[int] = []
    with tempfile.TemporaryDirectory(prefix="persona-owners-") as name:
        folder = Path(name) / "data"
        killed_at: float | None = None
        for _ in range(args.rounds + 1):
            began = time.perf_counter()
            processes = [start(args, folder) for _ in range(args.processes)]
            ends: dict[int, tuple[float, int]] = {}
            threads = [watched(process, began, ends) for process in processes]
            while len(ends) < args.processes - 1 and time.perf_counter() - began < 60:
                time.sleep(0.02)
            alive = [process for process in processes if process.poll() is None]
            owners.append(len(alive))
            refused += [seconds for seconds, _ in ends.values()]
            codes += [code for _, code in ends.values()]
            live = [until_live(process, killed_at or began) for process in alive]
            if killed_at is not None:
                takeovers += [seconds for seconds in live if seconds is not None]
            killed_at = time.perf_counter()
            for process in alive:
                os.kill(process.pid, signal.SIGKILL)
            for process, thread in zip(processes, threads, strict=True):
                process.wait()
                thread.join()
                assert process.stdout is not None
                process.stdout.close()
    return {
        "rounds": args.rounds + 1,
        "processes": args.processes,
        "owners_in_each_round": sorted(set(owners)),
        "refused": len(refused),
        "refused_codes": sorted(set(codes)),
        "refused_longest_s": round(max(refused, default=0.0), 2),
        "takeovers": len(takeovers),
        "takeover_longest_s": round(max(takeovers, default=0.0), 2),
    }


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--processes", type=int, default=4)
    arguments.add_argument("--rounds", type=int, default=5, help="kills of the owner")
    arguments.add_argument("--file", type=Path, default=ROOT / "personas.yaml")
    args = arguments.parse_args(argv)
    if args.quick:
        args.rounds = 1
    found = measure(args)
    one = found["owners_in_each_round"] == [1] and found["refused_codes"] == [3]
    timely = found["refused_longest_s"] < 2 and found["takeover_longest_s"] < 35
    return finish(found, args, ok=one and timely and found["takeovers"] == args.rounds)


if __name__ == "__main__":
    sys.exit(main())
