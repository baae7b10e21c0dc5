"""The verdict: what was lost, doubled, late, early, unlabelled or never planned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from .records import Planned, Seen

Kind = Literal["lost", "doubled", "late", "early", "unlabelled", "unplanned", "unexplained"]
KINDS: tuple[Kind, ...] = ("lost", "doubled", "late", "early", "unlabelled", "unplanned", "unexplained")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, about one key (or a text, where the post has no key)."""

    kind: Kind
    key: str
    account: str
    detail: str


@dataclass(frozen=True)
class Verdict:
    """All faults, and how much was judged. `parked` counts planned posts that a person has been handed instead."""

    planned: int
    seen: int
    parked: int
    faults: tuple[Fault, ...]
    lateness: Sequence[float] = field(default=(), repr=False)
    """seconds after the due time of every planned post that is out, sorted"""

    def counts(self) -> dict[str, int]:
        """Return how many faults there are of each kind, zeros included."""
        found = Counter(fault.kind for fault in self.faults)
        return {kind: found[kind] for kind in KINDS}


def judge(
    plan: Sequence[Planned],
    log: Sequence[Seen],
    *,
    until: datetime | None = None,
    late: float = 60.0,
    early: float = 1.0,
    parked: Mapping[str, str] | None = None,
) -> Verdict:
    """Compare `log` with `plan`.

    What is due after `until` may be missing. A planned post that is out twice or more counts as doubled once per
    copy. A post that nobody planned is doubled where its account has said the same text before, else unplanned. A
    planned post that is missing is lost, unless its key is in `parked` with a reason.
    """
    parked = parked or {}
    faults: list[Fault] = []
    lateness: list[float] = []
    by_key: dict[str, list[Seen]] = defaultdict(list)
    known = {entry.key for entry in plan}
    said: dict[str, set[str]] = defaultdict(set)
    for seen in sorted(log, key=lambda seen: seen.at):
        if seen.key in known:
            by_key[seen.key].append(seen)
        elif seen.text in said[seen.account]:
            faults.append(Fault("doubled", seen.key or seen.text, seen.account, f"the same text again at {seen.at}"))
        else:
            faults.append(Fault("unplanned", seen.key or seen.text, seen.account, f"nobody planned it; at {seen.at}"))
        said[seen.account].add(seen.text)
    handed_on = 0
    for entry in _distinct(plan):
        copies = by_key[entry.key]
        if not copies:
            if entry.key in parked:
                handed_on += 1
                if not parked[entry.key].strip():
                    faults.append(Fault("unexplained", entry.key, entry.account, "parked without a reason"))
            elif until is None or entry.due <= until:
                faults.append(Fault("lost", entry.key, entry.account, f"due at {entry.due}, never seen"))
            continue
        first = copies[0]
        behind = (first.at - entry.due).total_seconds()
        lateness.append(max(behind, 0.0))
        most = late if entry.late is None else entry.late
        if behind > most:
            faults.append(Fault("late", entry.key, entry.account, f"{timedelta(seconds=behind)} after it was due"))
        if -behind > early:
            faults.append(Fault("early", entry.key, entry.account, f"{timedelta(seconds=-behind)} before it was due"))
        for copy in copies[1:]:
            faults.append(Fault("doubled", entry.key, entry.account, f"again at {copy.at}, first at {first.at}"))
        for copy in copies:
            missing = [label for label in entry.labels if label not in copy.text.split()]
            if missing:
                faults.append(Fault("unlabelled", entry.key, entry.account, f"without {', '.join(missing)}"))
            if copy.account != entry.account:
                faults.append(Fault("unplanned", entry.key, copy.account, f"planned for {entry.account}"))
    return Verdict(len(known), len(log), handed_on, tuple(faults), tuple(sorted(lateness)))


def _distinct(plan: Sequence[Planned]) -> list[Planned]:
    """Return the plan with each key once: a plan written twice wants a post once."""
    return list({entry.key: entry for entry in plan}.values())
