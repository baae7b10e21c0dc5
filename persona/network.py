"""The contract of a simulated social network: what an audience acts on and what the page shows.

A network comes in by the entry point group `persona.networks`. Its channel of the same name posts to it.
Handles are written without "@". Instants are aware and in UTC.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

ActionKind = Literal["like", "boost", "follow", "unfollow", "comment"]


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account. `bot` is the network's automation flag; `interests` are free words an audience may use."""

    handle: str
    name: str = ""
    bio: str = ""
    bot: bool = False
    language: str = "en"
    time_zone: str = "UTC"
    interests: tuple[str, ...] = ()
    created_at: datetime | None = None
    followers: int = 0
    following: int = 0
    statuses: int = 0


@dataclass(frozen=True, kw_only=True)
class Status:
    """One post or comment on the network. `id` sorts by time as a string of digits of equal length."""

    id: str
    author: Account
    text: str
    at: datetime
    in_reply_to: str | None = None
    thread_id: str | None = None
    labels: tuple[str, ...] = ()
    language: str = "en"
    likes: int = 0
    boosts: int = 0
    replies: int = 0


@dataclass(frozen=True, kw_only=True)
class Action:
    """What one account does at one instant. `target` is a handle for follow and unfollow, else a status id."""

    kind: ActionKind
    actor: str
    target: str
    at: datetime
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """What one step of an audience did: counts by kind of action that took effect, and their digest."""

    key: str
    counts: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""


class Network(ABC):
    """A social network in a box, stored in one data folder."""

    @classmethod
    @abstractmethod
    def open(cls, folder: Path) -> Self:
        """Open the network kept in `folder`, or make it. Safe for one writer and many readers."""

    @abstractmethod
    def register(self, accounts: Sequence[Account], at: datetime) -> None:
        """Make these accounts; update name, bio and flag of those that are there already."""

    @abstractmethod
    def accounts(self, *, bot: bool | None = None) -> list[Account]:
        """Return all accounts with their counts, by handle; only (non-)automated ones if `bot` is given."""

    @abstractmethod
    def account(self, handle: str) -> Account | None:
        """Return one account, or None."""

    @abstractmethod
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
        """Return statuses, newest first. `since` is inclusive, `until` exclusive; `top_level` leaves replies out."""

    @abstractmethod
    def thread(self, status_id: str) -> list[Status]:
        """Return the whole thread that the status belongs to, oldest first; empty if there is none."""

    @abstractmethod
    def following(self, handles: Sequence[str]) -> dict[str, set[str]]:
        """Return, for each handle, the handles it follows."""

    @abstractmethod
    def act(self, key: str, actions: Sequence[Action]) -> StepReport:
        """Carry out `actions` in one transaction, once per `key`.

        Called again with a key that is done it changes nothing and returns the first report. An action that has no
        effect (a second like, a status that is gone) is passed over and not counted.
        """

    @abstractmethod
    def step(self, key: str) -> StepReport | None:
        """Return the report of a step that is done, or None."""

    def forget(self, handles: Sequence[str]) -> int:
        """Empty all that these accounts said and replace their names everywhere; return how many statuses changed.

        What others said stays. Idempotent. Raises NotImplementedError where a network cannot.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot forget an account")

    @abstractmethod
    def close(self) -> None:
        """Let go of the files. Does nothing if it is closed already."""
