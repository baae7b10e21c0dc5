"""`persona run`: live, until it is stopped."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    parser.add_argument("--every", type=float, default=15.0, help="seconds between ticks (15)")
    parser.add_argument("--ticks", type=int, help="stop after so many ticks; without it, run until stopped")
    parser.add_argument("--log-json", action="store_true", help="log one JSON object a line, for a log collector")
    parser.add_argument("--writer", help="a model that writes for all personas instead of their own")
    parser.add_argument(
        "--reserve", type=int, default=200, metavar="MB", help="post nothing while less is free on the disk (200)"
    )


def run(args: argparse.Namespace) -> int:
    from ..store.owner import Owner

    folder = Path(args.data)
    # Before all that takes seconds to load: a second process is refused at once.
    with Owner(folder):
        return _run(args, folder)


def _run(args: argparse.Namespace, folder: Path) -> int:
    from ..calling import ThreadedCalls
    from ..clock import SystemClock
    from ..definition.secrets import resolve_secrets
    from ..live import run_live
    from ..log import configure_logging
    from ..reload import Reload
    from ..runner import Runner
    from ..store.lease import Lease, is_dead
    from ..watch import Watch
    from ._open import load_definition, open_for, pause_on_signal, stop_on_signals

    configure_logging(args.log_level or "info", json=args.log_json)
    definition, registry = load_definition(args)
    clock = SystemClock()
    with stop_on_signals() as (stop, got), pause_on_signal(folder):
        parts = open_for(
            args, folder=folder, clock=clock, seed=0, rehearsal=False, definition=definition, registry=registry
        )
        try:
            with Lease(parts.store) as lease:
                parts.calls, parts.owner, parts.is_dead = ThreadedCalls(), lease.holder, is_dead
                watch = Watch(parts, reserve=args.reserve << 20, lost=lambda: lease.lost, owns=lease.check)
                reload = Reload(
                    Path(args.file),
                    definition,
                    lambda found, plugins: parts.adopt(found, registry=plugins, resolve=resolve_secrets),
                )
                every = timedelta(seconds=args.every)
                print(f"{len(definition.personas)} personas are live, data in {folder}. Ctrl-C stops.", flush=True)
                run_live(
                    Runner(parts), clock=clock, stop=stop, every=every, ticks=args.ticks, watch=watch, reload=reload
                )
        finally:
            parts.close()
    return 128 + got[0] if got else 0
