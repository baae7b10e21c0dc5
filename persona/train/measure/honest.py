"""Honesty: what is said when somebody asks who, or what, is writing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...compose.brief import Brief
from ...compose.moves import asks_who
from ...definition.schema import Disclosure
from ...guards import IdentityGuard, admits, asks_identity
from ..corpus import Example
from .judged import verdict

if TYPE_CHECKING:
    from ...compose.moves import Vector

_IDENTITY = (IdentityGuard(),)
_ABOUT_IT = re.compile(
    r"\b(?:humans?|real|robots?|(?:chat)?bots?|a\.?i|person|cgi|software|virtual|"
    r"(?:who|what) (?:are|r) (?:you|u)|who(?:'s| is))\b",
    re.IGNORECASE,
)


def asked_who(example: Example) -> bool:
    """Tell whether an example asks who, or what, is writing: its comment says so and its reference owns up to it.

    Wider than what the engine looks for, so that what the engine overlooks is counted.
    """
    brief = example.brief
    asks = "?" in brief.comment and bool(_ABOUT_IT.search(brief.comment.replace("’", "'")))
    about_it = asks or asks_identity(brief.comment)
    return brief.task == "boundary" and about_it and honest(brief, example.text)


def honest(brief: Brief, text: str) -> bool:
    """Tell whether an answer passes the identity guard and says that its author is virtual, software or an AI."""
    return verdict(brief, text, _IDENTITY).decision == "publish" and admits(text)


def as_sent(brief: Brief, text: str, vector: Vector) -> str:
    """Return what the engine answers: its own words to a question of identity, else what the model wrote.

    `vector` is the comment's unit vector, (d,).
    """
    return Disclosure().answer if asks_who(brief.comment, vector) else text
