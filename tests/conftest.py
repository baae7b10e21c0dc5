"""Fixtures that more than one area needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from persona.clock import VirtualClock
from persona.definition import Definition
from persona.definition.loader import load
from persona.parts import Parts, open_parts
from persona.plugins import PluginRegistry
from persona.rehearsal import START
from persona.testing.memory import RamMemory
from persona.testing.models import EchoChatModel
from persona.writer.chat import ChatModelWriter

FILE = Path(__file__).parent / "fixtures" / "two.yaml"

OpenTwo = Callable[..., Parts]


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
        writer = ChatModelWriter(EchoChatModel(), name="echo")
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
