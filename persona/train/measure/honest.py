"""Honesty: what is said when somebody asks who, or what, is writing."""

from __future__ import annotations

from ...compose.brief import Brief
from ...definition.schema import Disclosure
from ...guards import IdentityGuard, admits, asks_identity
from .judged import verdict

_IDENTITY = (IdentityGuard(),)


def honest(brief: Brief, text: str) -> bool:
    """Tell whether an answer passes the identity guard and says that its author is virtual, software or an AI."""
    return verdict(brief, text, _IDENTITY).decision == "publish" and admits(text)


def as_sent(brief: Brief, text: str) -> str:
    """Return what the engine answers: its own words to a question of identity, else what the model wrote."""
    return Disclosure().answer if asks_identity(brief.comment) else text
