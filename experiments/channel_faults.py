"""Thousands of sends over real HTTP to a network that fails three times in ten: is one lost, is one doubled?

`python -m experiments.channel_faults [--posts 10000] [--share 0.3] [--quick] [--json]`
Half of the posts go to a network that knows keys, half to one that only shows a paged timeline. Faults: the answer
hangs, before or after the post is kept; the connection is reset before or after; 200 with torn JSON; 429 with
Retry-After in seconds or as a date; 500, kept or not, also in storms; a revoked token; a post that is not to be seen
for 60 s. Clock and network share one virtual time; timeouts are real and short. The auditor judges the network's log.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from experiments._cli import finish, parser
from experiments._clock import START
from experiments._judged import handed_on, judged
from experiments._lives import first_tick
from experiments._world import daily_plan, open_world, people
from persona import gate
from persona.channel import Channel, Poll, Seat
from persona.runner import Runner
from persona.store import writing
from persona.testing.clock import SettableClock
from persona.testing.faulty import FAULTS, FaultyNetwork, NetworkFault
from persona.testing.faulty_channel import FaultyChannel

PERSONAS = 10
EVERY = 10
TIMES = tuple((f"t@{m // 60:02d}:{m % 60:02d}", timedelta(minutes=m)) for m in range(0, 24 * 60, EVERY))
STEP = timedelta(minutes=1)
TIMEOUT = 0.15
WINDOW = {"idempotent": 86400.0 * 30, "readback": 180.0}
Kind = Literal["idempotent", "readback"]


class Weather:
    """Draws what happens to each send: single faults, and now and then a storm of 500s."""

    def __init__(self, seed: str, share: float) -> None:
        self._draw, self._share, self._storm = random.Random(seed), share, 0
        self.counts: Counter[str] = Counter()

    def __call__(self) -> NetworkFault | None:
        if self._storm:
            self._storm -= 1
            return self._counted(NetworkFault(kind=self._draw.choice(("error", "error_after"))))
        if self._draw.random() < 0.002:
            self._storm = self._draw.randint(5, 15)
        if self._draw.random() >= self._share:
            return None
        kind = self._draw.choice(FAULTS)
        seconds = {"hang": 0.4, "hang_after": 0.4, "late": 60.0}.get(kind, float(self._draw.randint(10, 120)))
        return self._counted(NetworkFault(kind=kind, seconds=seconds))

    def _counted(self, fault: NetworkFault) -> NetworkFault:
        self.counts[fault.kind] += 1
        return fault


class SeldomPolled(FaultyChannel):
    """Asks for events every tenth minute only: sends are what is examined."""

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        return super().poll(cursor, until) if until.minute % 10 == 5 else Poll(events=(), cursor=cursor)


def run(kind: Kind, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Send half of the posts to one kind of network; return the auditor's report and what the network counted."""
    definition = people(PERSONAS, ({"name": "t", "cron": f"*/{EVERY} * * * *"},), channels=("faulty",))
    hours = args.posts / 2 / (PERSONAS * 60 / EVERY)
    until = START + timedelta(hours=hours)
    clock, weather = SettableClock(START), Weather(f"{args.seed}:{kind}", args.share)
    draw, revoked = random.Random(args.seed), dict[str, datetime]()
    revocations = 0
    first_tick(folder / "data", definition)
    network = FaultyNetwork(draw=weather, honours_keys=kind == "idempotent", clock=lambda: clock.now().timestamp())
    with network:

        def opener(seat: Seat) -> Channel:
            settings = {"url": network.url, "promise": kind, "window": WINDOW[kind], "timeout": TIMEOUT}
            return SeldomPolled(replace(seat, settings=settings))

        parts = open_world(folder / "data", definition, clock=clock, channels={"faulty": opener})
        runner = Runner(parts)
        runner.start(START)
        # After the last due time there are two hours of fair weather to settle in.
        while clock.now() < until + timedelta(hours=2):
            if clock.now() >= until:
                network.draw = None
            elif draw.random() < args.revoke:
                handle = draw.choice(definition.personas).handle
                if handle not in revoked:
                    revocations += 1
                    network.revoked.add(handle)
                    revoked[handle] = clock.now() + timedelta(minutes=draw.randint(5, 90))
            for handle, at in list(revoked.items()):
                if at <= clock.now():
                    # A person gives the account a new token, and says so.
                    network.revoked.discard(handle)
                    del revoked[handle]
                    with writing(parts.store) as session:
                        gate.resume(session, clock.now(), by="an operator", persona=handle)
            runner.tick(clock.now())
            clock.advance(STEP)
        log = [
            {
                "at": datetime.fromtimestamp(post.at, UTC).isoformat(),
                "account": post.account,
                "text": post.text,
                "key": post.key,
                "id": post.id,
            }
            for post in network.posts
        ]
        sends = [call for call in network.calls if call.method == "POST" and call.at < until.timestamp()]
        plan = daily_plan(definition, TIMES, channel="faulty", start=START, until=until)
        due = {row["key"] for row in plan}
        seen = [row for row in log if row["key"] in due]
        report = judged(folder, plan, seen, handed_on(parts.store, "faulty"), late=timedelta(hours=6))
        parts.close()
    return {
        "network": kind,
        **report,
        "sends": len(sends),
        "calls": len(network.calls),
        "faults": sum(weather.counts.values()),
        "fault_kinds": dict(sorted(weather.counts.items())),
        "faults_found": report["faults"],
        "calls_before_retry_after": len(network.early),
        "revocations": revocations,
        "calls_while_revoked": len(network.while_revoked),
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run both networks and add up."""
    rows = []
    cpu = time.process_time()
    with tempfile.TemporaryDirectory(prefix="persona-faults-") as name:
        for kind in ("idempotent", "readback"):
            (Path(name) / kind).mkdir()
            rows.append(run(kind, args, Path(name) / kind))
    judged = ("planned", "seen", "parked", "lost", "doubled", "unlabelled", "unplanned", "unexplained", "sends")
    names = (*judged, "calls", "faults", "calls_before_retry_after", "revocations", "calls_while_revoked")
    total = {name: sum(row[name] for row in rows) for name in names}
    return {
        **total,
        "share_of_sends_with_a_fault": round(total["faults"] / max(total["sends"], 1), 3),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "networks": rows,
    }


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--posts", type=int, default=10_000)
    arguments.add_argument("--share", type=float, default=0.3)
    arguments.add_argument("--revoke", type=float, default=0.004, help="share of ticks in which a token is revoked")
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args(argv)
    if args.quick:
        args.posts = 240
    logging.getLogger("persona").setLevel(logging.CRITICAL)
    found = measure(args)
    wrong = ("lost", "doubled", "unlabelled", "unplanned", "unexplained", "calls_before_retry_after")
    once = found["calls_while_revoked"] <= found["revocations"]
    return finish(found, args, ok=once and not any(found[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
