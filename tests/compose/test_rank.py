"""Ranking candidates against their brief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from persona.compose.brief import Brief, Card, Goods
from persona.compose.rank import WEIGHTS, exact, kept, order, rank, told
from persona.digest import seed_of

CARD = Card(name="Ada", bio="", voice=())
AD = Brief(
    card=CARD, task="promo", goods=Goods(name="Ovo 2", price="€14", facts=("holds two eggs",), offer="two for €24")
)
POST = Brief(
    card=CARD, task="post", topic="cooling bread", points=("The crumb sets while the loaf cools",), sentences=2
)


def embed(texts: Sequence[str]) -> list[Any]:
    """Return bags of words as unit vectors: close in meaning where words are shared."""
    vectors = []
    for text in texts:
        vector = np.zeros(512, dtype=np.float32)
        for word in text.lower().replace(".", "").split():
            vector[seed_of(word) % 512] += 1
        vectors.append(vector / max(float(np.linalg.norm(vector)), 1e-6))
    return vectors


def test_weights_sum_to_one() -> None:
    assert abs(sum(WEIGHTS.values()) - 1) < 1e-9


def test_an_ad_is_exact_only_with_name_price_and_offer_and_no_other_number() -> None:
    assert exact(AD, "Ovo 2 is €14, or two for €24.") == 1
    assert exact(AD, "Ovo 2 is €14, or two for €20.") < 1
    assert exact(AD, "Ovo 2 is €14, or two for €24, and lasts 9 years.") < 1
    assert exact(POST, "The crumb sets later.") == 1
    assert exact(POST, "Wait 30 minutes.") < 1


def test_what_was_to_be_told_is_not_turned_into_its_opposite() -> None:
    assert exact(POST, "The crumb never sets while the loaf cools.") == 0
    without = replace(POST, points=("Without salt a loaf tastes flat",))
    assert exact(without, "A loaf without salt tastes flat.") == 1
    assert exact(without, "Salt makes a loaf taste flat.") == 0
    assert exact(replace(POST, topic="why not to cut it hot"), "Do not cut it, the crumb sets while it cools.") == 1


def test_order_is_the_share_that_comes_in_the_order_given() -> None:
    assert order(POST, "The crumb still sets while the loaf cools.") == 1
    assert order(POST, "The loaf cools while the crumb sets.") < 0.75
    assert order(replace(POST, points=()), "Anything.") == 1


def test_told_counts_the_content_words_of_the_points() -> None:
    assert told(POST, "Let the loaf cool, the crumb is still setting while it cools.") > 0.7
    assert told(POST, "Butter is nice.") == 0
    assert told(AD, "It holds two eggs.") == 1


def test_kept_falls_with_what_the_brief_does_not_hold() -> None:
    assert kept(POST, "The crumb of the loaf sets while it cools.") == 1
    assert kept(POST, "The crumb sets. You can buy it tomorrow at the station.") < 0.5
    assert kept(POST, "It is so.") == 1


def test_the_text_that_does_what_was_asked_comes_first() -> None:
    texts = [
        "I like mornings. They are quiet.",
        "The crumb of bread sets while the loaf is cooling. Wait before you cut.",
        "Bread.",
    ]
    ranked = rank(POST, texts, [-1.0, -1.0, -1.0], embed)
    assert ranked[0].place == 1
    assert sorted(r.place for r in ranked) == [0, 1, 2]


def test_what_was_said_before_scores_less_and_fluency_counts() -> None:
    text = "The crumb of bread sets while the loaf is cooling."
    fresh = rank(POST, [text], [-1.0], embed)[0]
    again = rank(POST, [text], [-1.0], embed, recent=[text])[0]
    assert again.score < fresh.score
    assert again.parts["novelty"] < 0.01
    assert [r.place for r in rank(POST, [text, text], [-3.0, -0.5], embed)] == [1, 0]
    assert [r.place for r in rank(POST, [text, text], [None, None], embed)] == [0, 1]
