"""Audience: repeatable, plausible, and about the posts."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from persona.audience import Audience, CommentBank, Rates
from persona.audience import audience as module
from persona.definition import Persona, Product
from persona.network import Account, Status
from persona.writer import Candidate, Writer, WriteRequest, Written
from persona_feed import FeedNetwork

START = datetime(2026, 3, 2, tzinfo=UTC)
HALF = timedelta(minutes=30)
POSTS = (
    "The first loaf of the week is for the neighbours. Leave it at the door and ring the bell twice.",
    "A good knife is a quiet knife. Mine has been silent since the autumn.",
    "Somebody asked about the sourdough. It lives behind the kettle, and it answers to Gerald.",
    "Salt the water. Then salt it again. Then taste the soup and apologise to the spoon.",
)


def make_persona(handle: str, *topics: str) -> Persona:
    return Persona.model_validate(
        {
            "name": handle.title(),
            "handle": handle,
            "bio": "A virtual character.",
            "voice": ("warm",),
            "topics": tuple({"name": t} for t in topics),
            "time_zone": "UTC",
            "slots": ({"name": "morning", "at": "08:00"},),
            "channels": {"feed": {}},
        }
    )


@pytest.fixture
def personas() -> list[Persona]:
    return [
        make_persona("ana", "bread", "sharp knives", "soup"),
        make_persona("ben", "night trains", "old maps"),
        make_persona("cora", "house plants", "balcony light"),
    ]


def open_network(folder: Path, personas: list[Persona]) -> FeedNetwork:
    network = FeedNetwork.open(folder)
    network.register([Account(handle=p.handle, name=p.name, bot=True) for p in personas], START)
    return network


def post_daily(network: FeedNetwork, personas: list[Persona], step: int) -> None:
    """Publish two posts a day per persona, as the clock comes by."""
    for place, persona in enumerate(personas):
        if step % 48 in (15 + place, 35 + place):
            text = POSTS[(step // 20 + place) % len(POSTS)]
            network.publish(persona.handle, text, START + timedelta(minutes=30 * step + 7), f"{step}")


@pytest.fixture
def network(tmp_path: Path, personas: list[Persona]) -> Iterator[FeedNetwork]:
    network = open_network(tmp_path, personas)
    yield network
    network.close()


class FakeWriter(Writer):
    """Answers every request with the same texts."""

    name = "fake"

    def __init__(self, *texts: str, error: str = "") -> None:
        self.texts, self.error = texts, error
        self.requests: list[WriteRequest] = []

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        self.requests += requests
        candidates = tuple(Candidate(text=t) for t in self.texts)
        return [Written(id=r.id, candidates=candidates, error=self.error) for r in requests]


def live(
    network: FeedNetwork, audience: Audience, personas: list[Persona], days: float, *, answer: bool = False
) -> list[Status]:
    """Run the audience for so many days and return all comments, oldest first."""
    audience.populate(START)
    answered: set[str] = set()
    for step in range(int(days * 48)):
        post_daily(network, personas, step)
        start = START + step * HALF
        audience.step(start, start + HALF)
        for persona in personas if answer else ():
            for note in network.notifications(persona.handle, until=start + HALF, kinds=["reply"]):
                assert note.status is not None
                if note.status.id not in answered:
                    answered.add(note.status.id)
                    network.publish(
                        persona.handle,
                        "Thank you for the bell.",
                        start + HALF,
                        note.status.id,
                        in_reply_to=note.status.id,
                    )
    return [s for s in network.statuses(limit=5000)[::-1] if not s.author.bot]


def test_populate_is_idempotent_and_various(network: FeedNetwork, personas: list[Persona]) -> None:
    audience = Audience(network, seed=7, personas=personas)
    audience.populate(START)
    before = network.digest()
    Audience(network, seed=7, personas=personas).populate(START + HALF)
    assert network.digest() == before
    people = network.accounts(bot=False)
    assert len(people) == 150
    assert len({p.time_zone for p in people}) > 20
    assert {p.language for p in people} == {"en"}
    assert any("soup" in p.interests for p in people)
    assert Audience(network, seed=8, personas=personas).people != audience.people


def test_the_same_seed_gives_the_same_network(tmp_path: Path, personas: list[Persona]) -> None:
    digests = []
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        network = open_network(tmp_path / name, personas)
        live(network, Audience(network, seed=seed, personas=personas), personas, 1, answer=True)
        digests.append(network.digest())
        network.close()
    assert digests[0] == digests[1] != digests[2]


def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not(tmp_path: Path, personas: list[Persona]) -> None:
    whole = open_network(tmp_path / "whole", personas)
    live(whole, Audience(whole, seed=7, personas=personas), personas, 1)
    cut = open_network(tmp_path / "cut", personas)
    for days in (0.4, 0.6, 1):
        live(cut, Audience(cut, seed=7, personas=personas), personas, days)
    assert cut.digest() == whole.digest()
    whole.close()
    cut.close()


def test_a_step_that_is_done_is_not_decided_again(
    network: FeedNetwork, personas: list[Persona], monkeypatch: pytest.MonkeyPatch
) -> None:
    audience = Audience(network, seed=7, personas=personas)
    audience.populate(START)
    post_daily(network, personas, 15)
    start = START + 15 * HALF
    report = audience.step(start, start + HALF)
    monkeypatch.setattr(module, "look", None)
    assert audience.step(start, start + HALF) == report
    assert report.key == "audience:2026-03-02T08:00:00+00:00"


def test_counts_are_plausible(network: FeedNetwork, personas: list[Persona]) -> None:
    comments = live(network, Audience(network, seed=7, personas=personas), personas, 4, answer=True)
    posts = [s for s in network.statuses(top_level=True, limit=5000) if s.author.bot]
    assert len(posts) == 24
    top = [c for c in comments if c.in_reply_to == c.thread_id]
    assert 1.5 < len(top) / len(posts) < 3.5
    assert 8 < sum(p.likes for p in posts) / len(posts) < 20
    assert 3 < len(comments) - len(top) < len(top)
    followers = [network.account(p.handle) for p in personas]
    assert all(a is not None and 3 < a.followers < 60 for a in followers)
    hours = Counter(c.at.hour for c in comments)
    assert sum(hours[h] for h in range(1, 7)) < len(comments) / 5


def test_everything_happens_within_the_step_and_after_its_cause(network: FeedNetwork, personas: list[Persona]) -> None:
    comments = live(network, Audience(network, seed=3, personas=personas), personas, 2, answer=True)
    at = {s.id: s.at for s in network.statuses(limit=5000)}
    assert comments
    assert all(c.at > at[c.in_reply_to or ""] for c in comments)
    assert max(at.values()) <= START + timedelta(days=2)


def test_comments_are_about_the_post_and_seldom_the_same(network: FeedNetwork, personas: list[Persona]) -> None:
    comments = live(network, Audience(network, seed=7, personas=personas), personas, 4)
    texts = [c.text.casefold() for c in comments]
    assert not any("{" in t for t in texts)
    assert max(Counter(texts).values()) <= 2
    assert all(n == 1 for n in Counter((c.thread_id, c.text.casefold()) for c in comments).values())
    assert all(n == 1 for n in Counter((c.thread_id, c.author.handle) for c in comments).values())
    nouns = ("loaf", "bell", "door", "knife", "kettle", "spoon", "water", "soup", "sourdough", "neighbours", "autumn")
    assert sum(any(n in t for n in nouns) for t in texts) > len(texts) / 3


def test_who_was_here_before_comes_back_and_says_so(network: FeedNetwork, personas: list[Persona]) -> None:
    audience = Audience(network, seed=7, personas=personas, rates=Rates(comments_per_post=6, come_back=1.0))
    comments = live(network, audience, personas, 3, answer=True)
    later = {audience.bank.line_of(c.later) for c in audience.bank.lines if c.later}
    lines = [audience.bank.line_of(c.text) for c in comments]
    again = [n for n in lines if n is not None and audience.bank.lines[n].intent == "returning"]
    stories = {
        (c.author.handle, line.later)
        for c in comments
        if (n := audience.bank.line_of(c.text)) is not None and (line := audience.bank.lines[n]).later
    }
    assert len(again) > 8
    assert stories
    assert later == {None}


def test_a_product_is_asked_about(network: FeedNetwork, personas: list[Persona]) -> None:
    product = Product(id="mug", name="Harbour Mug", price="€14", facts=("holds 300 ml",))
    audience = Audience(
        network, seed=7, personas=personas, products=[product], rates=Rates(comments_per_post=30, come_back=0)
    )
    audience.populate(START)
    at = START + 20 * HALF
    text = "Fill the Harbour Mug to the brim: it holds 300 ml. €14. #ad"
    network.publish("ana", text, at + timedelta(minutes=1), "k", labels=("#AI", "#ad"))
    for step in range(20, 30):
        audience.step(START + step * HALF, START + (step + 1) * HALF)
    said = " ".join(s.text.lower() for s in network.statuses(limit=500) if not s.author.bot)
    assert "harbour mug" in said
    assert "how much" in said or "ship" in said or "size" in said


def test_a_writer_says_a_share_of_the_comments(network: FeedNetwork, personas: list[Persona]) -> None:
    good = 'Sure thing, my own bell broke on sunday! "quoted"', "my own bell broke on sunday, what a sound"
    writer = FakeWriter(*good)
    audience = Audience(network, seed=7, personas=personas, writer=writer, writer_share=1.0)
    comments = live(network, audience, personas, 1)
    written = [c for c in comments if "broke on sunday" in c.text.lower()]
    assert written
    assert len(writer.requests) >= len(written)
    assert len(written) == 1
    assert not any('"' in c.text for c in comments)
    first = writer.requests[0]
    assert first.messages[0].role == "system"
    assert len({r.id for r in writer.requests}) == len({r.seed for r in writer.requests}) == len(writer.requests)


@pytest.mark.parametrize(
    "writer",
    [
        FakeWriter(),
        FakeWriter("", "#bread is life", "As an AI language model I like it", "Here is a comment: nice"),
        FakeWriter("The first loaf of the week is for the neighbours.", "ok", error="out of memory"),
    ],
)
def test_the_bank_speaks_where_the_writer_fails(tmp_path: Path, personas: list[Persona], writer: FakeWriter) -> None:
    plain, helped = open_network(tmp_path / "1", personas), open_network(tmp_path / "2", personas)
    live(plain, Audience(plain, seed=7, personas=personas), personas, 0.5)
    live(helped, Audience(helped, seed=7, personas=personas, writer=writer, writer_share=1.0), personas, 0.5)
    assert writer.requests
    assert helped.digest() == plain.digest()
    plain.close()
    helped.close()


def test_nobody_and_nothing_to_do(network: FeedNetwork, personas: list[Persona]) -> None:
    nobody = Audience(network, seed=7, personas=personas, size=0)
    nobody.populate(START)
    assert dict(nobody.step(START, START + HALF).counts) == {}
    unseen = Audience(network, seed=7, personas=[make_persona("dora", "tea")])
    unseen.populate(START)
    assert dict(unseen.step(START + HALF, START + 2 * HALF).counts) == {}


def test_a_hostile_post_does_no_harm(network: FeedNetwork, personas: list[Persona]) -> None:
    audience = Audience(network, seed=7, personas=personas, rates=Rates(comments_per_post=20))
    audience.populate(START)
    network.register([Account(handle="ana", name="{word} {0} %s <b>", bot=True)], START)
    for n, text in enumerate(("{topic} {past} the {word}", "\u202e\x00 the " + "x" * 400, "🐢", "the 's ' -- the")):
        network.publish("ana", text, START + timedelta(hours=8, minutes=n), f"k{n}")
    report = audience.step(START + timedelta(hours=8), START + timedelta(hours=9))
    assert report.counts["comment"] > 10


def test_it_is_built_on_the_contract_alone() -> None:
    code = (
        "import sys, persona.audience; sys.exit(any(m in sys.modules for m in ('persona_feed', 'torch', 'chromadb')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_comments_of_a_file_are_used(network: FeedNetwork, personas: list[Persona], tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    path.write_text('{"intent": "praise", "text": "zebra number one"}\n{"intent": "question", "text": "zebra two?"}\n')
    audience = Audience(
        network, seed=7, personas=personas, comments=CommentBank.load(path), rates=Rates(comments_per_post=60)
    )
    comments = live(network, audience, personas, 1)
    assert any("zebra" in c.text.lower() for c in comments)
