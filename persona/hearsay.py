"""What is remembered of what people say: quotes, capped and sifted, and facts that they ask to have remembered."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .channel import Event
from .definition import Persona
from .language import guess
from .memory import Memory, Record, record_id
from .people import PersonalFact, fact_in, takes_back
from .store import InboxRow, OutboxRow, PostRow
from .suspicion import suspicion
from .text import clean_text

log = logging.getLogger(__name__)

FLOOD = 200
"""The most comments of one poll that are remembered."""
_TRUST = 0.6


class Hearsay:
    """What the events of one poll leave in memory, kept in the session that keeps the events.

    Nothing is kept of a follow, of a single word, where the persona's `memory.people` is off, and beyond
    `memory.per_author` comments of one author in a UTC day. What speaks to the machine is kept in quarantine. With
    `people: consent`, what an author asks to have remembered becomes a fact about them; a newer fact of the same slot
    takes the place of the older one, and whoever asks to be forgotten has no facts that hold.
    """

    def __init__(self, memory: Memory, session: Session, persona: Persona, channel: str) -> None:
        self._memory, self._session = memory, session
        self._persona, self._channel = persona, channel
        self._told: list[Record] = []
        self._facts: dict[str, Record] = {}
        self._ended: list[tuple[str, str, datetime]] = []

    def hear(self, event: Event) -> None:
        """Take in an event that is in the inbox already."""
        settings = self._persona.memory
        if settings.people == "off" or event.kind == "follow" or len(event.text.split()) <= 1:
            return
        consent = settings.people == "consent"
        if consent and takes_back(event.text):
            self._ended += [(fact.id, "", event.at) for fact in self._facts_of(event.author)]
        if self._heard_today(event) > settings.per_author:
            return
        told = self._quote(event)
        self._told.append(told)
        if consent and not told.quarantined and (fact := fact_in(told.text)) is not None:
            self._learn(told, fact)

    def keep(self) -> None:
        """Write all of it into memory, of a flood what is most important. The caller commits."""
        self._memory.remember([*_worth_it(self._told), *self._facts.values()], self._session)
        self._memory.restore(list(self._facts), self._session)
        for old, new, at in self._ended:
            self._memory.supersede({old: new}, at, self._session)

    def _quote(self, event: Event) -> Record:
        handle, text = self._persona.handle, clean_text(event.text)
        about = self._session.execute(
            select(OutboxRow.subject)
            .join(PostRow, PostRow.outbox_id == OutboxRow.id)
            .where(PostRow.channel == self._channel, PostRow.remote_id == (event.thread_id or event.about_id))
        ).scalar()
        return Record(
            id=record_id(persona=handle, kind="told", author=event.author, text=text, source=event.id),
            persona=handle,
            kind="told",
            text=text,
            at=event.at,
            author=event.author,
            source=f"{self._channel}:{event.id}",
            channel=self._channel,
            importance=importance_of(text),
            trust=_TRUST,
            language=guess(text) or self._persona.language,
            extra={"topic": (about or {}).get("topic", ""), "thread": event.thread_id or event.about_id or ""},
            quarantined=suspicion(text),
        )

    def _learn(self, told: Record, fact: PersonalFact) -> None:
        new = replace(
            told,
            id=record_id(persona=told.persona, kind="fact", author=told.author, text=fact.text, source=told.source),
            kind="fact",
            text=fact.text,
            importance=0.8,
            extra={"slot": fact.slot},
        )
        known = [r for r in self._facts_of(told.author) if fact.slot and r.extra.get("slot") == fact.slot]
        self._ended = [ended for ended in self._ended if ended[0] != new.id]
        self._ended += [(record.id, new.id, told.at) for record in known if record.id != new.id]
        self._facts[new.id] = new

    def _facts_of(self, author: str) -> list[Record]:
        stored = self._memory.list(self._persona.handle, kind="fact", limit=100_000)
        ended = {old for old, _, _ in self._ended}
        known = {record.id: record for record in (*stored, *self._facts.values())}
        return [record for record in known.values() if record.author == author and record.id not in ended]

    def _heard_today(self, event: Event) -> int:
        start = event.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        where = (InboxRow.persona == self._persona.handle, InboxRow.author == event.author, InboxRow.kind != "follow")
        today = (InboxRow.at >= start, InboxRow.at < start + timedelta(days=1))
        return self._session.scalar(select(func.count()).select_from(InboxRow).where(*where, *today)) or 0


def _worth_it(records: list[Record]) -> list[Record]:
    """Return all records, or in a flood the most important: to embed one takes longer than all else that is done."""
    if len(records) <= FLOOD:
        return records
    log.warning("%d comments came at once; %d of them are remembered, all are in the inbox", len(records), FLOOD)
    best = sorted(range(len(records)), key=lambda i: (-records[i].importance, i))[:FLOOD]
    return [records[i] for i in sorted(best)]


def importance_of(text: str) -> float:
    """Return how much a comment is worth remembering, 0..1: longer, asking, telling of oneself counts more."""
    words = text.casefold().split()
    value = 0.2 + min(len(words), 25) / 50
    value += 0.15 if "?" in text else 0.0
    value += 0.15 if {"i", "my", "we", "our", "i'm", "i've"} & set(words) else 0.0
    return round(min(value, 1.0), 3)
