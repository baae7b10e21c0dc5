from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import persona.testing
from persona.definition import Persona
from persona.testing.channels import RecordingChannel
from persona.testing.clock import SettableClock
from persona.testing.memory import RamMemory

HEAVY = {"numpy", "torch", "transformers", "chromadb", "langchain_core", "pydantic", "sqlalchemy", "structlog"}


def test_the_fixtures_are_there(
    settable_clock: SettableClock, persona_card: Persona, recording_channel: RecordingChannel, ram_memory: RamMemory
) -> None:
    assert settable_clock.now().year == 2026
    assert persona_card.handle == "ana"
    assert "recording" in persona_card.channels
    assert recording_channel.sent == []
    assert ram_memory.count("ana") == 0


def test_generation_can_be_forbidden(no_generation: None) -> None:
    from persona.errors import GenerationForbidden
    from persona.writer.switch import check_generation

    with pytest.raises(GenerationForbidden):
        check_generation(135_000_000)


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    found = [point.value for point in entry_points(group="pytest11", name="persona")]
    assert found == ["persona.testing.pytest_plugin"]


def test_a_stranger_s_test_uses_the_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_stranger.py").write_text(
        "def test_it(settable_clock, persona_card, recording_channel):\n"
        "    settable_clock.advance(days=-3)\n"
        "    assert persona_card.name\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
        "--rootdir",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_plugin_loads_nothing_heavy() -> None:
    code = (
        f"import sys, persona.testing, persona.testing.pytest_plugin; print(set({sorted(HEAVY)!r}) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_double_can_be_had() -> None:
    assert set(persona.testing.__all__) <= set(dir(persona.testing))
    for name in persona.testing.__all__:
        assert getattr(persona.testing, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = persona.testing.Nothing
