"""What is known of one cue while its text is made, and the trace that is left of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .compose.asked import brief_for
from .compose.brief import Brief
from .compose.choose import Option
from .cue import Cue
from .definition import Product
from .memory import Query, Recalled


@dataclass
class Work:
    """One cue while its text is made: what was found for it, what it shall say, and the candidates so far."""

    cue: Cue
    recalled: list[Recalled]
    product: Product | None
    labels: tuple[str, ...]
    facts: tuple[str, ...]
    recent: tuple[str, ...]
    points: tuple[str, ...] = ()
    said: str = ""
    """what code says instead of the model"""
    opening: str = ""
    """what code says before the model"""
    messages: tuple[Any, ...] = ()
    model: str = "code"
    options: list[Option] = field(default_factory=list)
    written_by: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    """of each option: the model, and the messages that it was given"""
    error: str = ""
    unlabelled: str = ""
    """why its labels could not be made"""
    without_memory: str = ""
    """why nothing could be recalled"""

    @property
    def brief(self) -> Brief:
        """What the text shall do."""
        return brief_for(self.cue, self.recalled, self.product, self.points)

    @property
    def settled(self) -> bool:
        return any(option.verdict.decision == "publish" for option in self.options)

    def trace(self, place: int) -> dict[str, Any]:
        """Return how the text at `place` among the options came to be, as plain data."""
        cue = self.cue
        heard = None
        if cue.heard:
            heard = {"author": cue.heard.author, "text": cue.heard.text, "about": cue.heard.about}
        return {
            "cue": {
                "key": cue.key,
                "kind": cue.kind,
                "due_at": cue.due_at.isoformat(),
                "subject": cue.subject.as_json(),
                "heard": heard,
            },
            "recalled": [
                {
                    "id": r.record.id,
                    "kind": r.record.kind,
                    "author": r.record.author,
                    "text": r.record.text,
                    "score": r.score,
                    "reason": r.reason,
                }
                for r in self.recalled
            ],
            **({"without_memory": self.without_memory} if self.without_memory else {}),
            "messages": [{"role": m.role, "content": m.content} for m in self.messages],
            "candidates": [
                {
                    "text": option.body,
                    "logprob": option.logprob,
                    "score": option.score,
                    "parts": option.parts,
                    "chosen": i == place,
                    "reasons": list(option.verdict.reasons),
                }
                for i, option in enumerate(self.options)
            ],
            "verdict": {
                "decision": self.options[place].verdict.decision,
                "findings": [
                    {"rule": f.rule, "decision": f.decision, "reason": f.reason}
                    for f in self.options[place].verdict.findings
                ],
            },
        }


def queries_of(cue: Cue, now: datetime) -> list[Query]:
    """Return what memory is asked for a cue."""
    handle, limit = cue.persona.handle, cue.persona.memory.recall
    if limit == 0:
        return []
    if cue.heard is None:
        # What one follower said does not steer a post, except where code quotes it.
        return [Query(persona=handle, text=cue.subject.text, now=now, limit=limit, kinds=("post", "canon", "promise"))]
    source = cue.heard.source
    return [
        Query(
            persona=handle,
            text=cue.heard.text,
            now=now,
            limit=2,
            kinds=("told", "fact"),
            author=cue.heard.author,
            exclude_sources=(source,),
        ),
        Query(persona=handle, text=cue.heard.text, now=now, limit=limit, kinds=("post", "canon", "promise")),
    ]
