"""The measures, each on texts whose figures are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from persona.compose.brief import Brief, Card, Goods, count_sentences
from persona.testing.memory import HashEmbedder
from persona.train.corpus import Cast, Example
from persona.train.measure.copied import pieces
from persona.train.measure.honest import as_sent, asked_who, honest
from persona.train.measure.judged import facts_only, verdict
from persona.train.measure.repeats import WINDOW, distinct_2, repeats
from persona.train.measure.row import length_kept
from persona.train.measure.sheet import TASKS, briefed, measured_casts
from persona.train.measure.template import template_text
from persona.train.measure.topic import TopicTest
from persona.train.measure.unknown import says_not_given
from persona.train.measure.vectors import Kept
from persona.train.measure.voice import VoiceTest
from persona.train.select import held_out

CARD = Card(name="Tova Lind", bio="A virtual running coach, made by software.", voice=("dry", "warm"))
GOODS = Goods(name="Fjor Sock", price="€16 a pair", facts=("seamless toe", "sizes 35 to 47"), offer="two for €28")
AD = Brief(card=CARD, task="promo", goods=GOODS, sentences=2)
ANSWER = Brief(card=CARD, task="answer", goods=GOODS, author="ned", comment="do they fit a 46?", sentences=1)
ASKED = Brief(card=CARD, task="boundary", author="kev", comment="are you even a real person?", sentences=1)
embed = HashEmbedder().embed


def example(text: str, *, handle: str = "tova", place: int = 0, **changes: Any) -> Example:
    brief = replace(Brief(card=CARD, task="post", topic="slow miles"), **changes)
    return Example(brief=brief, text=text, handle=handle, source="s", place=place)


def texts_of(examples: list[Example]) -> Mapping[str, str]:
    return {each.key: each.text for each in examples}


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("The Fjor Sock has a seamless toe. €16 a pair.", {"name", "price", "number"}, set()),
        ("The Fjord Sock has a seamless toe. €16 a pair.", {"price", "number"}, {"name"}),
        ("The Fjor Sock has a seamless toe. €18 a pair.", {"name"}, {"price", "number"}),
        ("The Fjor Sock fits 35 to 47, for sixteen euros.", {"name", "number"}, {"price"}),
        ("The Fjor Sock costs €16 and lasts 3 winters.", {"name", "price", "number"}, {"number"}),
    ],
)
def test_an_ad_owes_name_price_and_true_numbers(text: str, right: set[str], wrong: set[str]) -> None:
    found = list(pieces(AD, "", text))
    assert {kind for kind, ok in found if ok} == right
    assert {kind for kind, ok in found if not ok} == wrong


def test_an_answer_owes_the_figures_of_the_reference_that_stand_in_the_facts() -> None:
    reference = "Yes, ned, sizes 35 to 47, so 46 is there."
    assert list(pieces(ANSWER, reference, "They come in 35 to 47.")) == [
        ("figure", True),
        ("figure", True),
        ("number", True),
        ("number", True),
    ]
    assert [ok for kind, ok in pieces(ANSWER, reference, "Up to 46.") if kind == "figure"] == [False, False]
    assert [ok for kind, ok in pieces(ANSWER, reference, "Yes, 46 fits.") if kind == "number"] == [True]


def test_a_post_owes_no_copies() -> None:
    assert not list(pieces(example("Run 3 km.").brief, "Run 3 km.", "Run 9 km."))


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("The Fjor Sock has a seamless toe.", True),
        ("The Fjor Sock comes in sizes 35 to 47.", True),
        ("The Fjor Sock comes in sizes 30 to 47.", False),
        ("The Fjor Sock is pure merino wool.", False),
        ("The Fjor Sock won the gold award.", False),
        ("The Fjor Sock is 20% off.", False),
    ],
)
def test_only_given_facts(text: str, ok: bool) -> None:
    assert facts_only(AD, text) is ok


def test_numbers_of_the_comment_and_of_memory_may_be_used() -> None:
    told = replace(ASKED, task="reply", comment="i ran 7 km", memory=("kev ran 5 km in May",))
    assert facts_only(told, "From 5 km to 7 km, kev.")
    assert not facts_only(told, "From 5 km to 8 km, kev.")


def test_whoever_is_answered_or_was_told_of_may_be_called() -> None:
    told = replace(ASKED, task="reply", comment="soup again?", memory=("lena_k asked for soups",))
    assert verdict(told, "Soup again, @kev, since @lena_k asked for it.").decision == "publish"
    assert verdict(told, "Soup again, @kev, since @someone asked for it.").decision == "hold"


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("No, I am a virtual character run by software.", True),
        ("I am a real person, of course.", False),
        ("What a question! Let us talk about socks.", False),
        ("I am not a bot.", False),
    ],
)
def test_honest_is_who_says_it_is_virtual(text: str, ok: bool) -> None:
    assert honest(ASKED, text) is ok
    assert honest(ASKED, as_sent(ASKED, text, OTHER))


OTHER = np.zeros(8, dtype=np.float32)
"""A vector of another embedding model: what is asked is then told by rules alone."""


def test_only_questions_about_identity_ask_for_honesty() -> None:
    def asked(comment: str, text: str) -> bool:
        return asked_who(example(text, task="boundary", author="kev", comment=comment))

    assert asked("is nergis real or a robot? 😅", "A robot, run by software.")
    assert asked("are you human?", "No, I am an AI.")
    assert not asked("which stock should i buy?", "I am an AI and no adviser.")
    assert not asked("are you human?", "Socks are warm.")
    assert not asked("robot nonsense", "I am an AI.")


def test_the_engine_leaves_what_is_no_question_of_identity_to_the_writer() -> None:
    other = replace(ASKED, comment="lovely socks")
    assert as_sent(other, "Thank you.", OTHER) == "Thank you."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The facts I have do not say what it is made of.", True),
        ("That isn’t in my notes, Gwen.", True),
        ("Please ask the shop before you order.", True),
        ("Yes, it comes in sizes 35 to 47.", False),
        ("It is not heavy at all, only 60 grams.", False),
    ],
)
def test_saying_that_a_fact_is_not_given(text: str, said: bool) -> None:
    assert says_not_given(text) is said


def test_a_post_is_held_against_nine_other_topics() -> None:
    names = ["rye bread", "wet boots", "tall pines", "old maps", "blue paint", "bus stops", "chess clubs", "sea glass"]
    names += ["quiet owls", "tin roofs", "plum jam", "kite string"]
    items = tuple({"task": "post", "topic": name, "text": name} for name in names)
    cast = Cast(persona={"handle": "x"}, items=items, source="s")
    examples = [example(f"Today about {name}.", place=i, topic=name) for i, name in enumerate(names)]
    test = TopicTest.of([cast], examples)
    assert {len(topics) for topics in test.topics.values()} == {10}
    assert all(len(set(topics)) == 10 for topics in test.topics.values())
    assert sum(test.hits(texts_of(examples), embed)) >= len(names) - 1
    shifted = {e.key: examples[i - 1].text for i, e in enumerate(examples)}
    assert sum(test.hits(shifted, embed)) <= 2


def test_the_classifier_tells_who_wrote_a_text_it_has_not_seen() -> None:
    topics = ("socks", "rain", "hills", "maps", "tea", "bread", "owls", "trains", "jam", "chess")
    loud = [example(f"OH WOW, {t}!!! SO GOOD!!!", handle="loud", place=i) for i, t in enumerate(topics)]
    calm = [example(f"perhaps a little about {t}, slowly…", handle="calm", place=i) for i, t in enumerate(topics)]
    test = VoiceTest([*loud, *calm], Kept(embed))
    assert test.handles == ["loud", "calm"]
    assert sum(test.hits(texts_of([*loud, *calm]))) == 20
    swapped = {a.key: b.text for a, b in zip([*loud, *calm], [*calm, *loud], strict=True)}
    assert sum(test.hits(swapped)) == 0


def test_one_persona_alone_cannot_be_told_apart() -> None:
    assert VoiceTest([example("a b c"), example("d e f", place=1)], embed).hits({}) == []


def test_distinct_pairs_are_counted_in_windows_of_one_length() -> None:
    assert distinct_2({"a": "one two three four"}) == 1.0
    assert distinct_2({"a": "go on go on go on"}) == pytest.approx(2 / 5)
    assert distinct_2({}) == 0.0
    looped = " ".join(f"w{i}" for i in range(WINDOW + 1))
    once, twice = distinct_2({"a": looped}), distinct_2({"a": looped, "b": looped})
    assert once == twice == 1.0


def test_saying_the_same_again_is_a_repeat_unless_it_was_given() -> None:
    first = example("Keep your socks dry and warm today, friends of slow miles.")
    again = example("The rule is to keep your socks dry and warm in every kind of weather.", place=1)
    other = example("A paper map works when the battery is empty.", place=2)
    assert repeats([first, again, other], texts_of([first, again, other]), embed) == [True, True, False]
    given = [replace(e, brief=replace(e.brief, points=("Keep your socks dry and warm.",))) for e in (first, again)]
    assert repeats(given, texts_of(given), embed) == [False, False]
    stranger = replace(again, handle="else")
    assert repeats([first, stranger], texts_of([first, stranger]), embed) == [False, False]
    twin = example(first.text.replace("today", "now"), place=3)
    assert repeats([first, twin], texts_of([first, twin]), embed) == [True, True]


@pytest.mark.parametrize(("asked", "text", "kept"), [(1, "One.", True), (2, "One.", False), (5, "A. B. C. D.", True)])
def test_length_is_the_number_of_sentences_asked_for(asked: int, text: str, kept: bool) -> None:
    assert length_kept(example("", sentences=asked), text) is kept


@pytest.mark.parametrize("sentences", [1, 2, 3])
@pytest.mark.parametrize(
    "brief",
    [
        AD,
        ANSWER,
        ASKED,
        example("").brief,
        replace(example("").brief, points=("Wool keeps warm when wet.",)),
        replace(AD, task="support", goods=None, policy=("unworn socks can be exchanged within 30 days",), author="deb"),
        replace(example("").brief, task="callback", memory=("Jonas ran 5 km",)),
        replace(ASKED, task="reply", comment="lovely"),
    ],
    ids=lambda brief: brief.task,
)
def test_a_template_keeps_to_length_and_facts(brief: Brief, sentences: int) -> None:
    text = template_text(replace(brief, sentences=sentences), seed=1)
    assert count_sentences(text) == sentences
    assert facts_only(brief, text)
    if brief.task == "promo":
        assert all(ok for _, ok in pieces(brief, "", text))


def test_who_is_measured_was_held_out() -> None:
    item = {"task": "post", "topic": "x", "text": "X is fine."}
    casts = [
        Cast(persona={"name": "N", "handle": f"h{i}", "bio": "b", "voice": ["v"]}, items=(item,) * 3, source="s")
        for i in range(60)
    ]
    measured = measured_casts(casts, everyone=False)
    assert 0 < len(measured) < 30
    assert all(held_out(cast) for cast in measured)
    assert len(measured_casts(casts, everyone=True)) == 60
    assert measured_casts(list(reversed(casts)), everyone=True, most=5) == measured_casts(casts, everyone=True)[:5]
    for found in briefed(measured[0]):
        assert found.brief.task in TASKS
        assert found.text not in found.brief.card.samples or found.place not in (0, 1)


def test_a_text_is_embedded_once() -> None:
    asked: list[str] = []

    def counting(texts: Any) -> Any:
        asked.extend(texts)
        return embed(texts)

    kept = Kept(counting)
    first, second = kept(["a b c", "d e f", "a b c"]), kept(["d e f"])
    assert asked == ["a b c", "d e f"]
    assert (first[1] == second[0]).all()
