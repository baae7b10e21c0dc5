"""What every simulated network must do. Subclass `NetworkSuite` in a test module and give it your network:

class TestFeed(NetworkSuite):
    network_class = FeedNetwork
    def post(self, network, author, text, at): ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from persona.network import Account, Action, ActionKind, Network

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def after(minutes: float) -> datetime:
    """Return the instant so many minutes after the suite's start."""
    return START + timedelta(minutes=minutes)


def action(kind: ActionKind, actor: str, target: str, minutes: float = 5, text: str = "") -> Action:
    """Return an action, so many minutes after the suite's start."""
    return Action(kind=kind, actor=actor, target=target, at=after(minutes), text=text)


class NetworkSuite(ABC):
    """The conformance suite of the network contract."""

    network_class: ClassVar[type[Network]]

    @abstractmethod
    def post(self, network: Network, author: str, text: str, at: datetime) -> str:
        """Publish a top-level post as `author` and return its id."""

    @pytest.fixture
    def network(self, tmp_path: Path) -> Iterator[Network]:
        network = self.network_class.open(tmp_path)
        network.register([Account(handle="ana", name="Ana", bot=True)], START)
        network.register([Account(handle=h, name=h.title(), interests=("tea",)) for h in ("bob", "cy")], START)
        yield network
        network.close()

    def test_accounts_come_by_handle_and_by_flag(self, network: Network) -> None:
        assert [a.handle for a in network.accounts()] == ["ana", "bob", "cy"]
        assert [a.handle for a in network.accounts(bot=True)] == ["ana"]
        assert [a.handle for a in network.accounts(bot=False)] == ["bob", "cy"]
        assert network.account("dee") is None
        bob = network.account("bob")
        assert bob is not None
        assert (bob.interests, bob.followers, bob.created_at) == (("tea",), 0, START)

    def test_registering_again_updates_name_bio_and_flag(self, network: Network) -> None:
        network.act("f", [action("follow", "bob", "ana")])
        network.register([Account(handle="ANA", name="Ana B", bio="new", bot=False)], after(60))
        ana = network.account("ana")
        assert ana is not None
        assert (ana.name, ana.bio, ana.bot, ana.followers, ana.created_at) == ("Ana B", "new", False, 1, START)

    def test_statuses_newest_first_within_bounds(self, network: Network) -> None:
        ids = [self.post(network, "ana", f"post {n}", after(n)) for n in range(5)]
        assert len({len(i) for i in ids}) == 1
        assert ids == sorted(ids)
        assert [s.id for s in network.statuses()] == ids[::-1]
        assert [s.id for s in network.statuses(limit=2)] == ids[:2:-1]
        assert [s.id for s in network.statuses(since=after(1), until=after(3))] == [ids[2], ids[1]]
        assert [s.id for s in network.statuses(before_id=ids[1])] == [ids[0]]
        assert network.statuses(author="bob") == []
        assert network.statuses(author="nobody") == []

    def test_a_comment_is_a_reply_in_the_thread(self, network: Network) -> None:
        root = self.post(network, "ana", "tea?", after(0))
        network.act("a", [action("comment", "bob", root, 1, "yes <b>please</b>")])
        first = network.thread(root)[1]
        network.act("b", [action("comment", "cy", first.id, 2, "me too")])
        thread = network.thread(first.id)
        assert [s.text for s in thread] == ["tea?", "yes <b>please</b>", "me too"]
        assert [s.in_reply_to for s in thread] == [None, root, first.id]
        assert {s.thread_id for s in thread} == {root}
        assert [s.replies for s in thread] == [1, 1, 0]
        assert [s.id for s in network.statuses(top_level=True)] == [root]
        assert network.thread("000") == []

    def test_likes_boosts_and_follows_count_once(self, network: Network) -> None:
        root = self.post(network, "ana", "tea?", after(0))
        doings = [
            action("like", "bob", root),
            action("like", "bob", root, 6),
            action("boost", "bob", root),
            action("boost", "bob", root, 6),
            action("follow", "bob", "ana"),
            action("follow", "bob", "ana", 6),
            action("unfollow", "cy", "ana"),
            action("follow", "cy", "ana"),
            action("unfollow", "cy", "ana", 7),
        ]
        report = network.act("a", doings)
        assert dict(report.counts) == {"boost": 1, "follow": 2, "like": 1, "unfollow": 1}
        status = network.thread(root)[0]
        assert (status.likes, status.boosts) == (1, 1)
        assert network.following(["bob", "cy", "nobody"]) == {"bob": {"ana"}, "cy": set(), "nobody": set()}
        ana = network.account("ana")
        assert ana is not None
        assert (ana.followers, ana.following) == (1, 0)

    def test_what_has_no_effect_is_passed_over(self, network: Network) -> None:
        doings = [
            action("like", "bob", "999999999999999999"),
            action("comment", "bob", "not an id", text="hi"),
            action("follow", "bob", "nobody"),
            action("follow", "nobody", "ana"),
            action("follow", "bob", "bob"),
        ]
        assert dict(network.act("a", doings).counts) == {}

    def test_a_step_is_done_once(self, network: Network) -> None:
        root = self.post(network, "ana", "tea?", after(0))
        assert network.step("a") is None
        report = network.act("a", [action("like", "bob", root), action("comment", "cy", root, text="yes")])
        assert network.act("a", [action("follow", "bob", "ana")]) == report
        assert network.step("a") == report
        assert len(network.thread(root)) == 2
        assert network.following(["bob"]) == {"bob": set()}

    def test_a_failing_step_leaves_nothing(self, network: Network) -> None:
        root = self.post(network, "ana", "tea?", after(0))
        naive = Action(kind="like", actor="cy", target=root, at=after(6).replace(tzinfo=None))
        with pytest.raises((TypeError, ValueError)):
            network.act("a", [action("like", "bob", root), naive])
        assert network.step("a") is None
        assert network.thread(root)[0].likes == 0

    def test_it_is_all_there_when_opened_again(self, network: Network, tmp_path: Path) -> None:
        root = self.post(network, "ana", "tea?", after(0))
        report = network.act("a", [action("comment", "bob", root, text="yes")])
        accounts = network.accounts()
        network.close()
        network.close()
        again = self.network_class.open(tmp_path)
        assert again.accounts() == accounts
        assert [s.text for s in again.thread(root)] == ["tea?", "yes"]
        assert again.step("a") == report
        again.close()
