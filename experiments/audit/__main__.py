"""`python -m experiments.audit PLAN LOG [--parked FILE] [--until INSTANT] [--late SECONDS] [--json]`

Exit code 0: nothing is wrong. 1: something is lost, doubled, late, early, unlabelled, unplanned or parked without a
reason. 2: a file cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

from .judge import judge
from .records import Unreadable, read_log, read_parked, read_plan


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.audit", description="Judges a network's log by a plan."
    )
    parser.add_argument("plan", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--parked", type=Path, help="what the sender has handed to a person, with reasons")
    parser.add_argument("--until", type=datetime.fromisoformat, help="what is due later may be missing")
    parser.add_argument("--late", type=float, default=60.0, help="seconds that a post may be late (60)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        parked = read_parked(args.parked) if args.parked else {}
        verdict = judge(read_plan(args.plan), read_log(args.log), until=args.until, late=args.late, parked=parked)
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 2
    for fault in verdict.faults:
        print(f"{fault.kind}: {fault.account} {fault.key}: {fault.detail}")
    late = verdict.lateness
    report = {
        "planned": verdict.planned,
        "seen": verdict.seen,
        "parked": verdict.parked,
        **verdict.counts(),
        "late_p50_s": round(late[len(late) // 2], 1) if late else 0.0,
        "late_max_s": round(late[-1], 1) if late else 0.0,
    }
    print(", ".join(f"{name} {value}" for name, value in report.items()))
    if args.json:
        print(json.dumps(report | {"faults": [vars(fault) for fault in verdict.faults]}))
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
