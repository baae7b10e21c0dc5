"""What a run cost: time, processor time and energy, over all its starts.

Energy is read from the processor's own counters (RAPL) where the system lets one read them: they count the whole
package, whatever else runs on it. Elsewhere it is processor time by a stated figure, and marked as an estimate.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

WATTS = 10.0
"""Taken for one busy core where nothing can be read, memory and power supply included: an assumption."""
RAPL = Path("/sys/class/powercap")
_EVERY = 10.0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds and joules. `measured` tells whether the joules were read or estimated; `starts` counts the starts."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    joules: float = 0.0
    measured: bool = False
    starts: int = 0

    def as_json(self, watts: float) -> dict[str, Any]:
        """Return it as plain data with the source of the energy in words."""
        if self.measured:
            source = "RAPL, the whole processor package"
        else:
            source = f"an estimate: processor seconds × {watts:g} W a core"
        values = {**asdict(self), "watt_hours": self.joules / 3600, "energy_from": source}
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}


class Meter:
    """Counts from when it is made, on top of what `file` holds from earlier starts. Call `look` now and then."""

    def __init__(self, file: Path, *, watts: float = WATTS, rapl: Path = RAPL) -> None:
        self._file, self._watts = file, watts
        self._domains = _domains(rapl)
        self._before = _read(file)
        self._began, self._cpu = time.perf_counter(), time.process_time()
        self._counters = [_counter(domain) for domain in self._domains]
        self._joules, self._kept = 0.0, -_EVERY

    def look(self) -> Cost:
        """Return the cost so far. The counters wrap around within the hour, so it must be asked more often."""
        for place, domain in enumerate(self._domains):
            last, now = self._counters[place], _counter(domain)
            if last is not None and now is not None:
                span = _number(domain / "max_energy_range_uj") or 0
                self._joules += (now - last + (span if now < last else 0)) / 1e6
            self._counters[place] = now
        seconds, cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
        measured = any(counter is not None for counter in self._counters)
        cost = Cost(
            seconds=self._before.seconds + seconds,
            cpu_seconds=self._before.cpu_seconds + cpu,
            joules=self._before.joules + (self._joules if measured else cpu * self._watts),
            measured=measured and (self._before.measured or self._before.starts == 0),
            starts=self._before.starts + 1,
        )
        if seconds - self._kept >= _EVERY:
            self._kept = seconds
            _write(self._file, cost)
        return cost


def _domains(rapl: Path) -> list[Path]:
    # A package holds its cores' and memory's domains (intel-rapl:0:1); counting both would count twice.
    found = [path for path in sorted(rapl.glob("*-rapl:*")) if path.name.count(":") == 1]
    return [path for path in found if _counter(path) is not None]


def _counter(domain: Path) -> int | None:
    return _number(domain / "energy_uj")


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _read(file: Path) -> Cost:
    try:
        return Cost(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Cost()


def _write(file: Path, cost: Cost) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(cost)), encoding="utf-8")
    temporary.replace(file)
