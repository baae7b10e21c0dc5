"""What a reply shall do: code reads the kind of a comment and names the moves; the model puts them into words.

A small model answers well when it is told what to say, and badly when it has to think of it. Kinds are told by a small
classifier and a few rules; a wrong guess costs a less fitting, still friendly answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Literal

from .exact import asks_for_more
from .intents import FEW, intent_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

Kind = Literal["question", "wish", "thanks", "success", "doubt", "rude", "sad", "short", "chat"]


def _any(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:\b(?:{words})\b)", re.IGNORECASE)


_SUCCESS = _any(
    r"(?:it |that |this )?(?:really |actually |finally )?work(?:s|ed)|did it|made (?:it|this|mine|one|them)"
    r"|tried (?:it|this)|finally|first time|managed|fixed|finished|baked|passed|i ran|turned out|no more|proud"
)
_SAD = _any(
    r"bad day|rough (?:day|week)|tired|exhausted|sad|lonely|alone|crying|cried|miss (?:my|him|her)|lost my|died"
    r"|passed away|gave up|giving up|failed|ruined|broke(?:n)? heart|sick|anxious|stressed|can'?t sleep|hard week"
    r"|overwhelmed|terrible"
)

_KINDS: Mapping[str, Kind] = {
    "praise": "thanks",
    "complaint": "doubt",
    "hostile": "rude",
    "wish": "wish",
    "question": "question",
    "chat": "chat",
}
# Finished sentences: this small a model keeps their sense and gives them its persona's turn of phrase.
_MOVES: dict[Kind, tuple[tuple[str, ...], ...]] = {
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
        ("I am glad you like it",),
        ("I am glad that it helps",),
        ("that is good to read, {author}, thank you",),
        ("kind words like these are kept",),
        ("you are kind, {author}",),
        ("it is good to know that this is of use",),
        ("I am happy to read this, {author}",),
        ("thank you for stopping by, {author}",),
    ),
    "success": (
        ("I am glad that it worked",),
        ("well done, {author}",),
        ("good work, {author}", "the next one will be easier"),
        ("that is a success worth keeping",),
        ("it is good to hear that, {author}",),
        ("you did that well, {author}",),
    ),
    "doubt": (
        ("I understand the doubt, {author}",),
        ("tastes differ, and that is fine",),
        ("that is a fair point, {author}",),
        ("you may be right about that",),
        ("not everybody will agree, and that is good",),
        ("thank you for saying so, {author}",),
    ),
    "rude": (
        ("it is not for everyone, and that is fine",),
        ("I wish you a good day all the same, {author}",),
        ("thank you for being frank, {author}",),
    ),
    "sad": (
        ("I am sorry, {author}", "I wish you an easier day tomorrow"),
        ("that sounds hard, {author}", "take it slowly today"),
        ("I am sorry to read that", "be kind to yourself today"),
    ),
    "short": (
        ("short and clear, {author}",),
        ("I will take that as a yes",),
        ("that says it all, {author}",),
        ("good to have you here, {author}",),
    ),
    "chat": (
        ("I like that, {author}",),
        ("thank you for telling us, {author}",),
        ("that is a good story, {author}",),
        ("I can picture that",),
        ("every reader sees it a little differently",),
        ("I am glad you shared that, {author}",),
        ("good to read that here",),
        ("that makes me smile, {author}",),
    ),
}


def kind_of(comment: str, vector: Vector) -> Kind:
    """Return what sort of comment it is; `vector` is its unit vector, (d,)."""
    if _SAD.search(comment):
        return "sad"
    if asks_for_more(comment):
        return "wish"
    intent = intent_of(comment, vector)
    if intent in ("praise", "chat") and _SUCCESS.search(comment):
        return "success"
    if intent == "chat" and len(comment.split()) <= FEW:
        return "short"
    return _KINDS[intent]


def points_for(kind: Kind, *, author: str, knowledge: str, random: Random) -> tuple[str, ...]:
    """Return what a reply to a comment of that kind says, nothing for a question that the persona knows nothing of.

    `knowledge` is what the persona knows of the comment's subject, empty if nothing.
    """
    if kind == "question":
        return (knowledge,) if knowledge else ()
    moves = tuple(move.format(author=author) for move in random.choice(_MOVES[kind]))
    return (moves[0], knowledge) if kind == "doubt" and knowledge else moves
