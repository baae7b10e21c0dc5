"""What is cut off a small model's text: what it goes on with after it has said what it was told to say.

It tends to add a clause ("..., so you can keep the curtain clean") or a sentence ("You can buy it tomorrow.") of its
own, and what it adds is mostly wrong. Both go where they take up nothing that was given.
"""

from __future__ import annotations

import re

from .brief import Brief
from .rank import given_in, kept
from .stems import stems

SENTENCE = re.compile(r"(?:[^.!?…]|(?<=\d)[.](?=\d))+[.!?…]+[\"”’')\]]*|[^.!?…]+$")
_CLAUSE = re.compile(r",\s+(?:so(?: that)?|and|because|but|as|while|which|when|where|or|then|before|until)\s+")
_LEAST = 0.34


def grounded(text: str, brief: Brief) -> str:
    """Return the text without the sentences and last clauses that have little to do with its brief.

    The first sentence always stays, at least up to its first clause. Later ones stay up to the first one of which less
    than a third of the content words were given, or, where it was said what to tell, which tells nothing further.
    """
    given, left = stems(given_in(brief)), _wanted(brief)
    pieces: list[str] = []
    for piece in (each.strip() for each in SENTENCE.findall(text)):
        piece = _without_last_clause(piece, given)
        own = stems(piece)
        if pieces and piece and (kept(brief, piece) < _LEAST or (left is not None and not own & left)):
            break
        pieces.append(piece)
        left = None if left is None else left - own
    return " ".join(each for each in pieces if each)


def _wanted(brief: Brief) -> set[str] | None:
    """Return the content words that the text shall take up; None where it was left open what to say."""
    goods = brief.goods
    if brief.task == "promo" and goods:
        return None
    return stems(" ".join([brief.topic, *brief.points, brief.author])) if brief.points else None


def _without_last_clause(sentence: str, given: set[str]) -> str:
    """Return the sentence without its last clauses of whose content words fewer than half were given."""
    while found := list(_CLAUSE.finditer(sentence)):
        own = stems(sentence[found[-1].end() :])
        if len(own & given) >= len(own) / 2:
            break
        end = re.search(r"[.!?…]+[\"”’')\]]*$", sentence)
        sentence = sentence[: found[-1].start()].rstrip() + (end.group() if end else ".")
    return sentence
