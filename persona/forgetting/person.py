"""Who is to be forgotten, and everything in a data folder's store that is theirs or was made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, or_, select
from sqlalchemy.orm import Session

from ..errors import AuthorIsAPersona, AuthorOnSeveralChannels
from ..store import InboxRow, JournalRow, OutboxRow

ALL_CHANNELS = "all"
_PART = 500


@dataclass(frozen=True, kw_only=True)
class Person:
    """One account on one channel. `author` is its handle as the channel gives it; capitals do not count."""

    author: str
    channel: str


@dataclass(kw_only=True)
class Traces:
    """What the store holds of some people. All ids are those of the store's own rows unless they say otherwise.

    `texts` are the words they said, each with the first instant at which they were said.
    """

    people: tuple[Person, ...]
    names: frozenset[str] = frozenset()
    """the handles in every spelling that occurs"""
    inbox: list[int] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    """(remote id, channel) of what they did"""
    posts: list[str] = field(default_factory=list)
    """remote ids of what they posted"""
    records: list[str] = field(default_factory=list)
    vectors: list[bytes] = field(default_factory=list)
    outbox: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    texts: dict[str, datetime] = field(default_factory=dict)

    @property
    def folded(self) -> frozenset[str]:
        """The handles without regard to capitals."""
        return frozenset(person.author.casefold() for person in self.people)


def people_called(session: Session, author: str, channel: str | None) -> list[Person]:
    """Return the accounts that `author` names, one per channel; a channel that is named is taken at its word.

    Raises AuthorIsAPersona, and AuthorOnSeveralChannels where no channel is named and more than one knows the name.
    """
    author = author.strip().removeprefix("@")
    own = set(session.execute(select(OutboxRow.persona).union(select(JournalRow.persona))).scalars())
    if author.casefold() in {name.casefold() for name in own}:
        raise AuthorIsAPersona(author=f"@{author}")
    found = sorted({name for name in _channels(session, author) if name})
    if channel == ALL_CHANNELS:
        return [Person(author=author, channel=name) for name in found]
    if channel is not None:
        return [Person(author=author, channel=channel)]
    if len(found) > 1:
        raise AuthorOnSeveralChannels(author=f"@{author}", channels_text=", ".join(found))
    return [Person(author=author, channel=name) for name in found]


def _channels(session: Session, author: str) -> set[str]:
    rows = session.execute(
        select(InboxRow.author, InboxRow.channel).union(
            select(JournalRow.author, JournalRow.channel).where(JournalRow.author != JournalRow.persona)
        )
    )
    return {channel for name, channel in rows if name.casefold() == author.casefold()}


def traces_of(session: Session, people: Sequence[Person]) -> Traces:
    """Return all that is held of these people, and what was made of it: answers, quotations, what rests on it."""
    held = Traces(people=tuple(people))
    wanted = {(person.author.casefold(), person.channel) for person in people}
    names: set[str] = {person.author for person in people}
    seen = select(InboxRow.author, InboxRow.channel).union(select(JournalRow.author, JournalRow.channel))
    theirs = sorted((name, on) for name, on in session.execute(seen) if (name.casefold(), on) in wanted)
    names.update(name for name, _ in theirs)
    held.names = frozenset(names)
    _inbox(session, held, theirs)
    _answers(session, held, set(theirs))
    _records(session, held, set(theirs))
    return held


def _inbox(session: Session, held: Traces, theirs: Sequence[tuple[str, str]]) -> None:
    for part in _parts(theirs):
        where = or_(*((InboxRow.author == name) & (InboxRow.channel == on) for name, on in part))
        for row in session.scalars(select(InboxRow).where(where).order_by(InboxRow.id)):
            held.inbox.append(row.id)
            held.events.append((row.remote_id, row.channel))
            if row.post_id:
                held.posts.append(row.post_id)
            _say(held, row.text, row.at)


def _answers(session: Session, held: Traces, theirs: set[tuple[str, str]]) -> None:
    """Find the drafts and posts that answer them or take up their words by the plan."""
    inbox, folded = set(held.inbox), held.folded
    table = JournalRow.__table__.c
    said = session.execute(select(table.record_id, table.author, table.channel).where(table.author != table.persona))
    owner = {row.record_id: (row.author, row.channel) in theirs for row in said}
    rows = session.execute(select(OutboxRow.id, OutboxRow.key, OutboxRow.inbox_id, OutboxRow.subject))
    for row_id, key, inbox_id, subject in rows:
        quote = subject.get("quote") or {}
        # A record that has faded from memory is known by its author's name alone.
        named = str(quote.get("author", "")).casefold() in folded
        if inbox_id in inbox or owner.get(quote.get("record_id"), named):
            held.outbox.append(row_id)
            held.keys.append(key)


def _records(session: Session, held: Traces, theirs: set[tuple[str, str]]) -> None:
    table, answered = JournalRow.__table__.c, set(held.keys)
    wanted = {(person.author.casefold(), person.channel) for person in held.people}
    columns = (table.record_id, table.persona, table.author, table.channel, table.source, table.extra)
    doomed = set()
    rests: list[tuple[str, frozenset[str]]] = []
    lists = [column for column in table if isinstance(column.type, JSON) and column.name != "extra"]
    for row in session.execute(select(*columns, *lists)):
        by = (row.author, row.channel) in theirs and row.author != row.persona
        if by or row.source in answered or (str(row.extra.get("to", "")).casefold(), row.channel) in wanted:
            doomed.add(row.record_id)
        cited = frozenset(one for column in lists for one in _ids(row._mapping[column]))
        if cited:
            rests.append((row.record_id, cited))
    # What was concluded from an erased record is erased too, and what was concluded from that.
    while fresh := {one for one, cited in rests if one not in doomed and not doomed.isdisjoint(cited)}:
        doomed |= fresh
    held.records = sorted(doomed)
    for part in _parts(held.records):
        for row in session.execute(
            select(table.text, table.at, table.author, table.persona, table.vector).where(table.record_id.in_(part))
        ):
            held.vectors.append(row.vector)
            if row.author != row.persona:
                _say(held, row.text, row.at)


def _ids(value: object) -> Iterable[str]:
    return (str(one) for one in value) if isinstance(value, list) else ()


def _say(held: Traces, text: str, at: datetime) -> None:
    if text and (text not in held.texts or at < held.texts[text]):
        held.texts[text] = at


def _parts(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _PART] for start in range(0, len(items), _PART))
