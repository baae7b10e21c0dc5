"""Is the auditor to be trusted? Plants faults of every kind in clean logs and counts how many it finds.

`python -m experiments.auditor [--faults 50] [--posts 2000] [--clean 20] [--seed 1] [--quick] [--json]`
The auditor runs as the program that it is, on files.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from experiments._cli import finish, parser

START = datetime(2026, 3, 2, tzinfo=UTC)
FAULTS = (
    "lost",
    "doubled",
    "doubled_keyless",
    "late",
    "early",
    "unlabelled",
    "unplanned",
    "other_account",
    "unexplained",
)
FOUND_AS = {"doubled_keyless": "doubled", "other_account": "unplanned"}
Row = dict[str, Any]


def clean(random: random.Random, posts: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Return a plan, a log and a list of parked keys in which nothing is wrong: some posts are a little late."""
    plan, log, parked = [], [], []
    for number in range(posts):
        account = f"persona{random.randrange(8)}"
        due = START + timedelta(minutes=7 * number)
        labels = ["#AI"] if random.random() < 0.8 else ["#AI", "#ad"]
        key = f"key-{number:06d}"
        plan.append({"key": key, "account": account, "due": due.isoformat(), "labels": labels})
        if random.random() < 0.01:
            parked.append({"key": key, "reason": "the network did not say whether it went out"})
            continue
        at = due + timedelta(seconds=random.uniform(0, 55))
        text = f"Note {number} on {random.choice(('rye', 'lamps', 'hills'))}. " + " ".join(labels)
        log.append({"at": at.isoformat(), "account": account, "text": text, "key": key, "id": str(number)})
    return plan, log, parked


def plant(random: random.Random, log: list[Row], parked: list[Row], count: int) -> list[tuple[str, str]]:
    """Plant `count` faults in place, of all kinds in turn, each on a post of its own; return (kind, key) of each."""
    planted = []
    for row, number in zip(random.sample(log, count), range(count), strict=True):
        kind, at = FAULTS[number % len(FAULTS)], datetime.fromisoformat(row["at"])
        about = row["key"]
        if kind == "lost":
            log.remove(row)
        elif kind == "doubled":
            log.append(row | {"at": (at + timedelta(seconds=random.uniform(0.001, 90000))).isoformat(), "id": "again"})
        elif kind == "doubled_keyless":
            log.append(row | {"at": (at + timedelta(seconds=30)).isoformat(), "key": ""})
            about = row["text"]
        elif kind == "late":
            row["at"] = (at + timedelta(seconds=random.uniform(61, 9000))).isoformat()
        elif kind == "early":
            row["at"] = (at - timedelta(seconds=random.uniform(60, 9000))).isoformat()
        elif kind == "unlabelled":
            row["text"] = row["text"].replace(" #AI", random.choice(("", " #AIR", "#AI")))
        elif kind == "unplanned":
            about = f"stray-{number}"
            log.append(row | {"key": about, "text": f"Never planned, number {number}. #AI"})
        elif kind == "other_account":
            row["account"] = "stranger"
        else:
            log.remove(row)
            parked.append({"key": about, "reason": " "})
        planted.append((FOUND_AS.get(kind, kind), about))
    random.shuffle(log)
    return planted


def audit(folder: Path, plan: list[Row], log: list[Row], parked: list[Row]) -> tuple[int, set[tuple[str, str]]]:
    """Run the auditor on these; return its exit code and the (kind, key) of every fault it reports."""
    for name, rows in (("plan", plan), ("log", log), ("parked", parked)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [sys.executable, "-m", "experiments.audit", "plan.jsonl", "log.jsonl", "--parked", "parked.jsonl", "--json"]
    words[3:5] = [str(folder / "plan.jsonl"), str(folder / "log.jsonl")]
    words[6] = str(folder / "parked.jsonl")
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    report = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, {(fault["kind"], fault["key"]) for fault in report["faults"]}


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--faults", type=int, default=50)
    arguments.add_argument("--posts", type=int, default=2000)
    arguments.add_argument("--clean", type=int, default=20, help="clean logs, to count false alarms in")
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args(argv)
    if args.quick:
        args.posts, args.clean = 300, 2
    report = measure(args)
    return finish(report, args, ok=report["found"] == report["planted"] and not report["false_alarms"])


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return how many planted faults were found, and how many faults were reported where there are none."""
    draw, false_alarms, refused = random.Random(args.seed), 0, 0
    with tempfile.TemporaryDirectory(prefix="persona-audit-") as folder:
        for _ in range(args.clean):
            code, reported = audit(Path(folder), *clean(draw, args.posts))
            false_alarms += len(reported)
            refused += code != 0
        plan, log, parked = clean(draw, args.posts)
        planted = set(plant(draw, log, parked, args.faults))
        code, reported = audit(Path(folder), plan, log, parked)
    return {
        "planted": len(planted),
        "found": len(planted & reported),
        "missed": sorted(planted - reported),
        "beside": len(reported - planted),
        "exit_code": code,
        "clean_logs": args.clean,
        "clean_posts": args.clean * args.posts,
        "false_alarms": false_alarms + refused,
    }


if __name__ == "__main__":
    sys.exit(main())
