"""How records are scored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from persona.memory import record_id
from persona.recall import Pool, Scoring, choose, cosine, grid, rounded

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


def test_the_score_is_made_of_its_parts() -> None:
    vectors = grid(unit(1))
    pool = Pool(ids=["a"], at=[NOW - timedelta(days=14)], importance=[0.5], trust=[0.6], vectors=vectors)
    (found,) = choose(pool, vectors[0], now=NOW, limit=3, scoring=Scoring())
    assert found.parts == pytest.approx({"relevance": 1.0, "recency": 0.25, "importance": 0.5, "trust": 0.6}, abs=1e-5)
    assert found.score == pytest.approx((0.7 + 0.2 * 0.25 + 0.1 * 0.5) * 0.6, abs=1e-5)
    assert found.score == round(found.score, 6)


def test_weights_need_not_sum_to_one_and_may_be_nothing() -> None:
    vectors = grid(unit(1))
    pool = Pool(ids=["a"], at=[NOW], importance=[1.0], trust=[1.0], vectors=vectors)
    for weight in (0.0, 0.1, 1.0):
        scoring = Scoring(relevance=weight, recency=weight, importance=weight, half_life=timedelta(0))
        (found,) = choose(pool, vectors[0], now=NOW, limit=1, scoring=scoring)
        assert found.score == pytest.approx(min(weight * 10, 1.0), abs=1e-5)
    assert choose(pool, vectors[0], now=NOW, limit=0, scoring=Scoring()) == []


def test_record_ids_tell_apart_what_is_not_the_same() -> None:
    base = {"persona": "ida", "author": "ravi", "text": "hello"}
    told = {record_id(kind="told", source=source, **base) for source in ("e1", "e2")}
    posted = {record_id(kind="post", source=source, **base) for source in ("k1", "k2")}
    assert (len(told), len(posted), len(told | posted)) == (1, 2, 3)
    assert record_id(kind="told", source="e1", **{**base, "author": "kim"}) not in told
