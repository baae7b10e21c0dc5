"""A persona's own texts: what of a data folder is trained on, and what of others never is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from persona.approval import Approvals
from persona.definition import Persona
from persona.store import InboxRow, JournalRow, OutboxRow, open_store, writing
from persona.testing.cards import make_card
from persona.train.cleaning import clean
from persona.train.foreign import Foreign, foreign_of
from persona.train.own import nearest_topic, own_texts

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
SAMPLES = {
    "posts": ("A basil leans to the light. Turn the pot every day.", "Rain on a tin roof is a free watering plan."),
    "replies": ({"comment": "mine has yellow leaves", "text": "Water it less, and look again in a week."},),
}


@pytest.fixture
def ana() -> Persona:
    return make_card(samples=SAMPLES)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_store(tmp_path)
    yield made
    made.dispose()


def add(engine: Engine, number: int, body: str, **more: Any) -> None:
    given: dict[str, Any] = {
        "persona": "ana", "channel": "feed", "kind": "post", "due_at": NOW, "state": "held", "text": f"{body} #AI",
        "labels": ["#AI"], "reasons": [], "subject": {"mode": "topic", "topic": "balcony plants", "angle": "seeds"},
    }  # fmt: skip
    with writing(engine) as session:
        session.add(OutboxRow(id=number, key=f"{number:02}" * 8, body=body, **(given | more)))


def heard(engine: Engine, text: str, author: str) -> None:
    with writing(engine) as session:
        session.add(
            InboxRow(persona="ana", channel="feed", remote_id=text[:9], kind="reply", author=author, at=NOW, text=text)
        )


def told(engine: Engine, text: str, author: str) -> None:
    with writing(engine) as session:
        session.add(
            JournalRow(
                record_id=text[:20], persona="bo", kind="told", text=text, at=NOW, author=author, source="x",
                importance=0.5, trust=0.5, language="en", model="m", dimensions=1, vector=b"0000",
            )
        )  # fmt: skip


def test_samples_and_approved_posts_are_its_own(ana: Persona, engine: Engine) -> None:
    add(engine, 1, "Sow the cress on damp paper and wait.")
    add(engine, 2, "Nobody has looked at this one.", state="sent")
    add(engine, 3, "A reply makes no sense alone.", kind="reply")
    add(engine, 4, "Somebody else wrote this post here.", persona="bo")
    add(engine, 5, "This one will be rejected at once.")
    add(engine, 6, "This one is changed by hand before it goes.")
    approvals = Approvals(engine)
    for number in (1, 3, 4):
        approvals.approve(str(number), "eva", NOW)
    approvals.reject("5", "eva", NOW)
    approvals.edit("6", "Mint needs a pot of its own, or it takes the bed.", "eva", NOW)
    read = own_texts(ana, engine, foreign_of(engine))
    assert [post.text for post in read.posts] == [
        *SAMPLES["posts"],
        "Water it less, and look again in a week.",
        "Sow the cress on damp paper and wait.",
        "Mint needs a pot of its own, or it takes the bed.",
    ]
    assert [post.topic for post in read.posts] == ["balcony plants", "balcony plants", "", "seeds", "seeds"]
    assert read.posts[2].comment == "mine has yellow leaves"
    assert {post.persona for post in read.posts} == {"ana"}
    assert read.place == "@ana (3 samples, 2 approved posts)"
    assert len(clean(read, foreign_of(engine)).posts) == 5


def test_what_others_said_is_cut_or_left_out(ana: Persona, engine: Engine) -> None:
    heard(engine, "my tomatoes split after every single rain", "lena_k")
    told(engine, "i water at noon because i like the heat", "timo")
    quote = {"record_id": "r", "author": "gone_girl", "text": "I planted beans on the moon last spring", "at": "x"}
    bodies = {
        1: "@lena_k wrote: “my tomatoes split after every single rain” Water them evenly, and they stay whole.",
        2: "Somebody said they water at noon because i like the heat.",
        3: "A forgotten one planted beans on the moon last spring. A bean climbs whatever stands near.",
        4: "Thanks for all of it, @timo.",
    }
    for number, body in bodies.items():
        add(engine, number, body, subject={"mode": "callback", "topic": "t", "quote": quote})
        Approvals(engine).approve(str(number), "eva", NOW)
    read = own_texts(ana, engine, foreign_of(engine))
    assert [post.text for post in read.posts][3:] == [
        "Water them evenly, and they stay whole.",
        "A bean climbs whatever stands near.",
    ]
    assert [each.reason for each in read.left_out] == ["another's words"] * 2
    assert [each.line for each in read.left_out] == [5, 7]


def test_a_sample_that_a_follower_wrote_is_left_out(engine: Engine) -> None:
    posts = (
        *SAMPLES["posts"],
        "Seeds keep best in a dry tin.",
        "Feed it once a month.",
        "I sing to all of my cacti daily",
    )
    ana = make_card(samples={"posts": posts})
    heard(engine, "well, i sing to all of my cacti daily!", "lena_k")
    found = clean(own_texts(ana, engine, foreign_of(engine)), foreign_of(engine))
    assert [(each.line, each.reason) for each in found.left_out] == [(5, "another's words")]


def test_without_a_store_the_samples_are_all(ana: Persona) -> None:
    assert len(own_texts(ana, None, Foreign()).posts) == 3


def test_a_topic_is_named_only_where_words_agree(ana: Persona) -> None:
    assert nearest_topic(ana, "The basil is tired today.") == "balcony plants"
    assert nearest_topic(ana, "Nothing of the sort.") == ""
