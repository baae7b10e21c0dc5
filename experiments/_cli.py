"""What every experiment shares: its two switches, and how it ends."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping
from typing import Any

_BEGAN = time.perf_counter()


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows --json and --quick and shows the module's docstring."""
    arguments = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    arguments.add_argument("--quick", action="store_true", help="a smaller run, as the tests make it")
    return arguments


def finish(report: Mapping[str, Any], args: argparse.Namespace, *, ok: bool) -> int:
    """Print the report, a line each and as JSON if asked; return the exit code: 0 if the goals are met, else 1."""
    whole = {
        **report,
        "goals_met": ok,
        "seconds": round(time.perf_counter() - _BEGAN, 1),
        "load": round(os.getloadavg()[0], 1),
    }
    for name, value in whole.items():
        print(f"{name}: {value}")
    if args.json:
        print(json.dumps(whole, default=str))
    return 0 if ok else 1
