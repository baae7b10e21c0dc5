"""Clock jumps of an hour, a day and a night's suspend, back and forth: is a post doubled, is one lost in silence?

`python -m experiments.clock_jumps [--jumps 500] [--quick] [--json]`
Three personas post every half hour to a channel that takes whatever it is given, twice too. Between two jumps the
tick is called every simulated minute a few times. What a jump makes more than the product's grace late is left out
by design, with its reason; anything else that is missing is lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from experiments._cli import finish, parser
from experiments._clock import START
from experiments._judged import handed_on, judged
from experiments._lives import first_tick
from experiments._world import daily_plan, open_world, people
from persona.channel import Channel, Outgoing, Promise, Seat, Sent
from persona.runner import Runner
from persona.testing.clock import SettableClock

JUMPS = {
    "an hour on": timedelta(hours=1),
    "an hour back": timedelta(hours=-1),
    "a day on": timedelta(days=1),
    "a day back": timedelta(days=-1),
    "suspended for 8 hours": timedelta(hours=8),
}
TIMES = tuple((f"t@{m // 60:02d}:{m % 60:02d}", timedelta(minutes=m)) for m in range(0, 24 * 60, 30))


class Loose(Channel):
    """Puts out whatever it is sent, as often as it is sent: what is doubled here was sent twice."""

    name = "wire"
    promise = Promise(kind="idempotent", window=timedelta(days=30))

    def __init__(self, seat: Seat, log: list[dict[str, Any]]) -> None:
        super().__init__(seat)
        self._log = log

    def send(self, post: Outgoing) -> Sent:
        row = {"at": self.seat.clock.now().isoformat(), "account": self.seat.handle, "text": post.text, "key": post.key}
        self._log.append(row)
        return Sent(id=str(len(self._log)))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Jump, tick, and let the auditor judge what went out."""
    definition = people(3, ({"name": "t", "cron": "*/30 * * * *"},))
    draw, log = random.Random(args.seed), list[dict[str, Any]]()
    clock, done = SettableClock(START), dict.fromkeys(JUMPS, 0)
    highest = START
    with tempfile.TemporaryDirectory(prefix="persona-jumps-") as name:
        folder = Path(name)
        first_tick(folder / "data", definition)
        parts = open_world(folder / "data", definition, clock=clock, channels={"wire": lambda seat: Loose(seat, log)})
        runner = Runner(parts)
        runner.start(START)

        def live(minutes: int) -> datetime:
            for _ in range(0, minutes, 5):
                runner.tick(clock.now())
                clock.advance(minutes=5)
            return clock.now()

        for _ in range(args.jumps):
            highest = max(highest, live(draw.randint(30, 240)))
            # A jump back beyond the start would leave the plan; one on is then as good.
            kind = draw.choice([kind for kind, step in JUMPS.items() if clock.now() + step >= START])
            clock.advance(JUMPS[kind])
            done[kind] += 1
        # The clock is right again, and everything that is due can go out.
        clock.set(max(highest, clock.now()))
        until = clock.now()
        live(90)
        plan = daily_plan(definition, TIMES, channel="wire", start=START, until=until)
        due = {row["key"] for row in plan}
        seen = [row for row in log if row["key"] in due or row["at"] <= until.isoformat()]
        report = judged(folder, plan, seen, handed_on(parts.store), late=timedelta(days=2))
        parts.close()
    return {"jumps": sum(done.values()), "kinds": done, "days": (until - START).days, **report}


def main(argv: list[str] | None = None) -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--jumps", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args(argv)
    if args.quick:
        args.jumps = min(args.jumps, 12)
    found = measure(args)
    wrong = ("doubled", "lost", "unlabelled", "unplanned", "unexplained", "early")
    return finish(found, args, ok=not any(found[kind] for kind in wrong) and found["seen"] > 0)


if __name__ == "__main__":
    sys.exit(main())
