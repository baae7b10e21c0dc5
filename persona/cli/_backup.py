"""`persona backup` and `persona restore`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    if command == "backup":
        parser.add_argument("path", help="the folder to make; it must not be there yet")
        return
    parser.add_argument("path", help="a folder that `persona backup` made")
    parser.add_argument("--replace", action="store_true", help="also where there is data: it is moved aside")


def run(args: argparse.Namespace) -> int:
    from ..backup import back_up, examine, restore
    from ..clock import SystemClock

    folder, path, clock = Path(args.data), Path(args.path), SystemClock()
    if args.command == "backup":
        made = back_up(folder, path, clock=clock)
        print(f"{len(made.files)} files, {made.bytes / 1e6:.1f} MB, are in {path}.")
        return 0
    made = examine(path)
    before = restore(path, folder, clock=clock, replace=args.replace)
    print(f"{folder} is what it was at {made.made_at:%Y-%m-%d %H:%M} UTC.")
    if before is not None:
        print(f"What it held before is in {before}.")
    print("What was due since then is not sent again unless its channel can tell; see docs/reliability.md.")
    return 0
