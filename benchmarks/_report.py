"""What every measurement shares: its two switches, the machine it ran on, a table, and one JSON object at the end."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows --json and --quick."""
    arguments = argparse.ArgumentParser(description=(description or "").strip().splitlines()[0])
    arguments.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    arguments.add_argument("--quick", action="store_true", help="a smaller run, for a first look")
    return arguments


def machine(packages: Iterable[str]) -> dict[str, Any]:
    """Return versions, cores and present load: figures taken under load say little."""
    versions = {}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count() or 0,
        "load": round(os.getloadavg()[0], 2),
        "versions": versions,
    }


def timed(work: Callable[[], int]) -> dict[str, float]:
    """Run `work`, which returns how many units it made; return units, seconds, CPU seconds and units per each."""
    cpu, wall = time.process_time(), time.perf_counter()
    units = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "units": units,
        "seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "per_second": round(units / max(wall, 1e-9), 2),
        "per_cpu_second": round(units / max(cpu, 1e-9), 2),
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of equal keys as aligned columns."""
    if not rows:
        return ""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells)


def finish(report: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the machine, and the report as one JSON object if asked."""
    found = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    print(f"python {found['python']}, {versions}; {found['cores']} cores, load {found['load']} at the start")
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
