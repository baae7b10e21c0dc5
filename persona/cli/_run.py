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


def run(args: argparse.Namespace) -> int:
    from ..store.owner import Owner

    folder = Path(args.data)
    # Before all that takes seconds to load: a second process is refused at once.
    with Owner(folder):
        return _run(args, folder)


def _run(args: argparse.Namespace, folder: Path) -> int:
    from ..clock import SystemClock
    from ..live import run_live
    from ..log import configure_logging
    from ..runner import Runner
    from ._open import load_definition, open_for, stop_on_signals

    configure_logging(args.log_level or "info", json=args.log_json)
    definition, registry = load_definition(args)
    clock = SystemClock()
    with stop_on_signals() as (stop, got):
        parts = open_for(
            args, folder=folder, clock=clock, seed=0, rehearsal=False, definition=definition, registry=registry
        )
        try:
            print(f"{len(definition.personas)} personas are live, data in {folder}. Ctrl-C stops.", flush=True)
            run_live(Runner(parts), clock=clock, stop=stop, every=timedelta(seconds=args.every), ticks=args.ticks)
        finally:
            parts.close()
    return 128 + got[0] if got else 0
