"""The grammar check and its controls, with the real checker."""

from __future__ import annotations

import pytest

from persona.compose.brief import Brief, Card
from persona.train.measure import Grammar, control_samples, controls

BRIEF = Brief(card=Card(name="Ana Kjorvik", bio="A drawn gardener.", voice=("dry",)), task="post", topic="zorblat tea")
GOOD = (
    "Wet rock is slippery, most of all where it is smooth or green.",
    "The colour of a grey evening is hard to paint.",
    "The colors of a gray evening are hard to paint.",
    "Fold the towel twice before you put a hot pan on it.",
    "A paper map works without a battery.",
    "Your basil is thirsty when its lower leaves begin to hang.",
    "Bring a warm jacket, because the wind is colder at the top.",
    "There is always a second bus, so take your time at breakfast.",
)


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar()


def test_good_sentences_of_both_dialects_are_clean(grammar: Grammar) -> None:
    assert [text for text in GOOD if grammar.errors(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Wet rock is slipprey, most of all in autumn.",
        "Fold the the towel twice.",
        "This is an map without a battery.",
        "i am fond of rain.",
    ],
)
def test_errors_are_found(grammar: Grammar, text: str) -> None:
    assert grammar.errors(text)


def test_names_and_the_briefs_own_words_are_no_errors(grammar: Grammar) -> None:
    assert grammar.clean(BRIEF, "I am glad that @fro_wex and Kjorvik like zorblat tea. #holdmore is our sign.") == [
        True,
        True,
    ]
    assert grammar.clean(BRIEF, "I am glad that you like blatzor tea. Rain is nice.") == [False, True]


def test_the_controls_tell_good_sentences_from_spoilt_ones(grammar: Grammar) -> None:
    samples = control_samples([(BRIEF, text) for text in (*GOOD, "Too short.")], most=20)
    assert len(samples) == len(GOOD)
    shares = controls(grammar, samples, seed=7)
    assert shares["as they are"] == 0.0
    assert shares["letters swapped"] >= 0.8
    assert shares["a word doubled"] >= 0.4
    assert shares == controls(grammar, samples, seed=7)
