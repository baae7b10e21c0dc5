"""The schema as plain shapes. Made from the models by `python -m persona.definition._describe`; do not edit."""

from datetime import date, time, timedelta
from types import NoneType

from . import checks, values
from ._shapes import Anything, Choice, Either, Exactly, Made, Many, Part, Table, Text

EMOJI = Part({"max": Exactly(int, ge=0, le=20), "allowed": Many(Text())}, defaults={"max": 1, "allowed": ()})
ANGLE = Part({"about": Text(least=1, most=2000), "say": Text(most=2000)}, required=("about",), defaults={"say": ""})
TOPIC = Part(
    {
        "name": Text(least=1, most=80),
        "weight": Exactly(float, int, gt=0, le=100),
        "angles": Many(Made(values.angle, ANGLE)),
    },
    required=("name",),
    defaults={"weight": 1.0, "angles": ()},
)
SAMPLE_REPLY = Part(
    {"comment": Text(least=1, most=2000), "text": Text(least=1, most=2000)}, required=("comment", "text")
)
SAMPLES = Part(
    {"posts": Many(Text(least=1, most=2000)), "replies": Many(SAMPLE_REPLY)}, defaults={"posts": (), "replies": ()}
)
SLOT_RULE = Part(
    {
        "name": Text(pattern="[a-z0-9][a-z0-9_-]{0,39}"),
        "at": Either(Exactly(NoneType), Made(values.wall_time, Exactly(time))),
        "days": Made(values.days, Many(Choice("mon", "tue", "wed", "thu", "fri", "sat", "sun"), least=1)),
        "jitter": Made(values.duration, Exactly(timedelta, le=timedelta(seconds=43200))),
        "cron": Either(Exactly(NoneType), Text(most=80)),
    },
    required=("name",),
    rule=checks.slot,
    defaults={
        "at": None,
        "days": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        "jitter": timedelta(seconds=0),
        "cron": None,
    },
)
QUIET_HOURS = Part(
    {"start": Made(values.wall_time, Exactly(time)), "end": Made(values.wall_time, Exactly(time))},
    required=("start", "end"),
    rule=checks.quiet_hours,
)
CALL_RATE = Part(
    {
        "calls": Exactly(int, ge=1, le=1000000),
        "window": Made(values.duration, Exactly(timedelta, ge=timedelta(seconds=1), le=timedelta(seconds=604800))),
    },
    required=("calls", "window"),
)
DELIVERY = Part(
    {
        "late": Choice("post", "drop", "ask"),
        "grace": Made(values.duration, Exactly(timedelta, ge=timedelta(seconds=60), le=timedelta(seconds=604800))),
        "crisis": Many(Text(least=1, most=80)),
        "rates": Table(Text(least=1, most=80), CALL_RATE),
    },
    defaults={"late": "drop", "grace": timedelta(seconds=21600), "crisis": (), "rates": {}},
)
DELAY = Part(
    {"least": Made(values.duration, Exactly(timedelta)), "most": Made(values.duration, Exactly(timedelta))},
    rule=checks.delay,
    defaults={"least": timedelta(seconds=300), "most": timedelta(seconds=5400)},
)
REPLY_POLICY = Part(
    {
        "to": Many(Choice("mention", "reply", "message", "follow")),
        "per_thread": Exactly(int, ge=0, le=100),
        "per_author": Exactly(int, ge=0, le=100),
        "per_day": Exactly(int, ge=0, le=10000),
        "delay": DELAY,
    },
    defaults={
        "to": ("mention", "reply", "message"),
        "per_thread": 3,
        "per_author": 3,
        "per_day": 30,
        "delay": DELAY.fit({}),
    },
)
PRICE = Part(
    {"input": Exactly(float, int, ge=0, le=10000), "output": Exactly(float, int, ge=0, le=10000)},
    defaults={"input": 0.0, "output": 0.0},
)
BUDGET = Part(
    {
        "tokens": Either(Exactly(NoneType), Exactly(int, gt=0, le=1000000000000)),
        "money": Either(Exactly(NoneType), Exactly(float, int, gt=0, le=1000000)),
    },
    rule=checks.budget,
    defaults={"tokens": None, "money": None},
)
WRITER_MODEL = Part(
    {
        "model": Text(least=1, most=400),
        "revision": Either(Exactly(NoneType), Text(pattern="[0-9a-f]{40}")),
        "base_url": Either(Exactly(NoneType), Text(most=400)),
        "api_key": Either(Exactly(NoneType), Text(pattern="env:[A-Za-z_][A-Za-z0-9_]*")),
        "timeout": Made(values.duration, Exactly(timedelta, ge=timedelta(seconds=1), le=timedelta(seconds=3600))),
        "retries": Exactly(int, ge=0, le=10),
        "requests_per_minute": Either(Exactly(NoneType), Exactly(int, ge=1, le=100000)),
        "price": Either(Exactly(NoneType), PRICE),
        "budget": Either(Exactly(NoneType), BUDGET),
        "reads": Either(Exactly(NoneType), Choice("briefs", "chat")),
        "device": Choice("cpu", "cuda", "mps", "auto"),
        "options": Made(values.settings, Table(Text(), Anything())),
    },
    rule=checks.writer,
    defaults={
        "model": "pocket",
        "revision": None,
        "base_url": None,
        "api_key": None,
        "timeout": timedelta(seconds=60),
        "retries": 3,
        "requests_per_minute": None,
        "price": None,
        "budget": None,
        "reads": None,
        "device": "cpu",
        "options": {},
    },
)
WRITER_SETTINGS = Part(
    {
        "model": Text(least=1, most=400),
        "revision": Either(Exactly(NoneType), Text(pattern="[0-9a-f]{40}")),
        "base_url": Either(Exactly(NoneType), Text(most=400)),
        "api_key": Either(Exactly(NoneType), Text(pattern="env:[A-Za-z_][A-Za-z0-9_]*")),
        "timeout": Made(values.duration, Exactly(timedelta, ge=timedelta(seconds=1), le=timedelta(seconds=3600))),
        "retries": Exactly(int, ge=0, le=10),
        "requests_per_minute": Either(Exactly(NoneType), Exactly(int, ge=1, le=100000)),
        "price": Either(Exactly(NoneType), PRICE),
        "budget": Either(Exactly(NoneType), BUDGET),
        "reads": Either(Exactly(NoneType), Choice("briefs", "chat")),
        "device": Choice("cpu", "cuda", "mps", "auto"),
        "options": Made(values.settings, Table(Text(), Anything())),
        "fallback": Either(Exactly(NoneType), Made(values.writer, WRITER_MODEL)),
        "temperature": Exactly(float, int, ge=0, le=2),
        "top_p": Exactly(float, int, gt=0, le=1),
        "top_k": Exactly(int, ge=0, le=1000),
        "repetition_penalty": Exactly(float, int, ge=1, le=2),
        "candidates": Exactly(int, ge=1, le=16),
        "max_tokens": Exactly(int, ge=8, le=1000),
    },
    rule=checks.writer,
    defaults={
        "model": "pocket",
        "revision": None,
        "base_url": None,
        "api_key": None,
        "timeout": timedelta(seconds=60),
        "retries": 3,
        "requests_per_minute": None,
        "price": None,
        "budget": None,
        "reads": None,
        "device": "cpu",
        "options": {},
        "fallback": None,
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 40,
        "repetition_penalty": 1.1,
        "candidates": 3,
        "max_tokens": 70,
    },
)
RECALL_WEIGHTS = Part(
    {
        "relevance": Exactly(float, int, ge=0, le=10),
        "words": Exactly(float, int, ge=0, le=10),
        "neighbours": Exactly(float, int, ge=0, le=0.9),
        "time": Exactly(float, int, ge=0, le=10),
        "recency": Exactly(float, int, ge=0, le=10),
        "importance": Exactly(float, int, ge=0, le=10),
        "kinds": Table(
            Choice("canon", "post", "reply", "told", "fact", "promise", "insight", "performance"),
            Exactly(float, int, ge=0, le=10),
        ),
    },
    defaults={
        "relevance": 1.0,
        "words": 0.7,
        "neighbours": 0.45,
        "time": 3.5,
        "recency": 0.2,
        "importance": 0.1,
        "kinds": {},
    },
)
MEMORY_SETTINGS = Part(
    {
        "store": Text(pattern="[a-z0-9][a-z0-9_-]{0,39}"),
        "recall": Exactly(int, ge=0, le=20),
        "weights": RECALL_WEIGHTS,
        "half_life": Made(values.duration, Exactly(timedelta)),
        "people": Choice("off", "told", "consent"),
        "per_author": Exactly(int, ge=0, le=1000),
        "embedding": Text(least=1, most=400),
        "url": Either(Exactly(NoneType), Text(most=400)),
        "retention": Table(
            Choice("post", "reply", "told", "fact", "promise", "insight", "performance"),
            Made(values.duration, Exactly(timedelta)),
        ),
    },
    rule=checks.memory,
    defaults={
        "store": "chroma",
        "recall": 4,
        "weights": RECALL_WEIGHTS.fit({}),
        "half_life": timedelta(seconds=604800),
        "people": "told",
        "per_author": 5,
        "embedding": "default",
        "url": None,
        "retention": {},
    },
)
DISCLOSURE = Part(
    {
        "ai": Text(least=2, most=40),
        "ad": Text(least=2, most=40),
        "on_replies": Exactly(bool),
        "answer": Text(least=10, most=280),
    },
    defaults={
        "ai": "#AI",
        "ad": "#ad",
        "on_replies": True,
        "answer": "I am a virtual character, written by software. No human is typing this.",
    },
)
PERSONA = Part(
    {
        "name": Text(least=1, most=80),
        "handle": Text(pattern="[a-z0-9_]{2,30}"),
        "bio": Text(least=1, most=2000),
        "trade": Text(most=80),
        "country": Text(pattern="([A-Z]{2})?"),
        "language": Text(pattern="[a-z]{2,3}"),
        "voice": Many(Text(least=1, most=80), least=1),
        "style": Many(Text(least=1, most=2000)),
        "emoji": EMOJI,
        "topics": Many(TOPIC, least=1),
        "samples": SAMPLES,
        "canon": Many(Text(least=1, most=2000)),
        "do": Many(Text(least=1, most=2000)),
        "dont": Many(Text(least=1, most=2000)),
        "banned": Many(Text(least=1, most=80)),
        "time_zone": Made(checks.time_zone, Text(most=60)),
        "slots": Many(SLOT_RULE, least=1),
        "holidays": Many(Made(values.local_date, Exactly(date))),
        "quiet_hours": Either(Exactly(NoneType), QUIET_HOURS),
        "delivery": DELIVERY,
        "replies": REPLY_POLICY,
        "channels": Table(Text(), Made(values.settings, Table(Text(), Anything())), least=1),
        "approval": Choice("auto", "promo", "all"),
        "writer": Made(values.writer, WRITER_SETTINGS),
        "memory": MEMORY_SETTINGS,
        "disclosure": DISCLOSURE,
        "products": Many(Text(pattern="[a-z0-9][a-z0-9_-]{0,39}")),
        "promos_per_week": Exactly(int, ge=0, le=50),
    },
    required=("name", "handle", "bio", "voice", "topics", "time_zone", "slots", "channels"),
    defaults={
        "trade": "",
        "country": "",
        "language": "en",
        "style": (),
        "emoji": EMOJI.fit({}),
        "samples": SAMPLES.fit({}),
        "canon": (),
        "do": (),
        "dont": (),
        "banned": (),
        "holidays": (),
        "quiet_hours": None,
        "delivery": DELIVERY.fit({}),
        "replies": REPLY_POLICY.fit({}),
        "approval": "auto",
        "writer": WRITER_SETTINGS.fit({}),
        "memory": MEMORY_SETTINGS.fit({}),
        "disclosure": DISCLOSURE.fit({}),
        "products": (),
        "promos_per_week": 1,
    },
)
PRODUCT = Part(
    {
        "id": Text(pattern="[a-z0-9][a-z0-9_-]{0,39}"),
        "name": Text(least=1, most=80),
        "price": Text(most=40),
        "facts": Many(Text(least=1, most=2000), least=1),
        "offer": Text(most=200),
    },
    required=("id", "name", "facts"),
    defaults={"price": "", "offer": ""},
)
DEFINITION = Part(
    {"personas": Many(PERSONA, least=1), "products": Many(PRODUCT)},
    required=("personas",),
    rule=checks.across,
    defaults={"products": ()},
)
