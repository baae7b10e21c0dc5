"""What a reply shall do: code reads the kind of a comment and names the moves; the model puts them into words.

A small model answers well when it is told what to say, and badly when it has to think of it. Kinds are told by a small
classifier and a few rules; where it is not sure, the answer is one that fits any friendly comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from ..guards.questions import asks_identity, asks_life
from .exact import asks_for_more
from .intents import FEW, Kind, intent_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

SURE = 0.5
"""Below this probability of its kind a comment is answered as one of no kind."""
_DELICATE: Mapping[Kind, float] = {"rude": 0.75, "sad": 0.75, "failure": 0.75, "news": 0.75, "joke": 0.65}
"""How sure one must be of these: condolences to the wrong person are worse than a bare thank-you."""
PUBLIC: frozenset[Kind] = frozenset(("success", "failure", "story", "joke", "plan", "doubt", "wish"))
"""Kinds of comments that a post may take up: no trouble of anybody's, no praise of oneself, no insult."""

_SAD = re.compile(
    r"\b(?:bad day|rough (?:day|week)|exhausted|lonely|miss (?:my|him|her)|died|passed away|in hospital"
    r"|broken? heart|anxious|hard week|overwhelmed|laid off|lost my (?:job|mum|mom|dad|dog|cat))\b",
    re.IGNORECASE,
)

# Finished sentences: this small a model keeps their sense and gives them its persona's turn of phrase.
_MOVES: Mapping[Kind, tuple[tuple[str, ...], ...]] = {
    "wish": (
        ("that is a good wish, {author}",),
        ("I like that idea, {author}",),
        ("yes, that one is worth a post",),
        ("I will gladly take that up, {author}",),
        ("a fine thing to ask for",),
    ),
    "thanks": (
        ("thank you, {author}",),
        ("thank you for the kind words",),
        ("I am glad you like it, {author}",),
        ("that is good to read, {author}, thank you",),
        ("you are kind, {author}",),
        ("it is good to know that this is of use",),
        ("I am happy to read this, {author}",),
        ("thank you for stopping by, {author}",),
    ),
    "success": (
        ("I am glad that it worked, {author}",),
        ("well done, {author}",),
        ("good work, {author}", "the next one will be easier"),
        ("that is a success worth keeping, {author}",),
        ("you did that well, {author}",),
    ),
    "failure": (
        ("that is a pity, {author}", "the next try is a new chance"),
        ("it happens to everyone who tries, {author}",),
        ("a pity that it did not work, {author}",),
        ("one that went wrong teaches a lot, {author}",),
    ),
    "plan": (
        ("good luck with it, {author}",),
        ("I hope it goes well, {author}", "tell us how it went"),
        ("that is a good plan, {author}",),
        ("tell us how it goes, {author}",),
    ),
    "doubt": (
        ("I understand the doubt, {author}",),
        ("that is a fair point, {author}",),
        ("you may be right about that, {author}",),
        ("not everybody will agree, and that is good",),
        ("thank you for saying so openly, {author}",),
    ),
    "rude": (
        ("it is not for everyone, and that is fine",),
        ("I wish you a good day all the same, {author}",),
        ("thank you for being frank, {author}",),
    ),
    "sad": (
        ("I am sorry, {author}", "I wish you an easier day tomorrow"),
        ("that sounds hard, {author}", "take it slowly today"),
        ("I am sorry to read that, {author}", "be kind to yourself today"),
    ),
    "news": (
        ("that is good news, {author}",),
        ("I am glad for you, {author}",),
        ("congratulations, {author}",),
        ("what good news to read here, {author}",),
    ),
    "story": (
        ("thank you for telling us, {author}",),
        ("that is a good story, {author}",),
        ("I can picture that, {author}",),
        ("I am glad you shared that, {author}",),
    ),
    "joke": (
        ("that makes me smile, {author}",),
        ("you made me smile with that, {author}",),
        ("this is the best comment of the day, {author}",),
    ),
    "tag": (
        ("good to see this passed on, {author}",),
        ("the more the merrier, {author}",),
        ("thank you for passing it on, {author}",),
    ),
    "short": (
        ("good to have you here, {author}",),
        ("thank you for stopping by, {author}",),
        ("good to see you here, {author}",),
    ),
    "identity": (("I am a virtual character, written by software",),),
    "open": (
        ("thank you for writing, {author}",),
        ("good to hear from you, {author}",),
        ("thank you for the comment, {author}",),
        ("I am glad you wrote, {author}",),
    ),
}
_WITH_TIP: frozenset[Kind] = frozenset(("doubt", "failure", "open"))


def kind_of(comment: str, vector: Vector) -> Kind:
    """Return what sort of comment it is; `vector` is its unit vector, (d,)."""
    if _SAD.search(comment):
        return "sad"
    if asks_for_more(comment):
        return "wish"
    kind, sure = intent_of(comment, vector)
    if sure < _DELICATE.get(kind, SURE):
        return "question" if "?" in comment else "short" if len(comment.split()) <= FEW else "open"
    return kind


def asks_who(comment: str, vector: Vector) -> bool:
    """Tell whether a comment asks who or what is writing, where it lives, or to meet: as if there were somebody."""
    return asks_identity(comment) or asks_life(comment) or kind_of(comment, vector) == "identity"


def points_for(
    kind: Kind, *, author: str, knowledge: str, random: Random, recent: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return what a reply to a comment of that kind says, nothing for a question that the persona knows nothing of.

    `knowledge` is what the persona knows of the comment's subject, empty if nothing. A doubt, a failure and a
    comment of no certain kind get it beside the move. Moves that one of the `recent` own texts made are passed over
    while there are others.
    """
    if kind == "question":
        return (knowledge,) if knowledge else ()
    every = [tuple(move.format(author=author) for move in moves) for moves in _MOVES[kind]]
    said = " ".join(recent).casefold()
    moves = random.choice([moves for moves in every if moves[0].casefold() not in said] or every)
    return (moves[0], knowledge) if knowledge and kind in _WITH_TIP else moves
