"""Kill a rehearsal at random moments, go on each time, and compare the log with that of a run left alone.

`python -m experiments.rehearsal_kill [--kills 10] [--days 7] [--model pocket] [--quick] [--json]`
Full size is a week of the repository's personas with the real writer; --quick is a day with the echo model.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine, text


def _command(args: argparse.Namespace, folder: Path, *words: str) -> list[str]:
    module = "experiments._echo" if args.model == "echo" else "persona.cli"
    common = ["--file", str(args.file), "--data", str(folder)]
    return [sys.executable, "-m", module, *common, *words]


def _rehearse(args: argparse.Namespace, folder: Path) -> subprocess.Popen[bytes]:
    words = ["rehearse", "--days", str(args.days), "--seed", str(args.seed)]
    return subprocess.Popen(_command(args, folder, *words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _finish(args: argparse.Namespace, folder: Path) -> float:
    began = time.perf_counter()
    process = _rehearse(args, folder)
    _, errors = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the rehearsal ended with {process.returncode}: {errors.decode()[-2000:]}")
    return time.perf_counter() - began


def _digest(args: argparse.Namespace, folder: Path) -> str:
    words = _command(args, folder, "log", "--digest")
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def _doubles(folder: Path) -> int:
    """Return how many posts stand twice on the network, by what they answer and say."""
    engine = create_engine(f"sqlite:///{folder / 'rehearsal' / 'persona.db'}")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT count(*) - count(DISTINCT remote_id) FROM posts")).scalar_one()
    engine.dispose()
    return int(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--model", choices=("pocket", "echo"), default="pocket")
    parser.add_argument("--file", type=Path, default=Path("personas.yaml"))
    parser.add_argument("--draw", type=int, default=1, help="the seed of the moments")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.days, args.model, args.kills = 1, "echo", min(args.kills, 4)
    base = Path(tempfile.mkdtemp(prefix="persona-kill-"))
    try:
        seconds = _finish(args, base / "alone")
        again = _finish(args, base / "again")
        moments, landed = random.Random(args.draw), 0
        for _ in range(args.kills):
            process = _rehearse(args, base / "killed")
            time.sleep(moments.uniform(0.15, 0.9) * min(seconds, 2 * seconds / args.kills + 6))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                landed += 1
            process.communicate()
        _finish(args, base / "killed")
        digests = {name: _digest(args, base / name) for name in ("alone", "again", "killed")}
        result = {
            "kills": landed,
            "equal_twice": digests["alone"] == digests["again"],
            "equal_after_kills": digests["alone"] == digests["killed"],
            "doubled": _doubles(base / "killed"),
            "seconds_alone": round(seconds, 1),
            "seconds_again": round(again, 1),
            "digests": digests,
        }
    finally:
        shutil.rmtree(base, ignore_errors=True)
    for name, value in result.items():
        print(f"{name}: {value}")
    if args.json:
        print(json.dumps(result))
    return 0 if result["equal_twice"] and result["equal_after_kills"] and not result["doubled"] else 1


if __name__ == "__main__":
    sys.exit(main())
