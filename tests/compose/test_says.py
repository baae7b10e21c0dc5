"""Whether a text says what it was told to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from persona.compose.brief import Brief, Card, Goods
from persona.compose.rank import parts_of
from persona.compose.says import says

CARD = Card(name="Ada", bio="", voice=())
POST = Brief(
    card=CARD, task="post", topic="a loaf", points=("a finished loaf sounds hollow when you knock on its bottom",)
)
BAG = Brief(
    card=CARD,
    task="promo",
    goods=Goods(name="Pano Bag", price="€16", facts=("holds one large loaf", "machine washable at 40 degrees")),
)
NOWHERE = np.zeros(4, dtype=np.float32)


def said(brief: Brief, text: str) -> bool:
    parts = parts_of(brief, text, None, vector=NOWHERE, subject=NOWHERE, recent=NOWHERE[None, :0].reshape(0, 4))
    return says(brief, text, parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A finished loaf sounds hollow when you knock on its bottom.", True),
        ("Knock on the bottom of a loaf.", False),
        ("A finished loaf sounds hollow when you knock on its bottom. Buy it at the station tomorrow.", False),
        ("A finished loaf never sounds hollow when you knock on its bottom.", False),
    ],
)
def test_a_post_tells_what_it_was_told_in_its_order(text: str, expected: bool) -> None:
    assert said(POST, text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Pano Bag holds one large loaf. It costs €16.", True),
        ("The Pano Bag is machine washable at 40 degrees, for €16.", True),
        ("The Pano Bag holds a washable loaf. It costs €16.", False),
        ("The Pano Bag holds one large loaf, and weighs nothing at the station. €16.", False),
        ("The Pano Bag holds one large loaf.", False),
        ("The Pano Bag costs €16, and machine washable at 40 degrees.", False),
    ],
)
def test_an_ad_takes_up_whole_facts_or_none(text: str, expected: bool) -> None:
    assert said(BAG, text) is expected


def test_who_speaks_stays_who_speaks() -> None:
    reply = replace(POST, task="reply", comment="hello", author="Eve", points=("I am glad you wrote, Eve",))
    assert said(reply, "I am glad that you wrote, Eve.")
    assert not said(reply, "You are glad I wrote, Eve.")


def test_what_leans_on_its_subject_names_it() -> None:
    hook = replace(POST, topic="why the hook is loose", points=("it slides by its own thickness",))
    assert said(hook, "The hook slides by its own thickness.")
    assert not said(hook, "It slides by its own thickness.")


def test_where_it_was_left_open_everything_goes() -> None:
    assert said(Brief(card=CARD, task="reply", comment="nice"), "Thank you.")
