"""The simulated social network, in one SQLite file of a data folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy import Connection, Row, func, insert, select

from persona.digest import digest
from persona.network import Account, Action, Network, Status, StepReport

from . import tables as t
from .database import open_database
from .dump import dump_digest
from .errors import UnknownAccount
from .extract import handle_of
from .forget import empty_accounts
from .ledger import Ledger, first_id, from_us, to_us

NoteKind = Literal["mention", "reply", "follow", "like", "boost"]
Visibility = Literal["public", "unlisted"]


@dataclass(frozen=True, kw_only=True)
class Notification:
    """Something an account is told of. `id` counts up in the order in which the network learned of it.

    `status` is the reply or mention itself, or the status that was liked or boosted; None for a follow.
    """

    id: int
    kind: NoteKind
    account: Account
    at: datetime
    status: Status | None = None


class FeedNetwork(Network):
    """Accounts, statuses, likes, boosts and follows under virtual time.

    Every id is a function of virtual time and order alone, so a run that was killed and goes on gives the same ids.
    A root status has its own id as `thread_id`. `statuses` and `thread` leave boosts out; they are counted.
    """

    FILE = "network.db"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._readers, self._writers = open_database(folder / self.FILE)

    @classmethod
    def open(cls, folder: Path) -> Self:
        return cls(folder)

    def close(self) -> None:
        self._readers.dispose()

    def register(self, accounts: Sequence[Account], at: datetime) -> None:
        with self._writers.begin() as db:
            Ledger(db).register(accounts, to_us(at))

    def accounts(self, *, bot: bool | None = None) -> list[Account]:
        query = select(t.accounts).order_by(t.accounts.c.handle)
        if bot is not None:
            query = query.where(t.accounts.c.bot == bot)
        with self._readers.begin() as db:
            return [_account(row) for row in db.execute(query)]

    def account(self, handle: str) -> Account | None:
        with self._readers.begin() as db:
            row = db.execute(select(t.accounts).where(t.accounts.c.handle == handle_of(handle))).first()
            return None if row is None else _account(row)

    def publish(
        self,
        author: str,
        text: str,
        at: datetime,
        key: str,
        *,
        in_reply_to: str | None = None,
        labels: Sequence[str] = (),
        language: str = "en",
        visibility: Visibility = "public",
        spoiler_text: str = "",
    ) -> Status:
        """Post `text` as it is, once per author and key; with a key that is known, return the first status.

        Raises UnknownAccount or UnknownStatus; then nothing went out.
        """
        fields = {"key": key, "labels": list(labels), "language": language, "visibility": visibility}
        with self._writers.begin() as db:
            ledger = Ledger(db)
            if (account := ledger.account(author)) is None:
                raise UnknownAccount(handle=author)
            known = self._by_key(db, account, key)
            if known is not None:
                return known
            parent = None if in_reply_to is None else _number(in_reply_to)
            new = ledger.publish(
                account, text, to_us(at), parent=parent, fields=fields | {"spoiler_text": spoiler_text}
            )
            return self._some(db, [new])[new]

    def by_key(self, author: str, key: str) -> Status | None:
        """Return the status that `author` published with `key`, or None."""
        with self._readers.begin() as db:
            account = Ledger(db).account(author)
            return None if account is None else self._by_key(db, account, key)

    def _by_key(self, db: Connection, account: int, key: str) -> Status | None:
        s = t.statuses.c
        known = db.scalar(select(s.id).where(s.author_id == account, s.key == key))
        return None if known is None else self._some(db, [known])[known]

    def statuses(
        self,
        *,
        author: str | None = None,
        top_level: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        before_id: str | None = None,
        limit: int = 40,
    ) -> list[Status]:
        s = t.statuses.c
        query = select(s.id).where(s.boost_of.is_(None)).order_by(s.id.desc()).limit(limit)
        if top_level:
            query = query.where(s.in_reply_to_id.is_(None))
        if since is not None:
            query = query.where(s.id >= first_id(to_us(since)), s.created_at >= to_us(since))
        if until is not None:
            query = query.where(s.id < first_id(to_us(until) + 1000), s.created_at < to_us(until))
        if before_id is not None:
            query = query.where(s.id < _number(before_id))
        with self._readers.begin() as db:
            if author is not None:
                query = query.where(s.author_id == Ledger(db).account(author))
            ids = list(db.scalars(query))
            found = self._some(db, ids)
            return [found[i] for i in ids]

    def thread(self, status_id: str) -> list[Status]:
        s = t.statuses.c
        with self._readers.begin() as db:
            root = db.scalar(select(s.thread_id).where(s.id == _number(status_id)))
            ids = list(db.scalars(select(s.id).where(s.thread_id == root, s.boost_of.is_(None)).order_by(s.id)))
            found = self._some(db, ids)
            return [found[i] for i in ids]

    def following(self, handles: Sequence[str]) -> dict[str, set[str]]:
        wanted = {handle_of(h): h for h in handles}
        found: dict[str, set[str]] = {h: set() for h in handles}
        follower, target = t.accounts.alias(), t.accounts.alias()
        query = (
            select(follower.c.handle, target.c.handle)
            .select_from(t.follows)
            .join(follower, follower.c.id == t.follows.c.account_id)
            .join(target, target.c.id == t.follows.c.target_id)
        )
        if len(wanted) <= 1000:
            query = query.where(follower.c.handle.in_(sorted(wanted)))
        with self._readers.begin() as db:
            for who, whom in db.execute(query):
                if who in wanted:
                    found[wanted[who]].add(whom)
        return found

    def act(self, key: str, actions: Sequence[Action]) -> StepReport:
        with self._writers.begin() as db:
            if (done := self._step(db, key)) is not None:
                return done
            ledger = Ledger(db)
            ledger.accounts(h for a in actions for h in (a.actor, a.target) if h)
            took = [a for a in sorted(actions, key=lambda a: a.at) if ledger.carry_out(a)]
            counts: dict[str, int] = {}
            for kind in sorted(a.kind for a in took):
                counts[kind] = counts.get(kind, 0) + 1
            report = StepReport(key=key, counts=counts, digest=digest(key, [asdict(a) for a in took]))
            db.execute(insert(t.steps).values(key=key, report={"counts": counts, "digest": report.digest}))
            return report

    def step(self, key: str) -> StepReport | None:
        with self._readers.begin() as db:
            return self._step(db, key)

    def _step(self, db: Connection, key: str) -> StepReport | None:
        report = db.scalar(select(t.steps.c.report).where(t.steps.c.key == key))
        return None if report is None else StepReport(key=key, counts=report["counts"], digest=report["digest"])

    def notifications(
        self,
        handle: str,
        *,
        after_id: int = 0,
        until: datetime | None = None,
        kinds: Sequence[NoteKind] = (),
        limit: int | None = None,
    ) -> list[Notification]:
        """Return what the account was told, with an id above `after_id` and before `until`, by id."""
        n = t.notifications.c
        query = select(t.notifications).where(n.id > after_id).order_by(n.id).limit(limit)
        if until is not None:
            query = query.where(n.created_at < to_us(until))
        if kinds:
            query = query.where(n.kind.in_(list(kinds)))
        with self._readers.begin() as db:
            rows = db.execute(query.where(n.account_id == Ledger(db).account(handle))).all()
            senders = self._accounts(db, [row.from_id for row in rows])
            statuses = self._some(db, [row.status_id for row in rows if row.status_id is not None])
            return [
                Notification(
                    id=row.id,
                    kind=row.kind,
                    account=senders[row.from_id],
                    at=from_us(row.created_at),
                    status=None if row.status_id is None else statuses[row.status_id],
                )
                for row in rows
            ]

    def received(self, handle: str) -> dict[str, int]:
        """Return how many likes, boosts and replies the account's statuses have got, all in all."""
        s = t.statuses.c
        sums = select(*(func.coalesce(func.sum(c), 0) for c in (s.likes, s.boosts, s.replies)))
        with self._readers.begin() as db:
            row = db.execute(sums.where(s.author_id == Ledger(db).account(handle))).one()
            return dict(zip(("likes", "boosts", "replies"), map(int, row), strict=True))

    def forget(self, handles: Sequence[str]) -> int:
        with self._writers.begin() as db:
            return empty_accounts(db, handles)

    def digest(self) -> str:
        """Return one hex digest of all that is on the network, whatever order it was stored in."""
        with self._readers.begin() as db:
            return dump_digest(db)

    def _accounts(self, db: Connection, ids: Sequence[int]) -> dict[int, Account]:
        found: dict[int, Account] = {}
        for part in _parts(sorted(set(ids))):
            rows = db.execute(select(t.accounts).where(t.accounts.c.id.in_(part)))
            found.update({row.id: _account(row) for row in rows})
        return found

    def _some(self, db: Connection, ids: Sequence[int]) -> dict[int, Status]:
        rows = [
            row
            for part in _parts(sorted(set(ids)))
            for row in db.execute(select(t.statuses).where(t.statuses.c.id.in_(part)))
        ]
        authors = self._accounts(db, [row.author_id for row in rows])
        return {row.id: _status(row, authors[row.author_id]) for row in rows}


def _parts(ids: Sequence[int], size: int = 5000) -> list[Sequence[int]]:
    return [ids[i : i + size] for i in range(0, len(ids), size)]


def _number(status_id: str) -> int:
    return int(status_id) if status_id.isascii() and status_id.isdigit() and len(status_id) <= 18 else -1


def _name(number: int) -> str:
    return f"{number:018d}"


def _account(row: Row[Any]) -> Account:
    return Account(
        handle=row.handle,
        name=row.name,
        bio=row.bio,
        bot=row.bot,
        language=row.language,
        time_zone=row.time_zone,
        interests=tuple(row.interests),
        created_at=from_us(row.created_at),
        followers=row.followers,
        following=row.following,
        statuses=row.statuses,
    )


def _status(row: Row[Any], author: Account) -> Status:
    return Status(
        id=_name(row.id),
        author=author,
        text=row.text,
        at=from_us(row.created_at),
        in_reply_to=None if row.in_reply_to_id is None else _name(row.in_reply_to_id),
        thread_id=_name(row.thread_id),
        labels=tuple(row.labels),
        language=row.language,
        likes=row.likes,
        boosts=row.boosts,
        replies=row.replies,
    )
