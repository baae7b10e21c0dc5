"""The contract of a channel: where a persona posts, and from where it hears.

A plugin is one subclass of `Channel` with a `name`; only `send` must be written. It comes in by the entry point
group `persona.channels`, or as a file in the project's `plugins/` folder. The engine calls a channel from one
thread at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from .clock import Clock

EventKind = Literal["mention", "reply", "follow", "message", "like", "boost"]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a channel can do against posting twice; it decides how a post found in `sending` is resolved.

    `idempotent`: sending the same key again within `window` gives the first post back.
    `readback`: `find(key)` tells whether a post went out, at the latest `window` after it was sent.
    `at_most_once`: neither; an uncertain post is parked as `unknown` for a person.
    """

    kind: Literal["idempotent", "readback", "at_most_once"]
    window: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a channel accepts. `max_chars` counts Unicode code points of the whole text, labels included."""

    max_chars: int = 500


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How many calls of one account a network allows within any `window`: sends, look-ups and polls together."""

    calls: int
    window: timedelta


@dataclass(frozen=True, kw_only=True)
class Seat:
    """What a channel is given when it is opened for one persona.

    `folder` is the data folder, the place for files of the channel's own; `settings` has been validated and its
    `env:NAME` values resolved.
    """

    persona: str
    handle: str
    name: str
    bio: str
    settings: Mapping[str, Any]
    folder: Path
    clock: Clock
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One text on its way out. `key` is stable over retries; `text` already carries its labels."""

    key: str
    text: str
    in_reply_to: str | None = None
    labels: tuple[str, ...] = ()
    language: str = "en"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the channel says of a post that is out. `id` is the channel's own name for it."""

    id: str
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened on a channel and concerns the persona.

    `id` is unique per channel and persona. `text` is what the author wrote, as data. `post_id` is the post that the
    event itself is (a comment's own id, to answer to), `about_id` the post it is about, `thread_id` the first post
    of the thread.
    """

    id: str
    kind: EventKind
    author: str
    at: datetime
    text: str = ""
    post_id: str | None = None
    about_id: str | None = None
    thread_id: str | None = None
    author_name: str = ""
    author_is_bot: bool = False


@dataclass(frozen=True, kw_only=True)
class Poll:
    """What is new since a cursor. `cursor` is opaque to the engine and is stored with the events it covers."""

    events: Sequence[Event]
    cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the account stands on the channel; -1 where the channel does not tell."""

    followers: int = -1
    posts: int = -1
    likes: int = -1
    extra: Mapping[str, int] = field(default_factory=dict)


class Channel(ABC):
    """One account on one network. Subclass it, set `name`, write `send`."""

    name: str
    promise: Promise = Promise(kind="at_most_once")
    limits: Limits = Limits()
    rate: Rate | None = None
    """None: as many calls as there are. A persona's `delivery.rates` may allow fewer or more."""
    settings_model: ClassVar[type[Any] | str | None] = None
    """A pydantic model of the channel's settings in YAML; None: it has none, and any key is refused.

    `module:Model` names one that is imported only where a persona gives settings; each of its keys has a default.
    """
    simulated: ClassVar[bool] = False
    """True where nothing leaves this machine. In a rehearsal, any other channel is stood in for by the network."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    @abstractmethod
    def send(self, post: Outgoing) -> Sent:
        """Put `post` out and return the network's name for it.

        Raises ChannelError when it surely did not go out (it will be tried again), PostRefused when it never will,
        ChannelRefused when the account is not let in (the channel is stopped until a person resumes it), and
        SendUncertain when it is not known whether it went out. Any other exception counts as uncertain. Each takes
        `retry_after`; no call is made before. A call that never returns holds up this channel only.
        """

    def find(self, key: str) -> Sent | None:
        """Return the post that was sent with `key`, or None if there is none. Needed only for `readback`."""
        return None

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        """Return what happened after `cursor` and before `until` (exclusive), oldest first.

        Called again with the same cursor it returns the same events: the engine may have died before it kept them.
        Raises ChannelError or ChannelRefused as `send` does.
        """
        return Poll(events=(), cursor=cursor)

    def standing(self) -> Standing:
        """Return the account's counts now."""
        return Standing()

    def close(self) -> None:  # noqa: B027 - most channels hold nothing
        """Let go of what the channel holds. Does nothing if it is closed already."""
