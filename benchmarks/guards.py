"""How well the guards tell bad drafts from good ones, and how long a review takes.

python -m benchmarks.guards --data FOLDER [--json] [--quick] [--misses]

FOLDER holds claims.jsonl, experience.jsonl and identity.jsonl; those that are not there are passed over. With
`--texts FOLDER` (files of personas with texts in their voice, all of them good) the false holds on those are counted
too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from persona.channel import Limits
from persona.guard import Draft, Finding, Guard
from persona.guards import ClaimsGuard, ExperienceGuard, FactsGuard, IdentityGuard, review
from persona.testing.cards import make_card

Row = dict[str, Any]
_CARD = make_card(emoji={"max": 5})
_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Score:
    """Counts of one guard over one labelled file. A bad draft that is held or blocked is a hit."""

    hits: int = 0
    missed: int = 0
    false_holds: int = 0
    passed: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return the figures by name, rounded to three places."""
        precision = self.hits / max(1, self.hits + self.false_holds)
        recall = self.hits / max(1, self.hits + self.missed)
        figures: dict[str, Any] = {
            "drafts": self.hits + self.missed + self.false_holds + self.passed,
            "precision": round(precision, 3),
            "recall": round(recall, 3),
            "f1": round(2 * precision * recall / max(1e-9, precision + recall), 3),
            "false_holds": round(self.false_holds / max(1, self.false_holds + self.passed), 3),
        }
        if self.kinds:
            figures["recall_by_kind"] = {k: round(self.by_kind[k] / n, 3) for k, n in sorted(self.kinds.items())}
        return figures


def draft_of(body: str, *, facts: Sequence[str] = (), product: str | None = None, question: str = "") -> Draft:
    """Return a draft as the engine would hand it to the guards."""
    labels = ("#AI", "#ad") if product else ("#AI",)
    return Draft(
        persona=_CARD,
        kind="reply" if question else "post",
        channel="recording",
        body=body,
        text=f"{body}\n{' '.join(labels)}",
        labels=labels,
        limits=Limits(max_chars=2000),
        now=_NOW,
        facts=tuple(facts),
        product=product,
        question=question,
    )


def claim_draft(row: Row) -> Draft:
    """Return the draft of a row of claims.jsonl; the product's facts, offer and stock are what it may say."""
    product = row["product"]
    offer = product.get("offer") or {}
    stock = product.get("stock") or ""
    facts = [product["name"], product["price"], *product["facts"], offer.get("text") or "", offer.get("ends") or ""]
    facts.append(stock if stock != "unknown" else "")
    # The people a text answers are part of what is given to it.
    return draft_of(row["text"].removesuffix("#ad").strip(), facts=[f for f in facts if f], product=product["name"])


def experience_draft(row: Row) -> Draft:
    """Return the draft of a row of experience.jsonl."""
    return draft_of(row["text"].removesuffix("#ad").strip())


def identity_draft(row: Row) -> Draft:
    """Return the draft of a row of identity.jsonl: an answer to a question."""
    return draft_of(row["answer"], question=row["question"])


SETS: dict[str, tuple[Callable[[Row], Draft], tuple[Guard, ...]]] = {
    "claims": (claim_draft, (FactsGuard(), ClaimsGuard())),
    "experience": (experience_draft, (ExperienceGuard(),)),
    "identity": (identity_draft, (IdentityGuard(),)),
}


def read(path: Path, quick: bool) -> list[Row]:
    """Return the rows of a file of JSON lines; every fourth of them if `quick`."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return rows[::4] if quick else rows


def score(rows: Iterable[Row], make: Callable[[Row], Draft], guards: Sequence[Guard]) -> Score:
    """Return how `guards` do on labelled rows."""
    result = Score()
    for row in rows:
        draft = make(row)
        findings = [finding for guard in guards for finding in guard.look(draft)]
        kinds = {violation["kind"] for violation in row.get("violations", ())}
        result.kinds.update(kinds)
        if findings and not row["ok"]:
            result.hits += 1
            result.by_kind.update(kinds)
        elif findings:
            result.false_holds += 1
            result.errors.append(f"FALSE {row['id']} {draft.question} | {draft.body} <- {_said(findings)}")
        elif not row["ok"]:
            result.missed += 1
            cause = row.get("span") or "; ".join(v["span"] for v in row.get("violations", ()))
            result.errors.append(f"MISS  {row['id']} {draft.question} | {draft.body} <- {cause}")
        else:
            result.passed += 1
    return result


def _said(findings: Iterable[Finding]) -> str:
    return "; ".join(f"{finding.rule}: {finding.reason}" for finding in findings)


def good_texts(folder: Path, quick: bool) -> Iterator[Draft]:
    """Yield a draft for every text of the personas in `folder`; what an item gives is its facts."""
    for path in sorted(folder.glob("*.jsonl")):
        for row in read(path, quick):
            for item in row["items"]:
                product = item.get("product") or {}
                given = list(_strings({k: v for k, v in item.items() if k not in ("text", "comment")}))
                comment = item.get("comment") or {}
                question = str(comment.get("text", ""))
                author = [f"@{comment['author']}"] if comment else []
                body = item["text"].replace("#ad", "").strip()
                name = str(product.get("name", "")) or None
                yield draft_of(body, facts=[*given, *author], product=name, question=question)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (s for v in value.values() for s in _strings(v))
    elif isinstance(value, list):
        yield from (s for v in value for s in _strings(v))


def false_holds(drafts: Iterable[Draft]) -> tuple[dict[str, Any], list[str]]:
    """Return how many good texts are held, by rule, the milliseconds of a review, and the texts held."""
    rules: Counter[str] = Counter()
    held, total, errors, spent = 0, 0, [], []
    for draft in drafts:
        total += 1
        start = time.perf_counter()
        verdict = review(draft)
        spent.append(time.perf_counter() - start)
        if verdict.decision != "publish":
            held += 1
            rules.update({finding.rule for finding in verdict.findings})
            errors.append(f"HELD {draft.question} | {draft.body} <- {_said(verdict.findings)}")
    spent.sort()
    return {
        "texts": total,
        "held": round(held / max(1, total), 3),
        "held_by_rule": {rule: round(n / max(1, total), 3) for rule, n in sorted(rules.items())},
        "review_ms_median": round(1000 * spent[len(spent) // 2], 3) if spent else 0.0,
        "review_ms_p95": round(1000 * spent[int(len(spent) * 0.95)], 3) if spent else 0.0,
    }, errors


def review_speed(rounds: int) -> dict[str, float]:
    """Return the milliseconds of a whole review with 100 earlier texts to compare with."""
    recent = tuple(f"The basil number {n} leans towards window {n * 7}, and nobody asked it why." for n in range(100))
    spent = []
    for n in range(rounds):
        draft = draft_of(f"Rain on tin sounds like {n} small drums. The tomatoes keep the beat, the fern does not.")
        draft = Draft(**{**{f: getattr(draft, f) for f in draft.__dataclass_fields__}, "recent": recent})
        start = time.perf_counter()
        review(draft)
        spent.append(time.perf_counter() - start)
    spent.sort()
    return {
        "median_ms": round(1000 * spent[len(spent) // 2], 3),
        "p95_ms": round(1000 * spent[int(0.95 * len(spent))], 3),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guards", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/guards"), metavar="FOLDER")
    parser.add_argument("--texts", type=Path, metavar="FOLDER", help="personas with good texts in their voice")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--quick", action="store_true", help="every fourth row")
    parser.add_argument("--misses", action="store_true", help="print each draft that was judged wrongly")
    args = parser.parse_args(argv)
    report: dict[str, Any] = {"benchmark": "guards", "guards": {}}
    for name, (make, guards) in SETS.items():
        path = args.data / f"{name}.jsonl"
        if not path.exists():
            print(f"{path} is not there, passed over", file=sys.stderr)
            continue
        result = score(read(path, args.quick), make, guards)
        figures = report["guards"][name] = result.figures()
        print(f"{name:<11}" + "  ".join(f"{k} {v}" for k, v in figures.items() if not isinstance(v, dict)))
        if kinds := figures.get("recall_by_kind"):
            print(" " * 11 + "  ".join(f"{kind} {share}" for kind, share in kinds.items()))
        if args.misses:
            print(*result.errors, sep="\n")
    if not report["guards"]:
        print("nothing was measured: give the folder of the labelled files with --data", file=sys.stderr)
        return 2
    if args.texts:
        report["texts"], errors = false_holds(good_texts(args.texts, args.quick))
        print("good texts " + "  ".join(f"{k} {v}" for k, v in report["texts"].items()))
        if args.misses:
            print(*errors, sep="\n")
    report["review"] = review_speed(50 if args.quick else 300)
    print("review     " + "  ".join(f"{k} {v}" for k, v in report["review"].items()) + " (100 earlier texts)")
    if args.json:
        print(json.dumps(report, ensure_ascii=False, sort_keys=True))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
