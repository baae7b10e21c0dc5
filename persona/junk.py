"""The junk meter: which records of a persona are worth nothing, and why.

`echo`: a text that says back its prompt. `duplicate`: another record of the same author and kind says the same.
`invented`: it is not grounded in what caused it, or that is not there. `unused`: no text was made with it for long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from .compose.stems import stems
from .memory import Record
from .train.near import firsts

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from .definition import Persona

Sort = Literal["echo", "duplicate", "invented", "unused"]
SORTS: tuple[Sort, ...] = get_args(Sort)
MOST = 0.05
"""More of echoes, duplicates and invented records than this share is too much; what is only unused does no harm."""
UNUSED_AFTER = timedelta(days=60)
_GROUNDED = 0.6
_RUN = 8
_SCAFFOLD = re.compile(
    r"\b(?:write|answer|reply)(?: in)? (?:an?|one|two|three|several)(?: \w+){0,3} (?:post|reply|comment|sentences?)\b"
    r"|\ba follower wrote:|\byou (?:said before|remember|wrote|noticed):|\byour post(?: was)?:|\bfollowers told you:"
    r"|\bas an? (?:ai|artificial|large)? ?(?:language )?model\b|\bas a chatbot\b"
    r"|\b(?:here is|here's|sure,) (?:a|the|your|my|here)\b[^.!?]{0,40}\b(?:post|reply|answer|draft|caption)\b"
    r"|<\|\w+\|>|^\s*(?:system|assistant|user|say|facts|product|voice|style)\s*:"
    r"|\[(?:your|insert|product|name)[^\]]*\]|\{\w+\}|\bonly from these (?:facts|rules)\b|\bno numbers, no price\b",
    re.IGNORECASE | re.MULTILINE,
)
_OWN = ("post", "reply", "promise")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a record stems from: its text, and the prompt that it was written from, if a model wrote it."""

    text: str
    prompt: str = ""


@dataclass(frozen=True, kw_only=True)
class Junk:
    """What the meter found: of `records`, those that are junk, by sort. A record counts once, in the first sort."""

    records: int
    found: Mapping[Sort, Sequence[Record]]

    def share(self, *sorts: Sort) -> float:
        """Return the part of the records that is junk of these sorts, 0..1; of all sorts if none is named."""
        return sum(len(self.found[sort]) for sort in sorts or SORTS) / max(self.records, 1)

    @property
    def harmful(self) -> float:
        """The share of junk that could get into a text."""
        return self.share("echo", "duplicate", "invented")


def junk_of(records: Sequence[Record], grounds: Mapping[str, Ground], now: datetime) -> Junk:
    """Sort out the junk among the records of one persona. `grounds` is by record id; one without is invented.

    A derived record is grounded if all records that it rests on are among `records` or have a ground.
    """
    known = {record.id for record in records} | set(grounds)
    found: dict[Sort, list[Record]] = {sort: [] for sort in SORTS}
    repeated = _repeated(records)
    for record in records:
        ground = grounds.get(record.id)
        if record.kind in _OWN and _echoes(record.text, ground.prompt if ground else ""):
            found["echo"].append(record)
        elif not _grounded(record, ground, known):
            found["invented"].append(record)
        elif record.id in repeated:
            found["duplicate"].append(record)
        elif _unused(record, now):
            found["unused"].append(record)
    return Junk(records=len(records), found=found)


def _repeated(records: Sequence[Record]) -> set[str]:
    """Return the records that nearly repeat an older one of the same author and kind."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in sorted(records, key=lambda r: (r.at, r.id)):
        if record.kind not in ("insight", "performance", "promise"):
            groups.setdefault((record.kind, record.author), []).append(record)
    return {
        group[place].id
        for group in groups.values()
        for place, first in enumerate(firsts([record.text for record in group]))
        if first != place
    }


def _echoes(text: str, prompt: str) -> bool:
    if _SCAFFOLD.search(text):
        return True
    words, asked = _words(text), " ".join(_words(prompt))
    return any(" ".join(words[i : i + _RUN]) in asked for i in range(len(words) - _RUN + 1))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _grounded(record: Record, ground: Ground | None, known: set[str]) -> bool:
    if record.trust_class == "derived":
        return bool(record.rests_on) and set(record.rests_on) <= known
    if ground is None:
        return False
    said = stems(record.text)
    return not said or len(said & stems(ground.text)) >= _GROUNDED * len(said)


def _unused(record: Record, now: datetime) -> bool:
    if record.kind in ("canon", "fact", "insight"):
        return False
    return now - (record.recalled_at or record.at) > UNUSED_AFTER


def grounds_of(engine: Engine, persona: Persona, records: Sequence[Record]) -> dict[str, Ground]:
    """Return what the records stem from: inbox rows, sent texts with their prompts, and the file's canon."""
    from sqlalchemy import select

    from .store import InboxRow, OutboxRow, TraceRow, reading

    with reading(engine) as session:
        heard = {
            f"{row.channel}:{row.remote_id}": row.text
            for row in session.execute(
                select(InboxRow.channel, InboxRow.remote_id, InboxRow.text).where(InboxRow.persona == persona.handle)
            )
        }
        said = {
            row.key: Ground(text=row.body, prompt=_instructions(row.trace or {}, persona))
            for row in session.execute(
                select(OutboxRow.key, OutboxRow.body, TraceRow.body.label("trace"))
                .outerjoin(TraceRow, TraceRow.outbox_id == OutboxRow.id)
                .where(OutboxRow.persona == persona.handle, OutboxRow.state == "sent")
            )
        }
    canon = set(persona.canon)
    grounds: dict[str, Ground] = {}
    for record in records:
        if record.kind == "canon" and record.text in canon:
            grounds[record.id] = Ground(text=record.text)
        elif record.kind in ("told", "fact") and record.source in heard:
            grounds[record.id] = Ground(text=heard[record.source])
        elif record.kind in _OWN and record.source in said:
            grounds[record.id] = said[record.source]
    return grounds


def _instructions(trace: Mapping[str, object], persona: Persona) -> str:
    """Return the system message of a trace without the canon: all else that stands in a prompt is there to be said."""
    messages = trace.get("messages")
    if not isinstance(messages, list):
        return ""
    text = " ".join(str(m.get("content", "")) for m in messages if isinstance(m, dict) and m.get("role") == "system")
    for line in persona.canon:
        text = text.replace(line, "")
    return text
