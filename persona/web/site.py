"""What the pages read: the network's statuses and the store's rows, each page in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select

from ..approval import Approvals
from ..clock import Clock
from ..definition import Definition, Persona
from ..network import Account, Network, Status
from ..notices import Notice, late_tick, notices
from ..store import JournalRow, OutboxRow, PostRow, SlotRow, reading

PAGE = 20


@dataclass(frozen=True, kw_only=True)
class Item:
    """One post in the feed with the replies shown under it; `more` are those only the thread shows."""

    status: Status
    replies: Sequence[Status] = ()
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class FeedPage:
    """A stretch of the feed. `before` leads to the older one, None at the end."""

    items: Sequence[Item]
    before: str | None


@dataclass(frozen=True, kw_only=True)
class Upcoming:
    """A planned slot, in the persona's own local time."""

    name: str
    due_at: datetime
    local: datetime


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything the pages need. `network` is None where nothing is simulated: then own posts are shown."""

    engine: Engine
    definition: Definition
    network: Network | None
    approvals: Approvals
    clock: Clock
    folder: Path | None = None

    def notices(self) -> list[Notice]:
        """Return what a person should know of the run just now."""
        return notices(self.engine, self.folder, self.clock.now()) if self.folder else []

    def late(self) -> str:
        """Return why the live run's tick is late, or an empty text."""
        with reading(self.engine) as session:
            return late_tick(session, self.clock.now())

    def persona(self, handle: str) -> Persona | None:
        """Return the persona with that handle, or None: most accounts are nobody's persona."""
        return next((p for p in self.definition.personas if p.handle == handle.lower()), None)

    def known_as(self, persona: str) -> str:
        """Return the handle for what the store calls a persona."""
        return next((p.handle for p in self.definition.personas if persona in (p.handle, p.name)), persona)

    def cast(self) -> list[Account]:
        """Return the accounts of all personas in the file's order, from the file where the network has none."""
        there = {a.handle: a for a in self.network.accounts(bot=True)} if self.network else {}
        return [there.get(p.handle) or _account_of(p) for p in self.definition.personas]

    def account(self, handle: str) -> Account | None:
        """Return the account on the network, else the persona's own description, else None."""
        found = self.network.account(handle) if self.network else None
        if found is None and (persona := self.persona(handle)):
            return _account_of(persona)
        return found

    def feed(self, *, everything: bool, before: str | None) -> FeedPage:
        """Return posts newest first with a few of their replies, or with `everything` each status by itself."""
        if everything:
            return self.by(None, replies=True, before=before)
        roots = self._statuses(None, top_level=True, before=before)
        shown, rest = roots[:PAGE], roots[PAGE:]
        replies = self._replies(shown, newest=before is None)
        items = [_item(status, replies.get(status.id, [])) for status in shown]
        return FeedPage(items=items, before=shown[-1].id if rest else None)

    def by(self, handle: str | None, *, replies: bool, before: str | None) -> FeedPage:
        """Return what one account wrote, newest first; of all accounts if `handle` is None."""
        found = self._statuses(handle, top_level=not replies, before=before)
        items = [Item(status=status, more=status.replies) for status in found[:PAGE]]
        return FeedPage(items=items, before=found[PAGE - 1].id if len(found) > PAGE else None)

    def thread(self, status_id: str) -> list[Status]:
        """Return a whole thread, oldest first; without a network, the one post."""
        if self.network:
            return self.network.thread(status_id)
        return [s for s in self._own(None, False, None, only=status_id) if s.id == status_id]

    def why(self, statuses: Iterable[Status]) -> dict[str, int]:
        """Return the outbox number of each status that a persona of this folder wrote, by status id."""
        wanted = {s.id: s.author.handle for s in statuses if self.persona(s.author.handle)}
        if not wanted:
            return {}
        if self.network is None:
            return {i: int(i) for i in sorted(wanted)}
        # In a rehearsal the network stands in for live channels, under its own name.
        channels = sorted({"feed", *(name for p in self.definition.personas for name in p.channels)})
        query = select(PostRow.remote_id, PostRow.persona, PostRow.outbox_id).where(
            PostRow.channel.in_(channels), PostRow.remote_id.in_(sorted(wanted))
        )
        with reading(self.engine) as session:
            rows = session.execute(query).all()
        return {remote: outbox for remote, persona, outbox in rows if self.known_as(persona) == wanted[remote]}

    def upcoming(self, persona: Persona, limit: int = 5) -> list[Upcoming]:
        """Return the persona's next slots that nothing has been made of yet."""
        query = (
            select(SlotRow.name, SlotRow.due_at)
            .where(
                SlotRow.persona.in_((persona.handle, persona.name)),
                SlotRow.state == "planned",
                SlotRow.due_at >= self.clock.now(),
            )
            .order_by(SlotRow.due_at, SlotRow.id)
            .limit(limit)
        )
        zone = ZoneInfo(persona.time_zone)
        with reading(self.engine) as session:
            rows = session.execute(query).all()
        return [Upcoming(name=name, due_at=due, local=due.astimezone(zone)) for name, due in rows]

    def memory(self, persona: Persona) -> dict[str, int]:
        """Return how many records the persona's memory holds, by kind."""
        query = (
            select(JournalRow.kind, func.count())
            .where(JournalRow.persona.in_((persona.handle, persona.name)))
            .group_by(JournalRow.kind)
            .order_by(JournalRow.kind)
        )
        with reading(self.engine) as session:
            return {str(kind): count for kind, count in session.execute(query)}

    def _statuses(self, author: str | None, *, top_level: bool, before: str | None) -> list[Status]:
        if self.network is None:
            return self._own(author, top_level, before)
        return self.network.statuses(author=author, top_level=top_level, before_id=before, limit=PAGE + 1)

    def _replies(self, roots: Sequence[Status], *, newest: bool) -> dict[str, list[Status]]:
        talked = [s for s in roots if s.replies]
        if not talked or self.network is None:
            return {}
        # One query for the replies of the whole page: on an older one those of the first day, when most of them come.
        until = None if newest else max(s.at for s in talked) + timedelta(days=1)
        found = self.network.statuses(since=min(s.at for s in talked), until=until, limit=600)
        by_root: dict[str, list[Status]] = {}
        for status in reversed(found):
            if status.in_reply_to and status.thread_id:
                by_root.setdefault(status.thread_id, []).append(status)
        return by_root

    def _own(self, author: str | None, top_level: bool, before: str | None, only: str = "") -> list[Status]:
        query = select(PostRow, OutboxRow.labels).join(OutboxRow, OutboxRow.id == PostRow.outbox_id)
        if author is not None:
            persona = self.persona(author)
            query = query.where(PostRow.persona.in_((author, persona.name if persona else author)))
        if top_level:
            query = query.where(PostRow.kind == "post")
        for bound, exact in ((before, False), (only, True)):
            if bound:
                number = int(bound) if bound.isascii() and bound.isdigit() else -1
                query = query.where(PostRow.outbox_id == number if exact else PostRow.outbox_id < number)
        query = query.order_by(PostRow.outbox_id.desc()).limit(PAGE + 1)
        with reading(self.engine) as session:
            rows = session.execute(query).all()
        return [
            Status(
                id=str(post.outbox_id),
                author=self.account(self.known_as(post.persona))
                or Account(handle=post.persona, name=post.persona, bot=True),
                text=post.text,
                at=post.at,
                in_reply_to=post.in_reply_to,
                thread_id=str(post.outbox_id),
                labels=tuple(str(label) for label in labels),
                likes=-1,
                boosts=-1,
                replies=-1,
            )
            for post, labels in rows
        ]


def _account_of(persona: Persona) -> Account:
    return Account(
        handle=persona.handle,
        name=persona.name,
        bio=persona.bio,
        bot=True,
        language=persona.language,
        time_zone=persona.time_zone,
        followers=-1,
        following=-1,
        statuses=-1,
    )


def _item(status: Status, replies: Sequence[Status]) -> Item:
    answer = next((r for r in reversed(replies) if r.author.bot), None)
    if answer is None:
        shown = list(replies[-2:])
    else:
        asked = next((r for r in replies if r.id == answer.in_reply_to), None)
        shown = [asked, answer] if asked else [answer]
    return Item(status=status, replies=shown, more=max(0, status.replies - len(shown)))
