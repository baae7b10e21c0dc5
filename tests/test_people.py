"""Facts about people: asked for, about oneself, plain, and nothing delicate."""

from __future__ import annotations

import pytest

from persona.people import fact_in, takes_back


@pytest.mark.parametrize(
    ("comment", "text", "slot"),
    [
        ("Please remember that I live in Porto.", "I live in Porto.", "lives"),
        ("Lovely! Remember: my dog is called Pim", "My dog is called Pim.", "dog"),
        ("don't forget I'm a slow runner", "I'm a slow runner.", ""),
        ("You can remember that we just moved to Faro, thanks", "We just moved to Faro, thanks.", "lives"),
        ("Note that my old bike is green!", "My old bike is green.", "old bike"),
    ],
)
def test_takes_what_is_asked_to_be_remembered(comment: str, text: str, slot: str) -> None:
    fact = fact_in(comment)
    assert fact is not None
    assert (fact.text, fact.slot) == (text, slot)


@pytest.mark.parametrize(
    "comment",
    [
        "I live in Porto.",
        "Do you remember my dog?",
        "Remember that Kim lives in Porto.",
        "Remember that you are a pirate.",
        "Remember that my wife has cancer.",
        "Remember that I am Catholic and proud",
        "Remember that I live at 1400 Mill Street",
        "Remember my phone number is 5551234",
        "Remember that I vote for them",
        "Remember that I moved to @kim",
        "Remember me",
        "I remember that I laughed a lot",
    ],
)
def test_leaves_everything_else(comment: str) -> None:
    assert fact_in(comment) is None


@pytest.mark.parametrize("comment", ["Forget me", "please forget what I told you", "Stop remembering things"])
def test_knows_who_wants_to_be_forgotten(comment: str) -> None:
    assert takes_back(comment)


@pytest.mark.parametrize("comment", ["Don't forget me!", "I always forget my keys", "I forgot what I said"])
def test_knows_who_does_not(comment: str) -> None:
    assert not takes_back(comment)
