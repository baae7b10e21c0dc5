"""`persona.testing.FaultyNetwork` in a process of its own, under a shared clock, with comments to answer.

`python -m experiments._faulty_process --log FILE --clock FILE --share SHARE [--accounts a,b]`
prints its port and serves until it is killed. The log is one JSON line a call or post.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from experiments._clock import SharedClock
from persona.testing.faulty import FAULTS, FaultyNetwork, NetworkFault


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--log", type=Path, required=True)
    arguments.add_argument("--clock", type=Path, required=True)
    arguments.add_argument("--share", type=float, default=0.2)
    arguments.add_argument("--accounts", default="")
    arguments.add_argument("--keys", action="store_true", help="the network knows keys")
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args()
    clock, rng = SharedClock(args.clock), random.Random(args.seed)

    def draw() -> NetworkFault | None:
        if rng.random() >= args.share:
            return None
        kind = rng.choice(FAULTS)
        seconds = 0.4 if kind.startswith("hang") else 5.0 if kind == "late" else rng.uniform(10, 60)
        return NetworkFault(kind=kind, seconds=seconds)

    network = FaultyNetwork(
        draw=draw, honours_keys=args.keys, clock=lambda: clock.now().timestamp(), log=args.log, ttl=30 * 86400.0
    )
    with network:
        print(network.url, flush=True)
        number, said = 0, clock.seconds
        while True:
            time.sleep(0.01)
            if clock.seconds < said + 600:
                continue
            said = clock.seconds
            for account in filter(None, args.accounts.split(",")):
                number += 1
                text = f"Number {number} at {said:.0f}: are you a real person, or what are you?"
                network.hear(
                    account, kind="mention", author=f"fan{number % 50}", text=text, post_id=f"c{said:.0f}-{number}"
                )


if __name__ == "__main__":
    sys.exit(main())
