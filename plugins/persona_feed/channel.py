"""The channel to the simulated network.

Checking a personas file imports this module, so what only an open channel needs is imported there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from persona.channel import Channel, Event, Limits, Outgoing, Poll, Promise, Seat, Sent, Standing
from persona.errors import ChannelError

if TYPE_CHECKING:
    from persona.network import Status

    from .network import Notification


class FeedChannel(Channel):
    """One persona's account on the simulated network of the data folder; made, and marked as a bot, on opening."""

    name = "feed"
    promise = Promise(kind="idempotent", window=timedelta(days=30))
    limits = Limits(max_chars=500)
    settings_model = "persona_feed.settings:FeedSettings"
    simulated = True

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        from persona.network import Account

        from .network import FeedNetwork
        from .settings import FeedSettings

        self.settings = FeedSettings.model_validate(dict(seat.settings))
        self.network = FeedNetwork.open(seat.folder)
        account = Account(handle=seat.handle, name=seat.name, bio=seat.bio, bot=True)
        self.network.register([account], seat.clock.now())

    def send(self, post: Outgoing) -> Sent:
        from .errors import UnknownStatus

        if not post.text.strip():
            raise ChannelError(channel=self.name, cause_text="the text is empty")
        if len(post.text) > self.limits.max_chars:
            cause = f"the text has {len(post.text)} characters, and {self.limits.max_chars} are allowed"
            raise ChannelError(channel=self.name, cause_text=cause)
        try:
            status = self.network.publish(
                self.seat.handle,
                post.text,
                self.seat.clock.now(),
                post.key,
                in_reply_to=post.in_reply_to,
                labels=post.labels,
                language=post.language,
                visibility=self.settings.visibility,
            )
        except UnknownStatus as error:
            raise ChannelError(channel=self.name, cause_text=str(error)) from error
        return self._sent(status)

    def find(self, key: str) -> Sent | None:
        status = self.network.by_key(self.seat.handle, key)
        return None if status is None else self._sent(status)

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        """Return what the account was told after `cursor` and before `until`, oldest first.

        An audience may store what will happen a little later. Such a notification is left for the poll it is due in,
        even when later ones of an earlier instant are returned before it: none is lost, none comes twice.
        """
        from .cursor import Cursor

        at = Cursor.parse(cursor)
        notes = self.network.notifications(self.seat.handle, after_id=at.low)
        new = [n for n in notes if n.id not in at.above and n.at < until]
        new.sort(key=lambda n: (n.at, n.id))
        after = at.advance([n.id for n in notes], {n.id for n in new})
        return Poll(events=[_event(n) for n in new], cursor=cursor if after == at else str(after))

    def standing(self) -> Standing:
        account = self.network.account(self.seat.handle)
        if account is None:
            return Standing()
        got = self.network.received(self.seat.handle)
        extra = {"following": account.following, "boosts": got["boosts"], "replies": got["replies"]}
        return Standing(followers=account.followers, posts=account.statuses, likes=got["likes"], extra=extra)

    def close(self) -> None:
        self.network.close()

    def _sent(self, status: Status) -> Sent:
        return Sent(id=status.id, url=f"/@{status.author.handle}/{status.id}")


def _event(note: Notification) -> Event:
    from persona.text import clean_line, clean_text

    status = note.status
    about: Sequence[str | None] = (None, None, None)
    # Named by what happened, not by the order of storing: keys are digests of these.
    if status is None:
        event_id = f"follow-{note.account.handle}-{note.at:%Y%m%dT%H%M%S%f}"
    elif note.kind in ("like", "boost"):
        event_id = f"{note.kind}-{status.id}-{note.account.handle}"
        about = (None, status.id, status.thread_id)
    else:
        event_id = f"{note.kind}-{status.id}"
        about = (status.id, status.in_reply_to, status.thread_id)
    says = status is not None and note.kind in ("mention", "reply")
    return Event(
        id=event_id,
        kind=note.kind,
        author=note.account.handle,
        at=note.at,
        text=clean_text(status.text) if status is not None and says else "",
        post_id=about[0],
        about_id=about[1],
        thread_id=about[2],
        author_name=clean_line(note.account.name),
        author_is_bot=note.account.bot,
    )
