"""The small world of the experiments: personas made in code, a writer that costs nothing, memory in RAM.

Definition, plan, store, drafting with all guards, outbox and delivery are the product's own. What is a double: the
writer (no model), the memory (`persona.testing.RamMemory`) and the channel that an experiment gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from persona.channel import Channel, Seat
from persona.clock import Clock
from persona.definition import Definition
from persona.digest import digest, rng_of
from persona.parts import Parts, open_parts
from persona.testing.memory import RamMemory
from persona.writer import Candidate, Writer, WriteRequest, Written

LABEL = "#AI"
_SUBJECTS = ("winter runs", "old lamps", "rye bread", "night trains", "garden walls", "paper maps", "river stones")
_HARD, _SOFT = "bcdfghjklmnprstvwz", "aeiouy"


class PlainWriter(Writer):
    """Says the subject back with a tail that no other text has: every draft passes the guards, none is a twin."""

    name = "plain"

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        return [
            Written(id=r.id, candidates=tuple(Candidate(text=self._text(r, i)) for i in range(r.candidates)))
            for r in requests
        ]

    def _text(self, request: WriteRequest, place: int) -> str:
        ask = request.messages[-1].content
        about = next((line.split(" writes: ", 1)[1] for line in ask.splitlines() if " writes: " in line), "")
        if not about and " about " in ask:
            about = ask.splitlines()[-1].rsplit(" about ", 1)[-1]
        return f"The {tail(request.seed, place)}: {about.split('. ')[0].rstrip('.?!')[:200]}."


def tail(*parts: object) -> str:
    """Return sixteen made-up words, others for other parts: no two texts are near each other."""
    draw = rng_of("tail", *parts)
    return " ".join("".join(draw.choice(_HARD) + draw.choice(_SOFT) for _ in range(3)) for _ in range(16))


def people(
    count: int,
    slots: Sequence[dict[str, Any]],
    *,
    channels: Sequence[str] = ("wire",),
    zones: Sequence[str] = ("UTC",),
    replies: dict[str, Any] | None = None,
) -> Definition:
    """Return `count` personas with these slots (as the file has them), zones dealt out in turn, no jitter."""
    return Definition.model_validate(
        {
            "personas": tuple(
                {
                    "name": f"Persona {number}",
                    "handle": f"persona{number}",
                    "bio": "A virtual character, made by software, for an experiment.",
                    "voice": ("dry", "patient"),
                    "topics": tuple({"name": name, "angles": (f"a few words on {name}",)} for name in _SUBJECTS),
                    "time_zone": zones[number % len(zones)],
                    "slots": tuple(slots),
                    "channels": {name: {} for name in channels},
                    "writer": {"candidates": 1},
                    "replies": replies or {},
                }
                for number in range(count)
            )
        }
    )


class Registry:
    """Gives the channels that an experiment brings, by name."""

    def __init__(self, channels: dict[str, Callable[[Seat], Channel]]) -> None:
        self._channels = channels

    def channel(self, name: str) -> Callable[[Seat], Channel]:
        return self._channels[name]


def open_world(
    folder: Path,
    definition: Definition,
    *,
    clock: Clock,
    channels: dict[str, Callable[[Seat], Channel]],
    seed: int = 7,
) -> Parts:
    """Open the product's parts on `folder`, as a live run opens them."""
    writer = PlainWriter()
    return open_parts(
        definition,
        registry=Registry(channels),
        folder=folder,
        clock=clock,
        seed=seed,
        open_writer=lambda persona: writer,
        rehearsal=False,
        memory=RamMemory(),
    )


def key_of(handle: str, name: str, local_date: object, channel: str) -> str:
    """Return the key that DESIGN's outbox gives the post of a slot: written down here a second time on purpose."""
    return digest("outbox", handle, "slot", f"{name}:{local_date}", channel)


def daily_plan(
    definition: Definition,
    times: Sequence[tuple[str, timedelta]],
    *,
    channel: str,
    start: datetime,
    until: datetime,
) -> list[dict[str, Any]]:
    """Return the auditor's plan for personas in UTC: each slot name at its time of day, due in [start, until).

    It is made from the experiment's own arguments, not by the product's planner.
    """
    plan = []
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < until:
        for persona in definition.personas:
            for name, offset in times:
                due = day + offset
                if start <= due < until:
                    key = key_of(persona.handle, name, day.date(), channel)
                    plan.append({"key": key, "account": persona.handle, "due": due.isoformat(), "labels": [LABEL]})
        day += timedelta(days=1)
    return sorted(plan, key=lambda row: (row["due"], row["account"]))
