"""Answers that are told what to say: the model's words where they say it, else code's."""

from __future__ import annotations

from typing import Any

import pytest

from persona.compose.moves import points_for
from persona.cue import Cue, Heard
from persona.definition import Definition
from persona.digest import rng_of
from persona.engine import Drafted, Engine
from persona.plan import Quote, Subject
from persona.rehearsal import START
from tests.compose.cues import cue_for
from tests.engine.test_tick import Fixed

COMMENT = "my aunt keeps hers in a biscuit tin, by the way"


def cue(two: Definition, text: str) -> Cue:
    return cue_for(two, Subject(mode="chat"), Heard(author="petra_k", text=text, at=START, source="s"))


def draft(open_two: Any, two: Definition, text: str, *candidates: str) -> tuple[Drafted, Fixed]:
    parts, writer = open_two(), Fixed(*candidates)
    parts.open_writer = lambda persona: writer
    [drafted] = Engine(parts).draft([cue(two, text)], START, {})
    return drafted, writer


@pytest.fixture
def plan() -> str:
    """What @tamsin_specs is told to say to COMMENT, as it stands; the same in each run with seed 7."""
    points = points_for("open", author="Petra", knowledge="", random=rng_of("moves", 7, "k"))
    return " ".join(f"{point[0].upper()}{point[1:]}." for point in points)


def test_a_candidate_that_says_something_else_gives_way_to_the_plan(open_two: Any, two: Definition, plan: str) -> None:
    drafted, _ = draft(open_two, two, COMMENT, "The tin of the moon is sold out at the station tomorrow.")
    assert drafted.body == plan
    assert drafted.model == "code"
    assert [each["chosen"] for each in drafted.trace["candidates"]] == [False, True]


def test_a_candidate_that_says_it_is_taken(open_two: Any, two: Definition, plan: str) -> None:
    drafted, _ = draft(open_two, two, COMMENT, plan)
    assert drafted.body == plan
    assert drafted.model == "fixed"
    assert len(drafted.trace["candidates"]) == 1


def test_a_post_that_takes_a_comment_up_quotes_it_answers_and_tells_its_own(open_two: Any, two: Definition) -> None:
    quote = Quote(record_id="r", author="petra_k", text="my dog chewed the cable", at=START.isoformat())
    subject = Subject(
        mode="callback", topic="cables", angle="how to coil one", say="lay it in a wide loop", quote=quote
    )
    parts, writer = open_two(), Fixed("Lay the coil in a wide loop.")
    parts.open_writer = lambda persona: writer
    [drafted] = Engine(parts).draft([cue_for(two, subject)], START, {})
    assert "@petra_k" in drafted.body
    assert "“my dog chewed the cable”" in drafted.body
    # Code answers the comment, by its kind; the words of the post are the model's.
    said = drafted.body.split("”", 1)[1]
    assert "Petra" in said
    assert said.endswith("Lay the coil in a wide loop.")


def test_a_question_of_which_nothing_is_known_never_reaches_the_model(open_two: Any, two: Definition) -> None:
    drafted, writer = draft(open_two, two, "who won the cup in that year?", "In 1954 it was the other team.")
    assert writer.batches == []
    assert drafted.model == "code"
    assert drafted.body


def test_a_writer_that_reads_no_briefs_is_left_its_own_words(open_two: Any, two: Definition) -> None:
    personas = [p.model_copy(update={"writer": p.writer.model_copy(update={"reads": "chat"})}) for p in two.personas]
    chatty = two.model_copy(update={"personas": tuple(personas)})
    parts, writer = open_two(definition=chatty), Fixed("A biscuit tin keeps the light out, and the aunt knows it.")
    parts.open_writer = lambda persona: writer
    [drafted] = Engine(parts).draft([cue(chatty, COMMENT)], START, {})
    assert drafted.body == "A biscuit tin keeps the light out, and the aunt knows it."
    assert "Reply in" not in drafted.trace["messages"][-1]["content"]
