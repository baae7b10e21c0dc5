"""FeedChannel: the contract, and what it hears."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from persona.channel import Channel, Outgoing, Seat
from persona.clock import VirtualClock
from persona.errors import ChannelError
from persona.network import Account
from persona.testing.channel_suite import ChannelSuite
from persona.testing.channels import make_seat
from persona.testing.network_suite import START, action, after
from persona_feed import FeedChannel
from persona_feed.cursor import Cursor


class TestFeedChannel(ChannelSuite):
    def open(self, seat: Seat) -> Channel:
        return FeedChannel(seat)


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[FeedChannel]:
    channel = FeedChannel(make_seat(folder=tmp_path, clock=VirtualClock(START)))
    channel.network.register([Account(handle=h, name=h.title()) for h in ("bob", "cy")], START)
    yield channel
    channel.close()


def test_the_account_is_marked_as_a_bot(channel: FeedChannel) -> None:
    account = channel.network.account("ana")
    assert account is not None
    assert (account.bot, account.name, account.bio) == (True, "Ana", "Ana, a virtual character.")


def test_each_kind_of_event(channel: FeedChannel) -> None:
    sent = channel.send(Outgoing(key="k", text="tea?"))
    network = channel.network
    own = network.publish("bob", "have you seen @ana?", after(1), "b")
    network.act(
        "s",
        [
            action("comment", "bob", sent.id, 2, "@ana a reply that mentions is one event"),
            action("like", "cy", sent.id, 3),
            action("boost", "cy", sent.id, 4),
            action("follow", "cy", "ana", 5),
        ],
    )
    events = channel.poll(None, after(60)).events
    assert [(e.kind, e.author) for e in events] == [
        ("mention", "bob"),
        ("reply", "bob"),
        ("like", "cy"),
        ("boost", "cy"),
        ("follow", "cy"),
    ]
    mention, reply, like, _, follow = events
    assert (mention.post_id, mention.about_id, mention.thread_id) == (own.id, None, own.id)
    assert (reply.about_id, reply.thread_id, reply.author_name) == (sent.id, sent.id, "Bob")
    assert reply.post_id not in (None, sent.id)
    assert (like.post_id, like.about_id, like.text) == (None, sent.id, "")
    assert (follow.about_id, follow.text) == (None, "")
    standing = channel.standing()
    assert (standing.followers, standing.posts, standing.likes) == (1, 1, 1)


def test_the_cursor_goes_on_where_it_was(channel: FeedChannel) -> None:
    sent = channel.send(Outgoing(key="k", text="tea?"))
    channel.network.act("s", [action("comment", "bob", sent.id, m, f"at {m}") for m in (1, 2, 3)])
    first = channel.poll(None, after(2))
    assert [e.text for e in first.events] == ["at 1"]
    assert channel.poll(None, after(2)) == first
    second = channel.poll(first.cursor, after(60))
    assert [e.text for e in second.events] == ["at 2", "at 3"]
    empty = channel.poll(second.cursor, after(60))
    assert (empty.events, empty.cursor) == ([], second.cursor)


def test_what_was_stored_ahead_of_time_is_neither_lost_nor_doubled(channel: FeedChannel) -> None:
    sent = channel.send(Outgoing(key="k", text="tea?"))
    channel.network.act("ahead", [action("comment", "bob", sent.id, 30, "later")])
    channel.network.act("now", [action("comment", "cy", sent.id, 10, "sooner")])
    first = channel.poll(None, after(20))
    assert [e.text for e in first.events] == ["sooner"]
    assert channel.poll(first.cursor, after(20)).events == []
    second = channel.poll(first.cursor, after(40))
    assert [e.text for e in second.events] == ["later"]
    assert channel.poll(second.cursor, after(40)).events == []


def test_cursors_read_what_they_write() -> None:
    for cursor in (Cursor(), Cursor(low=7), Cursor(low=7, above=frozenset({9, 12}))):
        assert Cursor.parse(str(cursor)) == cursor
    with pytest.raises(ValueError):
        Cursor.parse("x")


def test_heard_text_is_cut_and_cleaned(channel: FeedChannel) -> None:
    sent = channel.send(Outgoing(key="k", text="tea?"))
    raw = "hi\u200b \u202eana\U000e0041 " + "x" * 3000
    channel.network.act("s", [action("comment", "bob", sent.id, 1, raw)])
    (event,) = channel.poll(None, after(5)).events
    assert event.text.startswith("hi ana xxx")
    assert len(event.text) <= 2000


def test_it_posts_at_the_clocks_time_and_with_its_settings(tmp_path: Path) -> None:
    channel = FeedChannel(make_seat(folder=tmp_path, clock=VirtualClock(after(7)), visibility="unlisted"))
    sent = channel.send(Outgoing(key="k", text="tea?", labels=("#AI",), language="de"))
    found = channel.find("k")
    assert found == sent
    assert channel.find("other") is None
    (status,) = channel.network.statuses()
    assert (status.at, status.labels, status.language) == (after(7), ("#AI",), "de")
    channel.close()


def test_what_cannot_go_out_is_refused(channel: FeedChannel) -> None:
    with pytest.raises(ChannelError, match="501 characters"):
        channel.send(Outgoing(key="k", text="x" * 501))
    with pytest.raises(ChannelError, match="empty"):
        channel.send(Outgoing(key="k", text=" \n"))
    with pytest.raises(ChannelError, match="No status"):
        channel.send(Outgoing(key="k", text="hi", in_reply_to="12"))
    assert channel.network.statuses() == []


def test_unknown_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        FeedChannel(make_seat(folder=tmp_path, visiblity="public"))


def test_its_settings_are_there_without_sql() -> None:
    code = (
        "import sys, persona_feed; persona_feed.FeedChannel; persona_feed.FeedSettings.model_json_schema();"
        "sys.exit(any(m in sys.modules for m in ('sqlalchemy', 'numpy', 'torch', 'chromadb')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
