"""FeedNetwork: the contract, and what it adds."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from persona.network import Account, Action, Network
from persona.testing.network_suite import START, NetworkSuite, action, after
from persona_feed import FeedNetwork
from persona_feed.errors import NetworkVersionUnknown, UnknownAccount, UnknownStatus
from persona_feed.extract import mentioned, tagged


class TestFeedNetwork(NetworkSuite):
    network_class: ClassVar[type[Network]] = FeedNetwork

    def post(self, network: Network, author: str, text: str, at: datetime) -> str:
        assert isinstance(network, FeedNetwork)
        return network.publish(author, text, at, f"{author}-{text}").id


def make(folder: Path) -> FeedNetwork:
    network = FeedNetwork.open(folder)
    network.register([Account(handle="ana", name="Ana", bot=True), Account(handle="bob"), Account(handle="cy")], START)
    return network


def test_ids_are_the_millisecond_and_the_place_in_it(tmp_path: Path) -> None:
    network = make(tmp_path)
    ids = [network.publish("ana", str(n), START, str(n)).id for n in range(3)]
    ms = int(START.timestamp() * 1000)
    assert [int(i) for i in ids] == [ms << 16, (ms << 16) + 1, (ms << 16) + 2]
    network.close()


def test_publish_gives_the_first_status_back_for_a_known_key(tmp_path: Path) -> None:
    network = make(tmp_path)
    first = network.publish("ana", "one", START, "k", labels=("#AI",), language="de")
    assert network.publish("ana", "other", after(9), "k") == first
    assert network.by_key("ana", "k") == first
    assert network.by_key("bob", "k") is None
    assert network.publish("bob", "one", START, "k").id != first.id
    assert (first.labels, first.language, first.thread_id) == (("#AI",), "de", first.id)
    network.close()


def test_publish_from_two_threads_makes_one_status_per_key(tmp_path: Path) -> None:
    networks = [make(tmp_path), make(tmp_path)]
    found: list[list[str]] = [[], []]

    def work(n: int) -> None:
        for i in range(40):
            found[n].append(networks[n].publish("ana", f"text {i}", after(i), f"k{i}").id)

    threads = [threading.Thread(target=work, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert len(networks[0].statuses(limit=100)) == 40
    for network in networks:
        network.close()


def test_publish_refuses_strangers_and_lost_parents(tmp_path: Path) -> None:
    network = make(tmp_path)
    with pytest.raises(UnknownAccount):
        network.publish("dee", "hi", START, "k")
    with pytest.raises(UnknownStatus):
        network.publish("ana", "hi", START, "k", in_reply_to="123")
    assert network.by_key("ana", "k") is None
    network.close()


@pytest.mark.parametrize(
    "text",
    ["<script>alert('x')</script><img src=x onerror=alert(1)>", "a\x00b\u202ec\u200b", "'); drop table statuses; --"],
)
def test_text_is_stored_as_it_is(tmp_path: Path, text: str) -> None:
    network = make(tmp_path)
    assert network.publish("ana", text, START, "k").text == text
    assert network.statuses()[0].text == text
    network.close()


def test_a_lone_surrogate_does_not_break_it(tmp_path: Path) -> None:
    network = make(tmp_path)
    assert network.publish("ana", "a\ud800b", START, "k").text == "a?b"
    network.close()


def test_notifications_tell_of_each_thing_once(tmp_path: Path) -> None:
    network = make(tmp_path)
    root = network.publish("ana", "hello @bob, @BOB and a@cy.example @nobody", START, "k")
    network.act(
        "s",
        [
            action("comment", "bob", root.id, 1, "thanks @ana! what says @cy?"),
            action("like", "cy", root.id, 2),
            action("boost", "cy", root.id, 3),
            action("follow", "cy", "ana", 4),
            action("like", "cy", root.id, 5),
        ],
    )
    network.publish("ana", "my own post, @ana", after(6), "k2")
    assert [(n.kind, n.account.handle) for n in network.notifications("ana")] == [
        ("reply", "bob"),
        ("like", "cy"),
        ("boost", "cy"),
        ("follow", "cy"),
    ]
    assert [(n.kind, n.account.handle) for n in network.notifications("bob")] == [("mention", "ana")]
    assert [n.kind for n in network.notifications("cy")] == ["mention"]
    assert [n.kind for n in network.notifications("ana", kinds=["like", "boost"], limit=1)] == ["like"]
    assert [n.kind for n in network.notifications("ana", until=after(2))] == ["reply"]
    assert network.received("ana") == {"likes": 1, "boosts": 1, "replies": 1}
    assert network.notifications("nobody") == []
    network.close()


def test_what_a_text_mentions_and_tags() -> None:
    assert mentioned("@Ann_b. (@cee) mail me@x.org https://h.example/@dee @e.f, @@g") == ["ann_b", "cee", "e.f"]
    assert tagged("#Tea, #tea #2026 #grün x#no https://h/#no &#39; #ad") == ["tea", "grün", "ad"]


def test_an_unknown_schema_version_is_refused(tmp_path: Path) -> None:
    make(tmp_path).close()
    with sqlite3.connect(tmp_path / "network.db") as db:
        db.execute("update about set value = '99' where name = 'schema_version'")
    db.close()
    with pytest.raises(NetworkVersionUnknown, match="99"):
        FeedNetwork.open(tmp_path)


def test_the_digest_tells_networks_apart_but_not_the_order_of_storing(tmp_path: Path) -> None:
    one, two = FeedNetwork.open(tmp_path / "1"), FeedNetwork.open(tmp_path / "2")
    accounts = [Account(handle=h) for h in ("ana", "bob", "cy")]
    one.register(accounts, START)
    two.register(accounts[::-1], START)
    for network, order in ((one, ("ana", "bob")), (two, ("bob", "ana"))):
        for author in order:
            network.publish(author, "hello @cy", after(1 if author == "ana" else 2), "k")
    assert one.digest() == two.digest()
    two.act("s", [action("follow", "bob", "ana")])
    assert one.digest() != two.digest()
    one.close()
    two.close()


WORK = """
    import os, sys
    from datetime import timedelta
    from pathlib import Path
    from persona.network import Account, Action
    from persona.testing.network_suite import START
    from persona_feed import FeedNetwork

    network = FeedNetwork.open(Path(sys.argv[1]))
    network.register([Account(handle=f"u{n}") for n in range(20)], START)
    for step in range(12):
        print(step, flush=True)
        post = network.publish("u0", f"post {step} @u1", START + timedelta(minutes=step), f"k{step}")
        at = START + timedelta(minutes=step, seconds=30)
        doings = [Action(kind="comment", actor=f"u{n}", target=post.id, at=at, text="hi @u0 #x") for n in range(1, 20)]
        doings += [Action(kind="like", actor=f"u{n}", target=post.id, at=at) for n in range(1, 20)]
        doings += [Action(kind="follow", actor=f"u{step + 1}", target="u0", at=at)]
        network.act(f"s{step}", doings)
    print(network.digest(), flush=True)
    network.close()
"""


def _work(folder: Path) -> subprocess.Popen[str]:
    script = textwrap.dedent(WORK)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, env=env, start_new_session=True
    )


def _end(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.split()[-1]


def test_killed_in_the_middle_of_a_step_it_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    whole = _end(_work(tmp_path / "whole"))
    for kill_at in (0, 4, 9):
        process = _work(tmp_path / "killed")
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == str(kill_at):
                break
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        process.stdout.close()
    assert _end(_work(tmp_path / "killed")) == whole


def test_actions_are_carried_out_in_the_order_of_time(tmp_path: Path) -> None:
    network = make(tmp_path)
    root = network.publish("ana", "hi", START, "k")
    late = Action(kind="comment", actor="bob", target=root.id, at=after(9), text="late")
    early = Action(kind="comment", actor="cy", target=root.id, at=after(3) + timedelta(microseconds=1), text="early")
    network.act("s", [late, early])
    assert [s.text for s in network.thread(root.id)] == ["hi", "early", "late"]
    network.close()
