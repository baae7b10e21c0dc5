"""What memories find: evidence recall at 5 and 10, side by side on the same vectors.

`python -m benchmarks.memory_recall --data PATH`, where PATH is a file or folder of LoCoMo conversations (JSON) or of
persona files (JSON lines). The weights that `persona_memory` has by default are compared with weights chosen on all
other conversations, so that it can be seen how much they owe to the one they are tried on.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._recall_data import Talk, talks_of
from benchmarks._recall_systems import NEEDS, SYSTEMS, TOP, Vectors
from benchmarks._report import finish, machine, parser, table
from persona.memory import Query, Record
from persona.recall import Scoring, grid, rounded
from persona.shelf import Shelf

GRID = {"words": (0.5, 0.7, 1.0), "neighbours": (0.3, 0.45, 0.6), "time": (2.5, 3.5, 5.0)}
OURS = "persona_memory"
CHOSEN = "persona_memory, weights of the others"


class Marks:
    """Recall of one system, question by question."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, float, float]] = []
        """(talk, type of question, recall at 5, recall at 10)"""
        self.seconds = 0.0

    def mark(self, talk: Talk, kind: str, evidence: frozenset[str], found: Sequence[str]) -> None:
        at5, at10 = (len(evidence.intersection(found[:k])) / len(evidence) for k in (5, TOP))
        self.rows.append((talk.name, kind, at5, at10))

    def mean(self, kind: str | None = None) -> tuple[float, float]:
        rows = np.array([row[2:] for row in self.rows if kind in (None, row[1])])
        return round(float(rows[:, 0].mean()), 4), round(float(rows[:, 1].mean()), 4)


def run(talks: Sequence[Talk], vectors: Vectors) -> tuple[dict[str, Marks], dict[str, str]]:
    """Ask every system every question; return their marks, and why a system did not run."""
    marks: dict[str, Marks] = {}
    missing: dict[str, str] = {}
    for name, make in SYSTEMS.items():
        marks[name] = Marks()
        for talk in talks:
            with ExitStack() as done:
                try:
                    ask = make(talk, vectors, done)
                    ask(talk.questions[0].text)
                except Exception as error:
                    lacking = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
                    cure = f"; pip install {NEEDS.get(lacking, lacking)}" if lacking else ""
                    missing[name] = f"{type(error).__name__}: {str(error)[:200]}{cure}"
                    break
                start = time.process_time()
                answers = [ask(question.text) for question in talk.questions]
                marks[name].seconds += time.process_time() - start
            for question, found in zip(talk.questions, answers, strict=True):
                marks[name].mark(talk, question.kind, question.evidence, found)
        if name in missing:
            del marks[name]
    return marks, missing


def left_out(talks: Sequence[Talk], vectors: Vectors) -> tuple[Marks, dict[str, dict[str, Any]]]:
    """Choose weights for each talk on all others; return the marks with them, and the weights."""
    weights: list[dict[str, Any]] = [
        dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())
    ]
    tried = [[_with(talk, vectors, Scoring(**one)) for one in weights] for talk in talks]
    marks = Marks()
    chosen: dict[str, dict[str, Any]] = {}
    for i, talk in enumerate(talks):
        others = [row for j, row in enumerate(tried) if j != i]
        sums = [sum(sum(row[w].mean()) for row in others) for w in range(len(weights))]
        best = int(np.argmax(sums))
        chosen[talk.name] = weights[best]
        marks.rows += tried[i][best].rows
    return marks, chosen


def _with(talk: Talk, vectors: Vectors, scoring: Scoring) -> Marks:
    records = [
        Record(
            id=turn.id, persona="ida", kind="post", text=turn.text, at=turn.at, author=turn.author, source=turn.id,
            channel="talk", extra={"thread": turn.thread},
        )
        for turn in talk.turns
    ]  # fmt: skip
    shelf = Shelf(records, np.array([vectors[turn.text] for turn in talk.turns]))
    marks = Marks()
    for question in talk.questions:
        query = Query(persona="ida", text=question.text, now=talk.now, limit=TOP)
        found = shelf.answer(query, grid(vectors[question.text]), scoring)
        marks.mark(talk, question.kind, question.evidence, [one.record.id for one in found])
    return marks


def difference(ours: Marks, other: Marks) -> list[float]:
    """Return the 95 % interval of how much more of recall at 10 `ours` has (bootstrap over questions)."""
    gains = np.array([a[3] - b[3] for a, b in zip(ours.rows, other.rows, strict=True)])
    means = np.random.default_rng(1).choice(gains, (2000, len(gains))).mean(axis=1)
    return [round(float(value), 4) for value in np.quantile(means, (0.025, 0.975))]


def measure(talks: list[Talk]) -> dict[str, Any]:
    """Return all figures for these talks."""
    from persona_memory import MiniLM

    texts = sorted({t.text for talk in talks for t in talk.turns} | {q.text for talk in talks for q in talk.questions})
    vectors = dict(zip(texts, rounded(MiniLM().embed(texts)), strict=True))
    marks, missing = run(talks, vectors)
    chosen: dict[str, dict[str, Any]] = {}
    if len(talks) > 1:
        marks[CHOSEN], chosen = left_out(talks, vectors)
    kinds = sorted({question.kind for talk in talks for question in talk.questions})
    count = sum(len(talk.questions) for talk in talks)
    systems = {}
    for name, one in marks.items():
        systems[name] = {
            "recall_at_5": one.mean()[0],
            "recall_at_10": one.mean()[1],
            "cpu_ms_per_question": round(one.seconds * 1e3 / count, 3) if one.seconds else None,
            "by_type": {kind: one.mean(kind) for kind in kinds},
        }
    others = [name for name in marks if not name.startswith(OURS)]
    best = max(others, key=lambda name: marks[name].mean()[1])
    return {
        "talks": len(talks),
        "turns": sum(len(talk.turns) for talk in talks),
        "questions": {kind: sum(q.kind == kind for t in talks for q in t.questions) for kind in kinds},
        "systems": systems,
        "not_run": missing,
        "best_other": best,
        "gain_at_10_over_best_other": difference(marks[OURS], marks[best]),
        "chosen_weights": chosen,
    }


def show(report: dict[str, Any]) -> None:
    rows = []
    for name, one in report["systems"].items():
        row = {"memory": name, "@5": f"{one['recall_at_5']:.3f}", "@10": f"{one['recall_at_10']:.3f}"}
        row |= {kind: f"{at5:.3f} {at10:.3f}" for kind, (at5, at10) in one["by_type"].items()}
        rows.append(row | {"CPU ms": one["cpu_ms_per_question"] or ""})
    print(f"{report['talks']} memories, {report['turns']} records, questions {report['questions']}")
    print(table(rows))
    low, high = report["gain_at_10_over_best_other"]
    print(f"recall at 10 over {report['best_other']}: +{low:.3f} to +{high:.3f} (95 %)")
    for name, why in report["not_run"].items():
        print(f"not run: {name}: {why}")
    for name, weights in report["chosen_weights"].items():
        print(f"weights chosen without {name}: {weights}")


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, required=True, action="append", help="may be given more than once")
    options = arguments.parse_args()
    report: dict[str, Any] = {
        "machine": machine(
            ["chromadb", "langchain-chroma", "bm25s", "mem0ai", "langmem", "langgraph", "numpy", "torch"]
        )
    }
    for path in options.data:
        talks = talks_of(path)
        if options.quick:
            talks = [
                Talk(name=t.name, turns=t.turns, questions=t.questions[:: max(len(t.questions) // 40, 1)], now=t.now)
                for t in talks[:2]
            ]
        # Conversations and callbacks are asked apart: their weights and their means have nothing in common.
        for group in ("conversations", "callbacks"):
            some = [t for t in talks if (t.questions[0].kind == "callback") == (group == "callbacks")]
            if some:
                print(f"\n{path}: {group}")
                report[f"{path}: {group}"] = found = measure(some)
                show(found)
    finish(report, as_json=options.json)


if __name__ == "__main__":
    main()
