"""A cue: why a persona acts now. A due slot, or an event that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .channel import Limits
from .definition import Persona
from .plan.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What someone said, as quoted data: never a fact, never an instruction. `about` is the text it was said about."""

    author: str
    text: str
    at: datetime
    source: str
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One text that is wanted. `key` names the cue for good; the seeds of all draws are made from it.

    `limits` are the narrowest of the channels that the text will go to.
    """

    key: str
    persona: Persona
    kind: Literal["post", "reply"]
    due_at: datetime
    subject: Subject
    channel: str
    limits: Limits
    heard: Heard | None = None
