"""Personas among bots for a week: does an answer ever answer itself round and round?

`python -m experiments.loops [--days 7] [--quick] [--json]`
Two own personas, whom a person of the team brings together under a post each day, an echo bot that says back
whatever it hears, and an unflagged bot that asks on under every post and every answer, live on the simulated network.
Goals: at most three answers per pair and thread, own posts never answered, the daily caps never passed, counted on
the network by the persona's local day.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from experiments._cli import finish, parser
from experiments._clock import START
from experiments._world import PlainWriter, Registry, people
from persona.clock import VirtualClock
from persona.definition import Definition
from persona.network import Account, Status
from persona.parts import open_parts
from persona.runner import Runner
from persona.testing.memory import RamMemory
from persona_feed import FeedChannel, FeedNetwork

PER_PAIR = 3
CAP = 12
STEP = timedelta(minutes=10)
BOTS = (Account(handle="echo_bot", name="Echo", bot=True), Account(handle="dora_real", name="Dora", bot=False))


def cast() -> Definition:
    """Return two personas who answer all they can."""
    replies = {
        "to": ("mention", "reply"),
        "per_day": CAP,
        "per_author": 50,
        "delay": {"least": timedelta(minutes=1), "most": timedelta(minutes=90)},
    }
    slots = tuple({"name": f"s{hour}", "cron": f"15 {hour} * * *"} for hour in (1, 8, 10, 12, 14, 16, 18, 20, 22, 23))
    return people(2, slots, channels=("feed",), zones=("Europe/Berlin", "America/New_York"), replies=replies)


class Bots:
    """The two bots: each answers every status that it has not answered, as soon as it sees it."""

    def __init__(self, network: FeedNetwork) -> None:
        self._network, self._done = network, {bot.handle: set[str]() for bot in BOTS}
        self.by_hand: set[str] = set()

    def introduce(self, now: datetime) -> None:
        """Answer each persona's last post by hand from the other's account, as its operator may."""
        for author, other in (("persona0", "persona1"), ("persona1", "persona0")):
            for post in self._network.statuses(author=author, top_level=True, limit=1):
                text = "Would you two not like to talk about this for a while?"
                said = self._network.publish(other, text, now, f"{other}:{post.id}", in_reply_to=post.id)
                self.by_hand.add(said.id)

    def live(self, now: datetime) -> None:
        """Answer what the personas said since."""
        for status in reversed(self._network.statuses(since=now - timedelta(hours=6), until=now, limit=500)):
            for bot in BOTS:
                if status.author.handle == bot.handle or status.id in self._done[bot.handle]:
                    continue
                self._done[bot.handle].add(status.id)
                if not status.author.handle.startswith("persona"):
                    continue
                text = status.text if bot.bot else f"And what do you think of number {status.id[-6:]}, dear friend?"
                key = f"{bot.handle}:{status.id}"
                self._network.publish(bot.handle, text[:400], now, key, in_reply_to=status.id)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Let them live together, then count on the network."""
    definition, clock, writer = cast(), VirtualClock(START), PlainWriter()
    with tempfile.TemporaryDirectory(prefix="persona-loops-") as name:
        parts = open_parts(
            definition,
            registry=Registry({"feed": FeedChannel}),
            folder=Path(name),
            clock=clock,
            seed=7,
            open_writer=lambda persona: writer,
            rehearsal=False,
            memory=RamMemory(),
        )
        network = FeedNetwork.open(Path(name))
        network.register(BOTS, START)
        bots, runner, end = Bots(network), Runner(parts), START + timedelta(days=args.days)
        runner.start(START)
        while clock.now() < end:
            runner.tick(clock.now())
            clock.set(clock.now() + STEP)
            bots.live(clock.now())
            if clock.now().hour == 13 and clock.now().minute < STEP.seconds // 60:
                bots.introduce(clock.now())
        statuses = network.statuses(limit=1_000_000)
        network.close()
        parts.close()
    return counted([s for s in statuses if s.id not in bots.by_hand], statuses, definition)


def counted(statuses: list[Status], everything: list[Status], definition: Definition) -> dict[str, Any]:
    """Count answers by pair and thread, to oneself, and by local day."""
    by_id = {status.id: status for status in everything}
    own = {persona.handle: ZoneInfo(persona.time_zone) for persona in definition.personas}
    pairs: Counter[tuple[str, str, str]] = Counter()
    days: Counter[tuple[str, Any]] = Counter()
    to_self = 0
    for status in statuses:
        handle = status.author.handle
        if handle not in own or status.in_reply_to is None:
            continue
        to = by_id[status.in_reply_to].author.handle
        pairs[handle, to, status.thread_id or status.id] += 1
        days[handle, status.at.astimezone(own[handle]).date()] += 1
        to_self += to == handle
    said = Counter(status.author.handle for status in statuses)
    return {
        "statuses": len(statuses),
        "by_author": dict(sorted(said.items())),
        "answers": sum(days.values()),
        "answers_between_own": sum(n for (a, b, _), n in pairs.items() if a in own and b in own),
        "most_per_pair_and_thread": max(pairs.values(), default=0),
        "answers_to_oneself": to_self,
        "most_in_a_day": max(days.values(), default=0),
        "cap": CAP,
    }


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--days", type=int, default=7)
    args = arguments.parse_args(argv)
    if args.quick:
        args.days = 2
    found = measure(args)
    ok = found["most_per_pair_and_thread"] <= PER_PAIR and not found["answers_to_oneself"]
    return finish(found, args, ok=ok and 0 < found["most_in_a_day"] <= CAP)


if __name__ == "__main__":
    sys.exit(main())
