"""The junk meter on a labelled set, and how much junk a persona's life leaves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from persona.clock import VirtualClock
from persona.junk import MOST, Ground, Junk, grounds_of, junk_of
from persona.memory import Record
from persona.parts import Parts
from persona.rehearsal import START
from persona.runner import Runner
from persona.testing.memory_suite import NOW, note

OpenTwo = Callable[..., Parts]
LABELLED = Path(__file__).parents[1] / "fixtures" / "junk.jsonl"


def labelled() -> tuple[list[Record], dict[str, Ground], dict[str, str]]:
    """Return the records of the labelled set, what they stem from, and the label of each."""
    records: list[Record] = []
    grounds: dict[str, Ground] = {}
    labels: dict[str, str] = {}
    for number, line in enumerate(LABELLED.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        age, used = timedelta(days=row["age"]), row["used"]
        record = note(row["text"], kind=row["kind"], author=row["author"], source=f"k{number}", age=age)
        record = replace(
            record,
            id=f"r{number}",
            recalled_at=None if used is None else NOW - timedelta(days=used),
            rests_on=tuple(f"r{one}" if isinstance(one, int) else one for one in row["rests"] or ()),
        )
        records.append(record)
        labels[record.id] = row["label"]
        if row["ground"] is not False:
            grounds[record.id] = Ground(text=row["ground"], prompt=row["prompt"])
    return records, grounds, labels


def test_the_meter_is_right_on_the_labelled_set() -> None:
    records, grounds, labels = labelled()
    junk = junk_of(records, grounds, NOW)
    found = {record.id: sort for sort, sorted_out in junk.found.items() for record in sorted_out}
    wrong = [
        (labels[r.id], found.get(r.id, "good"), r.text) for r in records if labels[r.id] != found.get(r.id, "good")
    ]
    assert len(wrong) <= 0.05 * len(records), wrong
    for sort, count in Counter(labels.values()).items():
        assert sum(label == sort for label, _, _ in wrong) <= 0.2 * count, (sort, wrong)


def test_shares_add_up() -> None:
    records, grounds, _ = labelled()
    junk = junk_of(records, grounds, NOW)
    assert junk.records == len(records)
    assert abs(junk.share() - junk.harmful - junk.share("unused")) < 1e-9
    assert junk_of([], {}, NOW).share() == 0


def of_life(parts: Parts, handle: str) -> Junk:
    every = parts.memory.list(handle, limit=100_000, state="all")
    persona = parts.definition.persona(handle)
    grounds = grounds_of(parts.store, persona, every)
    return junk_of([r for r in every if r.within("valid")], grounds, parts.clock.now())


def test_a_life_leaves_hardly_any_junk_and_what_is_planted_is_found(open_two: OpenTwo) -> None:
    parts = open_two()
    assert isinstance(parts.clock, VirtualClock)
    runner = Runner(parts)
    runner.start(START)
    for half_hour in range(48 * 3):
        parts.clock.set(START + timedelta(minutes=30) * half_hour)
        runner.tick(parts.clock.now())
    clean = of_life(parts, "tova_slow")
    assert clean.records >= 6
    assert clean.harmful <= MOST, clean.found
    now = parts.clock.now()
    planted = replace(note("Nobody ever said this.", persona="tova_slow", kind="told", author="kim"), at=now)
    parts.memory.remember([planted], None)
    assert [r.id for r in of_life(parts, "tova_slow").found["invented"]] == [planted.id]
