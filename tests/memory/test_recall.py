"""How records are scored."""

from __future__ import annotations

import math
import random
import statistics
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from persona.lexical import terms
from persona.memory import KINDS, Query, Record, record_id
from persona.recall import Scoring, cosine, grid, rounded
from persona.shelf import Shelf
from persona.testing.memory_suite import ask
from persona.times import span_of

NOW = datetime(2026, 3, 20, tzinfo=UTC)


def unit(count: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, 384))
    return rounded((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))


def test_cosine_is_the_same_however_it_is_summed() -> None:
    rows = grid(unit(500))
    whole = cosine(rows, rows[7])
    assert np.array_equal(whole, [cosine(rows[i : i + 1], rows[7])[0] for i in range(500)])
    assert np.array_equal(whole, cosine(np.ascontiguousarray(rows[:, ::-1]), rows[7][::-1].copy()))
    assert np.array_equal(rounded(rounded(unit(5))), unit(5))


def scored_by_hand(
    query: Query, records: list[Record], vectors: NDArray[np.float64], vector: NDArray[np.float64], scoring: Scoring
) -> dict[str, float]:
    """Return the score of every record, by the formula of docs/memory.md, without columns, postings or samples."""
    span, asked = span_of(query.text, query.now), terms(query.text)
    bags = [terms(f"{r.author} {r.text}") for r in records]
    mean_length = sum(bag.total() for bag in bags) / len(bags)
    words = []
    for bag in bags:
        score = 0.0
        for term in sorted(asked):
            having = sum(term in other for other in bags)
            rarity = math.log(1 + (len(bags) - having + 0.5) / (having + 0.5))
            score += rarity * bag[term] * 1.9 / (bag[term] + 0.9 * (0.6 + 0.4 * bag.total() / mean_length))
        words.append(score)
    meaning = [float(row @ vector) / 1e12 for row in vectors]

    def standard(values: list[float]) -> list[float]:
        spread = statistics.pstdev(values)
        return [(v - statistics.fmean(values)) / spread if spread > 1e-12 else 0.0 for v in values]

    base = [scoring.relevance * m + scoring.words * w for m, w in zip(standard(meaning), standard(words), strict=True)]
    result = {}
    for i, record in enumerate(records):
        total = base[i]
        if thread := record.extra.get("thread"):
            turns = sorted(
                (j for j, r in enumerate(records) if (r.channel, r.extra.get("thread")) == (record.channel, thread)),
                key=lambda j: (records[j].at, records[j].id),
            )
            for step in range(1, 5):
                for place in (turns.index(i) - step, turns.index(i) + step):
                    total += scoring.neighbours**step * base[turns[place]] if 0 <= place < len(turns) else 0.0
        ages = [query.now - record.at, query.now - (record.recalled_at or record.at)]
        total += scoring.recency * sum(0.5 ** (max(age, timedelta(0)) / scoring.half_life) for age in ages) / 2
        total += scoring.importance * record.importance
        if span:
            away = max(span.start - record.at, record.at - (span.end - timedelta(microseconds=1)), timedelta(0))
            total += scoring.time * 0.5 ** (away / timedelta(days=2))
        factor = record.trust * scoring.kinds.get(record.kind, 1.0)
        result[record.id] = min((0.5 + 0.5 * total / (4 + abs(total))) * factor, 1.0)
    return result


def test_the_score_is_what_the_formula_says() -> None:
    rng = random.Random(3)
    words = ["rye", "oven", "canal", "frost", "bicycle", "dawn", "market", "ravi", "kim", "seed", "QX-12", "QX-13"]
    records = [
        Record(
            id=f"{rng.random():.9f}", persona="ida", kind=rng.choice(KINDS), author=rng.choice(["kim", "ida"]),
            text=" ".join(rng.choices(words, k=rng.randint(1, 8))), at=NOW - timedelta(hours=rng.randrange(900)),
            source=str(i), importance=rng.random(), trust=rng.choice([0.6, 1.0]), channel=rng.choice("ab"),
            extra={"thread": rng.choice("xyz")} if rng.random() < 0.7 else {},
            recalled_at=NOW - timedelta(hours=3) if rng.random() < 0.3 else None,
        )
        for i in range(90)
    ]  # fmt: skip
    stored = unit(91)
    scoring = Scoring(kinds={"promise": 1.3}, half_life=timedelta(days=3))
    for text in ("", "kim at the oven", "QX-12 last week", "rye in march"):
        query = Query(persona="ida", text=text, now=NOW, limit=90)
        expected = scored_by_hand(query, records, grid(stored[:90]), grid(stored)[90], scoring)
        found = Shelf(records, stored[:90]).answer(query, grid(stored)[90], scoring)
        assert len(found) == 90
        assert {r.record.id: r.score for r in found} == pytest.approx(expected, abs=2e-6)
        assert [r.record.id for r in found] == sorted(expected, key=lambda i: (-round(expected[i], 5), i)) or [
            r.score for r in found
        ] == sorted((r.score for r in found), reverse=True)


def test_weights_may_be_nothing() -> None:
    records = [Record(id=i, persona="ida", kind="post", text="rye", at=NOW, author="ida", source=i) for i in "ab"]
    stored = unit(2)
    nothing = Scoring(relevance=0, words=0, neighbours=0, time=0, recency=0, importance=0, half_life=timedelta(0))
    found = Shelf(records, stored).answer(ask("rye today"), grid(stored)[0], nothing)
    assert [(r.record.id, r.score) for r in found] == [("a", 0.5), ("b", 0.5)]
    assert Shelf(records, stored).answer(ask("rye", limit=0), grid(stored)[0], nothing) == []


def test_a_large_shelf_is_ordered_as_a_small_one() -> None:
    """Only the best are sorted at first; near repetitions make it look further."""
    stored = unit(40)
    vectors = np.concatenate([np.repeat(stored[:1], 3000, axis=0), stored])
    records = [
        Record(id=f"{i:05d}", persona="ida", kind="post", text="rye", at=NOW, author="ida", source=str(i))
        for i in range(len(vectors))
    ]
    found = Shelf(records, vectors).answer(ask("rye", limit=9), grid(stored)[0], Scoring())
    assert found[0].record.id == "00000"
    assert len({r.record.id for r in found}) == 9
    assert all(r.record.id >= "03001" for r in found[1:])


def test_record_ids_tell_apart_what_is_not_the_same() -> None:
    base = {"persona": "ida", "author": "ravi", "text": "hello"}
    told = {record_id(kind="told", source=source, **base) for source in ("e1", "e2")}
    posted = {record_id(kind="post", source=source, **base) for source in ("k1", "k2")}
    assert (len(told), len(posted), len(told | posted)) == (1, 2, 3)
    assert record_id(kind="told", source="e1", **{**base, "author": "kim"}) not in told
