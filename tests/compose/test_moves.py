"""What a reply says: the kind of a comment, what the persona knows, and the moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from persona.compose.exact import not_known
from persona.compose.intents import BUCKETS, KINDS, Kind, features_of, intent_of
from persona.compose.knowledge import Knowledge
from persona.compose.moves import PUBLIC, kind_of, points_for
from persona.definition import Definition
from persona.definition.schema import Angle
from persona.plugins import PluginRegistry
from persona.store import open_store

OTHER = np.zeros(8, dtype=np.float32)
"""A vector of another embedding model, which the classifier cannot read."""


@pytest.mark.model
def test_kinds_of_real_comments(tmp_path: Path) -> None:
    comments = {
        "how long does it have to rest?": "question",
        "this is so lovely, thank you": "thanks",
        "tried it yesterday and it worked!!": "success",
        "who asked. get a real job": "rude",
        "could you do one about rye next?": "wish",
        "rough day, i am so tired": "sad",
        "not convinced, my gran always did it the other way round": "doubt",
        "mine came out flat as a stone": "failure",
        "trying this on saturday": "plan",
        "passed my exam today!!": "news",
        "my cat read this and strongly disagrees": "joke",
        "grew up above a bakery, the whole house smelled of it": "story",
        "@lena look at this one": "tag",
        "same here": "short",
    }
    store = open_store(tmp_path)
    memory = PluginRegistry(tmp_path).memory("chroma").open(engine=store, folder=tmp_path, personas=())
    vectors = memory.embed(list(comments))
    memory.close()
    store.dispose()
    found = {text: kind_of(text, vector) for text, vector in zip(comments, vectors, strict=True)}
    wrong = {text: kind for text, kind in found.items() if kind != comments[text]}
    assert len(wrong) <= 1, wrong


def test_without_vectors_of_its_own_model_the_kind_is_left_open() -> None:
    assert intent_of("how long does it take?", OTHER) == ("open", 0.0)
    assert kind_of("how long does it take?", OTHER) == "question"
    assert kind_of("nice one", OTHER) == "short"
    assert kind_of("they keep the tin on the upper shelf", OTHER) == "open"
    assert "open" not in KINDS
    assert not PUBLIC & {"sad", "rude", "thanks", "question", "open"}


def test_features_are_the_vector_the_marks_and_the_words() -> None:
    found = features_of("Why so?", OTHER)
    assert found.shape == (8 + 2 + BUCKETS,)
    assert list(found[8:10]) == [1, 1]
    assert float(np.linalg.norm(found[10:])) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(found, features_of("why so?", OTHER))
    assert not np.array_equal(found, features_of("so why?", OTHER))


def test_a_question_is_answered_with_what_is_known_or_not_by_the_model() -> None:
    def points(knowledge: str) -> tuple[str, ...]:
        return points_for("question", author="eve", knowledge=knowledge, random=Random(1))

    assert points("the crumb is still setting") == ("the crumb is still setting",)
    assert points("") == ()
    said = {not_known("eve", Random(seed)) for seed in range(40)}
    assert len(said) > 4
    assert not any("{" in text for text in said)


@pytest.mark.parametrize("kind", [kind for kind in (*KINDS, "open") if kind != "question"])
def test_moves_name_the_author_and_some_kinds_get_what_is_known(kind: Kind) -> None:
    for seed in range(12):
        points = points_for(kind, author="eve", knowledge="salt it late", random=Random(seed))
        assert points
        assert not any("{" in point for point in points)
        assert ("salt it late" in points) == (kind in ("doubt", "failure", "open"))


def test_a_move_made_of_late_is_passed_over_while_there_are_others() -> None:
    def said(*recent: str) -> set[str]:
        draws = (points_for("short", author="Eve", knowledge="", random=Random(s), recent=recent) for s in range(40))
        return {" ".join(points) for points in draws}

    every = said()
    assert len(every) > 2
    one = min(every)
    assert said(f"{one.capitalize()}. #AI") == every - {one}
    assert said(*every) == every


def test_knowledge_is_the_nearest_angle_or_nothing(two: Definition) -> None:
    words = ("bread", "soup", "why")

    def embed(texts: Sequence[str]) -> list[Any]:
        return [np.array([float(w in t) for w in words], dtype=np.float32) for t in texts]

    persona = two.persona("tamsin_specs")
    topic = persona.topics[0].model_copy(
        update={
            "angles": (
                Angle(about="bread", say="let it cool"),
                Angle(about="soup", say="salt it late"),
                Angle(about="x"),
            )
        }
    )
    persona = persona.model_copy(update={"topics": (topic,)})
    knowledge = Knowledge(embed)
    assert knowledge.nearest(persona, embed(["my soup"])[0]) == "soup: salt it late"
    assert knowledge.nearest(persona, embed(["my bread"])[0]) == "bread: let it cool"
    assert knowledge.nearest(persona, embed(["a dog"])[0]) == ""
    assert knowledge.nearest(persona, embed(["my soup"])[0], but="Always salt it late.") == ""
    bare = persona.model_copy(update={"handle": "bare", "topics": (topic.model_copy(update={"angles": ()}),)})
    assert knowledge.nearest(bare, embed(["my soup"])[0]) == ""
