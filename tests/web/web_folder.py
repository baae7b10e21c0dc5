"""A data folder with a small cast, a few days of posts, held drafts and traces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine
from starlette.applications import Starlette

from persona.approval import Approvals
from persona.clock import VirtualClock
from persona.definition import Definition
from persona.digest import digest
from persona.network import Account, Action
from persona.store import InboxRow, JournalRow, OutboxRow, PostRow, SlotRow, TraceRow, open_store, writing
from persona.web import create_app
from persona_feed import FeedNetwork

NOW = datetime(2026, 7, 16, 18, 40, tzinfo=UTC)
BASE = "http://localhost:8321"

CAST = [
    ("Odile Marchetti", "odile_bakes", "baker", "Europe/Lisbon", ["sourdough", "kitchen tools", "failures"]),
    ("Kaito Brandt", "kaito_rides", "cycling", "Europe/Berlin", ["city routes", "repairs"]),
    ("Wren Adeyemi", "wren_grows", "balcony garden", "Africa/Lagos", ["tomatoes", "soil", "bees"]),
    ("Tomás Quill", "tomas_reads", "books", "America/New_York", ["novels", "translations"]),
    ("Ines Halvorsen", "ines_mends", "mending", "America/Los_Angeles", ["darning", "denim"]),
]
BIOS = (
    "Bread, patience and butter. A virtual baker who cannot taste, so you must tell me.",
    "Night rides, bad maps, good brakes. Software on two wheels.",
    "Four pots, one rail, too many tomatoes. I only exist on screens.",
    "Reads slowly, argues politely. Written by software, about books written by people.",
    "Darning, patching and the art of keeping things. Virtual hands, real stitches: yours.",
)
PEOPLE = [
    ("mara_k", "Mara K."),
    ("bennyboy77", "Benny"),
    ("lowtide", "low tide"),
    ("sofia_p", "Sofia Pereira"),
    ("quietkettle", "Quiet Kettle"),
    ("jonas_h", "Jonas"),
    ("thepatch", "The Patch"),
    ("nkechi", "Nkechi O."),
]
# who, likes, text
POSTS = [
    (0, 8, "Day three of the rye starter. It smells like a wet apple, and that is right. What does yours smell like?"),
    (1, 5, "Found a lane behind the freight yard with no lights and perfect asphalt. Not telling where. Fine: ask me."),
    (2, 7, 'First tomato has turned from green to "maybe". I am told patience is a nutrient. 🍅'),
    (3, 6, "A translator is the only reader who never gets to skip a sentence. Say their name beside the author's."),
    (4, 8, "The hole is never where the cloth is weak. It is beside it. Darn one finger's width further than that."),
    (0, 2, "The Fold Board costs €24, is beech, and comes with a linen cloth. That is all, and it is enough."),
    (1, 4, "If your brakes sing, clean them. If they hum, align them. If they scream, walk. Right, @odile_bakes?"),
    (2, 8, "Bees found the basil. I did not plant it for bees, but I will be saying that I did. #balcony"),
]


@dataclass(kw_only=True)
class Folder:
    """A filled data folder and what is in it by name."""

    engine: Engine
    network: FeedNetwork
    definition: Definition
    clock: VirtualClock
    approvals: Approvals
    path: Path
    roots: list[str]
    held: list[int]
    posted: list[int]

    def app(self, **changes: Any) -> Starlette:
        given: dict[str, Any] = {
            "engine": self.engine,
            "definition": self.definition,
            "network": self.network,
            "token": None,
            "approvals": self.approvals,
            "clock": self.clock,
        }
        return create_app(**(given | changes))


def persona(bio: str, name: str, handle: str, trade: str, zone: str, topics: list[str]) -> Any:
    return {
        "name": name,
        "handle": handle,
        "bio": bio,
        "trade": trade,
        "voice": ("warm", "dry"),
        "topics": tuple({"name": topic} for topic in topics),
        "time_zone": zone,
        "slots": ({"name": "morning", "at": "08:30"},),
        "channels": {"feed": {}},
    }


def definition() -> Definition:
    return Definition.model_validate(
        {"personas": tuple(persona(bio, *row) for bio, row in zip(BIOS, CAST, strict=True))}
    )


def outbox(number: int, handle: str, text: str, at: datetime, **more: Any) -> OutboxRow:
    labels = more.pop("labels", ["#AI"])
    return OutboxRow(
        id=number,
        key=digest("outbox", number),
        persona=handle,
        channel="feed",
        kind=more.pop("kind", "post"),
        due_at=at,
        body=text,
        text=" ".join((text, *labels)),
        labels=labels,
        drafted_at=at - timedelta(hours=2),
        **more,
    )


def trace(outbox_id: int, text: str, at: datetime, *, decision: str = "publish", **body: Any) -> TraceRow:
    findings = [{"rule": "duplicate", "decision": "hold", "reason": "it is 0.91 like what was said on Monday"}]
    full = {
        "cue": {"kind": "slot", "slot": "morning", "local": "2026-07-16 08:30", "topic": "sourdough"},
        "recalled": [
            {
                "id": "r1",
                "kind": "post",
                "author": "odile_bakes",
                "text": "My rye starter is called Gerald now. You voted.",
                "score": 0.83,
                "reason": "relevance 0.71, recency 0.08, importance 0.04",
            },
            {
                "id": "r2",
                "kind": "told",
                "author": "mara_k",
                "text": "mine smells like nail polish, should I worry?",
                "score": 0.61,
                "reason": "relevance 0.55, recency 0.04, importance 0.02",
            },
        ],
        "messages": [
            {"role": "system", "content": "You write as Odile Marchetti, a virtual baker. Short, warm, dry."},
            {"role": "user", "content": "Write one post about: sourdough. At most 40 words."},
        ],
        "candidates": [
            {"text": text, "logprob": -1.32, "score": 0.78, "parts": {"fluency": 0.7, "fresh": 0.9}, "chosen": True},
            {"text": "Starters are nice.", "logprob": -2.4, "score": 0.31, "parts": {"fresh": 0.4}, "chosen": False},
        ],
        "verdict": {"decision": decision, "findings": findings if decision != "publish" else []},
    }
    return TraceRow(outbox_id=outbox_id, at=at, model="pocket (SmolLM2-135M-Instruct)", seed="72", body=full | body)


def journal(number: int, handle: str, kind: str) -> JournalRow:
    return JournalRow(
        record_id=digest("record", number),
        persona=handle,
        kind=kind,
        text="something remembered",
        at=NOW - timedelta(hours=number),
        author=handle,
        source="test",
        importance=0.5,
        trust=1.0,
        language="en",
        model="test",
        dimensions=2,
        vector=np.array([0, 1], dtype="<f4").tobytes(),
    )


def fill(path: Path) -> Folder:
    """Make the folder; the same every time."""
    engine, network, cast = open_store(path), FeedNetwork.open(path), definition()
    start = NOW - timedelta(days=4)
    people = [Account(handle=handle, name=name, bio="Here for the bread.") for handle, name in PEOPLE]
    network.register([Account(handle=p.handle, name=p.name, bio=p.bio, bot=True) for p in cast.personas], start)
    network.register(people, start)
    follows = [
        Action(kind="follow", actor=who.handle, target=p.handle, at=start + timedelta(minutes=n * 8 + m))
        for n, who in enumerate(people)
        for m, p in enumerate(cast.personas)
        if (n + m) % 3
    ]
    network.act("follows", follows)
    roots, posted, rows = [], [], []
    for n, (who, likes, text) in enumerate(POSTS):
        handle = cast.personas[who].handle
        at = NOW - timedelta(hours=7 * (len(POSTS) - n) - 5, minutes=11 * n)
        labels = ["#AI", "#ad"] if "€" in text else ["#AI"]
        row = outbox(n + 1, handle, text, at, labels=labels, state="sent", sending_at=at, sent_at=at)
        status = network.publish(handle, row.text, at, row.key, labels=tuple(labels))
        row.remote_id = status.id
        post = PostRow(
            outbox_id=n + 1, persona=handle, channel="feed", kind="post", text=row.text, at=at, remote_id=status.id
        )
        rows += [row, post, trace(n + 1, text, at)]
        roots.append(status.id)
        posted.append(n + 1)
        actions = [
            Action(kind="like", actor=who.handle, target=status.id, at=at + timedelta(minutes=m))
            for m, who in enumerate(people[:likes])
        ]
        network.act(f"likes {n}", actions)
    said = [
        (0, "mara_k", "mine smells like nail polish, should I worry?"),
        (0, "bennyboy77", "wet apple and, respectfully, feet"),
        (2, "nkechi", 'Mine have been at "maybe" for two weeks. Send help.'),
        (4, "thepatch", "this fixed my favourite jumper, thank you @ines_mends"),
    ]
    for n, (root, who_said, text) in enumerate(said):
        at = NOW - timedelta(hours=3, minutes=50 - n)
        network.act(f"said {n}", [Action(kind="comment", actor=who_said, target=roots[root], at=at, text=text)])
    asked = next(s for s in network.thread(roots[0]) if s.author.handle == "mara_k")
    reply = "Nail polish means hungry, @mara_k. Feed it twice a day for two days and it will forgive you."
    at = NOW - timedelta(hours=3)
    network.publish("odile_bakes", f"{reply} #AI", at, "reply-0", in_reply_to=asked.id, labels=("#AI",))
    held = [
        outbox(
            101,
            "odile_bakes",
            "The Fold Board is 30% off this week, only for you!",
            NOW + timedelta(hours=2),
            labels=["#AI", "#ad"],
            state="held",
            reasons=["facts: the number 30% is in no product's facts", "approval: promotions wait for a person"],
        ),
        outbox(
            102,
            "wren_grows",
            "I ate the first tomato today and it was glorious.",
            NOW - timedelta(minutes=20),
            state="held",
            kind="reply",
            inbox_id=1,
            reasons=["honesty: it claims a bodily experience"],
        ),
    ]
    heard = InboxRow(
        id=1,
        persona="wren_grows",
        channel="feed",
        remote_id="n1",
        kind="reply",
        author="nkechi",
        at=NOW - timedelta(hours=1),
        text="Did you taste it?? How was it?",
        post_id="9",
        state="taken",
    )
    slots = [
        SlotRow(persona=p.handle, name="morning", local_date=due.date(), due_at=due)
        for p in cast.personas
        for due in (NOW + timedelta(days=d, hours=3) for d in range(3))
    ]
    kinds = ("canon", "post", "reply", "told", "post", "told")
    with writing(engine) as session:
        session.add(heard)
        session.add_all(slots)
        session.add_all([*rows, *held, *(trace(h.id, h.body, NOW, decision="hold") for h in held)])
        session.add_all(journal(n, "odile_bakes", kind) for n, kind in enumerate(kinds))
    return Folder(
        engine=engine,
        network=network,
        definition=cast,
        clock=VirtualClock(NOW),
        approvals=Approvals(engine),
        path=path,
        roots=roots,
        held=[101, 102],
        posted=posted,
    )
