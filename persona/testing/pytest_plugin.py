"""Fixtures for tests of persona and of its plugins; pytest finds them wherever persona is installed.

It is loaded in every pytest run there, so everything but pytest is imported inside the fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from persona.definition import Persona
    from persona.testing.channels import RecordingChannel
    from persona.testing.chat_server import ChatServer
    from persona.testing.clock import SettableClock
    from persona.testing.memory import RamMemory
    from persona.testing.models import EchoChatModel


@pytest.fixture
def settable_clock() -> SettableClock:
    """A clock that stands on a Monday morning in 2026 until it is set or advanced, also back."""
    from persona.testing.clock import SettableClock

    return SettableClock()


@pytest.fixture
def persona_card() -> Persona:
    """A small valid persona, `ana`, who posts to the channel `recording`."""
    from persona.testing.cards import make_card

    return make_card()


@pytest.fixture
def recording_channel() -> Iterator[RecordingChannel]:
    """A channel that keeps in RAM what it was given to send."""
    from persona.testing.channels import RecordingChannel

    channel = RecordingChannel()
    yield channel
    channel.close()


@pytest.fixture
def ram_memory() -> Iterator[RamMemory]:
    """A memory in RAM that needs neither Chroma nor an embedding model."""
    from persona.testing.memory import RamMemory

    memory = RamMemory()
    yield memory
    memory.close()


@pytest.fixture
def echo_model() -> EchoChatModel:
    """A LangChain chat model that answers at once, without weights."""
    from persona.testing.models import EchoChatModel

    return EchoChatModel()


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    """A chat model's server on loopback, which answers, or fails as its script says."""
    from persona.testing.chat_server import ChatServer

    with ChatServer() as server:
        yield server


@pytest.fixture
def no_generation() -> Iterator[None]:
    """While the test runs, a real model that is asked to write raises GenerationForbidden."""
    from persona.writer.switch import forbid_generation

    with forbid_generation():
        yield
