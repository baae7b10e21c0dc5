"""Lets the auditor, as the program that it is, judge a run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from experiments._world import key_of
from persona.store import OutboxRow, SlotRow, reading

PARKED = ("unknown", "failed", "expired", "held", "rejected")


def judged(
    folder: Path,
    plan: Iterable[Mapping[str, Any]],
    log: Iterable[Mapping[str, Any]],
    parked: Iterable[Mapping[str, Any]] = (),
    *,
    late: timedelta,
) -> dict[str, Any]:
    """Return the auditor's report on these rows; the files that it read are left in `folder`."""
    words = [sys.executable, "-m", "experiments.audit"]
    rows = {"plan": list(plan), "judged": list(log), "parked": list(parked)}
    for name, each in rows.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row, default=str) + "\n" for row in each))
    words += [str(folder / "plan.jsonl"), str(folder / "judged.jsonl"), "--parked", str(folder / "parked.jsonl")]
    words += ["--late", str(late.total_seconds()), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    report["faults"] = report["faults"][:5]
    due = {row["key"] for row in rows["plan"]}
    reasons: dict[str, int] = {}
    for row in rows["parked"]:
        if row["key"] in due:
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    report["reasons"] = dict(sorted(reasons.items(), key=lambda item: -item[1])[:5])
    return report


def handed_on(store: Engine, channel: str = "wire") -> list[dict[str, str]]:
    """Return what the sender tells of texts that did not go out, as the auditor reads it: key and reason."""
    with reading(store) as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.state.in_(PARKED))).all()
        found = [{"key": row.key, "reason": f"{row.state}: {'; '.join(map(str, row.reasons))}"} for row in rows]
        skipped = session.scalars(select(SlotRow).where(SlotRow.state == "skipped")).all()
        found += [
            {"key": key_of(slot.persona, slot.name, slot.local_date, channel), "reason": f"skipped: {slot.note}"}
            for slot in skipped
        ]
    return found
