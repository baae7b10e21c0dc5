"""The writes of one transaction: statuses, likes, follows, and the notifications and counts that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from persona.network import Account, Action

from . import tables as t
from .errors import UnknownStatus
from .extract import handle_of, mentioned, tagged

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Return an aware instant as microseconds since 1970. Raises ValueError for a naive one or one before 1970."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone; give an aware datetime")
    if (us := (at - _EPOCH) // _MICROSECOND) < 0:
        raise ValueError(f"{at!r} lies before 1970")
    return us


def from_us(us: int) -> datetime:
    """Return the instant of `us` microseconds since 1970, in UTC."""
    return _EPOCH + us * _MICROSECOND


def first_id(us: int) -> int:
    """Return the smallest status id of that millisecond."""
    return us // 1000 << 16


def storable(text: str) -> str:
    """Return `text` with lone surrogates replaced, which no database takes; otherwise as it is."""
    return text.encode("utf-8", "replace").decode("utf-8")


class Target(NamedTuple):
    """A status that is acted on."""

    id: int
    author_id: int
    thread_id: int


class Ledger:
    """Writes through one open transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._ids: dict[str, int | None] = {}

    def accounts(self, handles: Iterable[str]) -> None:
        """Look up the ids of `handles` in one go, for the calls to come."""
        missing = sorted({handle_of(h) for h in handles} - self._ids.keys())
        for start in range(0, len(missing), 5000):
            part = missing[start : start + 5000]
            rows = self._db.execute(select(t.accounts.c.handle, t.accounts.c.id).where(t.accounts.c.handle.in_(part)))
            self._ids.update(dict.fromkeys(part) | {row.handle: row.id for row in rows})

    def account(self, handle: str) -> int | None:
        """Return the id of an account, or None."""
        handle = handle_of(handle)
        if handle not in self._ids:
            self.accounts([handle])
        return self._ids[handle]

    def register(self, accounts: Sequence[Account], us: int) -> None:
        """Make accounts; of those that are there, update name, bio and flag."""
        rows = [
            {
                "handle": handle_of(a.handle),
                "name": storable(a.name),
                "bio": storable(a.bio),
                "bot": a.bot,
                "language": a.language,
                "time_zone": a.time_zone,
                "interests": list(a.interests),
                "created_at": us if a.created_at is None else to_us(a.created_at),
            }
            for a in accounts
        ]
        if rows:
            statement = upsert(t.accounts)
            new = statement.excluded
            changed = {"name": new.name, "bio": new.bio, "bot": new.bot}
            self._db.execute(statement.on_conflict_do_update(index_elements=["handle"], set_=changed), rows)
            self._ids.clear()

    def _next_id(self, us: int) -> int:
        first = first_id(us)
        last = self._db.scalar(
            select(func.max(t.statuses.c.id)).where(t.statuses.c.id >= first, t.statuses.c.id < first + (1 << 16))
        )
        if last == first + (1 << 16) - 1:
            raise OverflowError("more than 65,536 statuses in one millisecond")
        return first if last is None else int(last) + 1

    def status(self, status_id: int) -> Target | None:
        """Return a status that can be acted on, or None."""
        s = t.statuses.c
        query = select(s.id, s.author_id, s.thread_id).where(s.id == status_id, s.boost_of.is_(None))
        row = self._db.execute(query).first()
        return None if row is None else Target(*row)

    def _count(self, table: Table, row_id: int, column: str, by: int) -> None:
        self._db.execute(update(table).where(table.c.id == row_id).values({column: table.c[column] + by}))

    def _notify(self, account: int, kind: str, sender: int, status_id: int | None, us: int) -> None:
        if account != sender:
            values = {"account_id": account, "kind": kind, "from_id": sender, "status_id": status_id}
            self._db.execute(insert(t.notifications).values(created_at=us, **values))

    def publish(self, author: int, text: str, us: int, *, parent: int | None, fields: Mapping[str, object]) -> int:
        """Add a post, or a reply to `parent`, and return its id. Raises UnknownStatus for a parent that is gone.

        Whoever is replied to hears of the reply; everyone else it mentions hears of a mention, once.
        """
        above = None
        if parent is not None and (above := self.status(parent)) is None:
            raise UnknownStatus(status_id=str(parent))
        text = storable(text)
        new = self._next_id(us)
        row = {"id": new, "author_id": author, "text": text, "created_at": us, "in_reply_to_id": parent}
        self._db.execute(
            insert(t.statuses).values(row | {"thread_id": above.thread_id if above else new} | dict(fields))
        )
        self._count(t.accounts, author, "statuses", 1)
        if above is not None:
            self._count(t.statuses, above.id, "replies", 1)
            self._notify(above.author_id, "reply", author, new, us)
        handles = mentioned(text)
        self.accounts(handles)
        named = [a for a in (self._ids[h] for h in handles) if a is not None]
        if named:
            self._db.execute(insert(t.mentions), [{"status_id": new, "account_id": a} for a in named])
        for account in named:
            if above is None or account != above.author_id:
                self._notify(account, "mention", author, new, us)
        if found := tagged(text):
            self._db.execute(insert(t.tags), [{"status_id": new, "tag": tag} for tag in found])
        return new

    def like(self, actor: int, target: Target, us: int) -> bool:
        """Like a status; False if it is liked already."""
        row = {"account_id": actor, "status_id": target.id, "created_at": us}
        if not self._db.execute(upsert(t.likes).values(row).on_conflict_do_nothing()).rowcount:
            return False
        self._count(t.statuses, target.id, "likes", 1)
        self._notify(target.author_id, "like", actor, target.id, us)
        return True

    def boost(self, actor: int, target: Target, us: int) -> bool:
        """Boost a status, which makes one with a text of its own none; False if it is boosted already."""
        s = t.statuses.c
        if self._db.scalar(select(s.id).where(s.author_id == actor, s.boost_of == target.id)) is not None:
            return False
        new = self._next_id(us)
        row = {"id": new, "author_id": actor, "text": "", "created_at": us, "thread_id": new, "boost_of": target.id}
        self._db.execute(insert(t.statuses).values(language="", labels=[], **row))
        self._count(t.statuses, target.id, "boosts", 1)
        self._notify(target.author_id, "boost", actor, target.id, us)
        return True

    def follow(self, actor: int, target: int, us: int) -> bool:
        """Follow an account; False if it is followed already, or one's own."""
        row = {"account_id": actor, "target_id": target, "created_at": us}
        if actor == target or not self._db.execute(upsert(t.follows).values(row).on_conflict_do_nothing()).rowcount:
            return False
        self._count(t.accounts, target, "followers", 1)
        self._count(t.accounts, actor, "following", 1)
        self._notify(target, "follow", actor, None, us)
        return True

    def unfollow(self, actor: int, target: int) -> bool:
        """Unfollow an account; False if it is not followed. Nobody hears of it."""
        f = t.follows.c
        if not self._db.execute(delete(t.follows).where(f.account_id == actor, f.target_id == target)).rowcount:
            return False
        self._count(t.accounts, target, "followers", -1)
        self._count(t.accounts, actor, "following", -1)
        return True

    def carry_out(self, action: Action) -> bool:
        """Do one action; False if it has no effect."""
        us = to_us(action.at)
        if (actor := self.account(action.actor)) is None:
            return False
        if action.kind in ("follow", "unfollow"):
            if (target := self.account(action.target)) is None:
                return False
            return self.follow(actor, target, us) if action.kind == "follow" else self.unfollow(actor, target)
        status = self.status(int(action.target)) if _is_id(action.target) else None
        if status is None:
            return False
        if action.kind == "like":
            return self.like(actor, status, us)
        if action.kind == "boost":
            return self.boost(actor, status, us)
        if not action.text.strip():
            return False
        language = self._db.scalar(select(t.accounts.c.language).where(t.accounts.c.id == actor))
        self.publish(actor, action.text, us, parent=status.id, fields={"language": language, "labels": []})
        return True


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
