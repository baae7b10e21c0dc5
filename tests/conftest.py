"""Fixtures that more than one area needs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from persona.clock import VirtualClock
from persona.definition import Definition
from persona.definition.loader import load
from persona.digest import digest
from persona.parts import Parts, open_parts
from persona.plugins import PluginRegistry
from persona.rehearsal import START
from persona.testing.memory import RamMemory
from persona.writer import Candidate, Writer, WriteRequest, Written
from persona.writer.threads import patient_threads

patient_threads()

FILE = Path(__file__).parent / "fixtures" / "two.yaml"

OpenTwo = Callable[..., Parts]


class OnTopic(Writer):
    """Says the request back in varied words, so that every draft fits its subject and none repeats another."""

    name = "on-topic"

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        return [
            Written(id=r.id, candidates=tuple(Candidate(text=self._text(r, i)) for i in range(r.candidates)))
            for r in requests
        ]

    def _text(self, request: WriteRequest, place: int) -> str:
        ask = request.messages[-1].content
        lines = dict(line.split(": ", 1) for line in ask.splitlines() if ": " in line)
        if "Product" in lines and ask.startswith("Write an ad"):
            about = f"A {lines['Product']}"
        elif "Write a post" in ask:
            about = ask.splitlines()[-1 if "Say" not in lines else 0].split(" about ", 1)[1]
        else:
            about = next((line.split(" writes: ", 1)[1] for line in ask.splitlines() if " writes: " in line), ask)
        tail = digest(request.seed, place, size=6).translate(str.maketrans("0123456789", "ghijklmnop"))
        about = about.split(". ")[0]
        return f"{about.rstrip('.?!')}, said the {tail[:6]} to the {tail[6:]}."


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Put back what a command run in this process does to logging."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in [h for h in root.handlers if getattr(h, "persona_owned", False) and h not in handlers]:
        root.removeHandler(handler)


@pytest.fixture
def two() -> Definition:
    """Two small personas."""
    return load(FILE, registry=PluginRegistry(FILE.parent))


@pytest.fixture
def open_two(two: Definition, tmp_path: Path) -> Iterator[OpenTwo]:
    """Open the two personas on a folder, with the echo model, the memory in RAM and everything else real."""
    opened: list[Parts] = []

    def opener(
        *,
        definition: Definition | None = None,
        folder: Path | None = None,
        start: datetime = START,
        rehearsal: bool = True,
        project: Path | None = None,
        seed: int = 7,
    ) -> Parts:
        writer = OnTopic()
        parts = open_parts(
            definition or two,
            registry=PluginRegistry(project or tmp_path),
            folder=folder or tmp_path / "data",
            clock=VirtualClock(start),
            seed=seed,
            open_writer=lambda persona: writer,
            rehearsal=rehearsal,
            memory=RamMemory(),
        )
        opened.append(parts)
        return parts

    yield opener
    for parts in opened:
        parts.close()
