"""The built-in guards, `review`, and what else of them helps to choose among candidates."""

from .banned import BannedGuard
from .broken import BrokenGuard
from .claims import ClaimsGuard
from .duplicate import DuplicateGuard, Embed
from .emoji import EmojiGuard, emoji_in
from .experience import ExperienceGuard
from .facts import FactsGuard
from .identity import IdentityGuard, admits
from .labels import LabelsGuard, makes_offer, stands
from .length import LengthGuard
from .numbers import Amount, amounts, mentioned_numbers
from .questions import asks_identity, asks_life, probes
from .review import builtin_guards, review

__all__ = [
    "Amount",
    "BannedGuard",
    "BrokenGuard",
    "ClaimsGuard",
    "DuplicateGuard",
    "Embed",
    "EmojiGuard",
    "ExperienceGuard",
    "FactsGuard",
    "IdentityGuard",
    "LabelsGuard",
    "LengthGuard",
    "admits",
    "amounts",
    "asks_identity",
    "asks_life",
    "builtin_guards",
    "emoji_in",
    "makes_offer",
    "mentioned_numbers",
    "probes",
    "review",
    "stands",
]
