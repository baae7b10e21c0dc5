"""The contract of a guard (a Policy): what it sees of a draft, and what it may say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from .channel import Limits

if TYPE_CHECKING:
    from .definition import Persona

Decision = Literal["publish", "hold", "block"]
_WEIGHT: dict[Decision, int] = {"publish": 0, "hold": 1, "block": 2}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing a guard has to say. `rule` is its short stable name, `reason` is for a person to read."""

    rule: str
    decision: Decision
    reason: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A candidate text as it would go out, with all that a guard may need to judge it.

    `body` is what the writer wrote, `text` the whole with its labels. `facts` are the texts that its numbers and
    names may come from. `recent` are own earlier texts, newest first.
    """

    persona: Persona
    kind: Literal["post", "reply"]
    channel: str
    body: str
    text: str
    labels: tuple[str, ...]
    limits: Limits
    now: datetime
    facts: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    product: str | None = None
    question: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The guards' joint word on a draft: the hardest decision of any of them, with all reasons."""

    findings: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def decision(self) -> Decision:
        return max((f.decision for f in self.findings), key=_WEIGHT.__getitem__, default="publish")

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(f"{f.rule}: {f.reason}" for f in self.findings if f.decision != "publish")


class Guard(ABC):
    """Looks at one draft. A guard that raises counts as `hold`: what cannot be checked is not published."""

    name: str

    @abstractmethod
    def look(self, draft: Draft) -> Sequence[Finding]:
        """Return what there is to say; nothing means publish."""
