"""Public doubles for tests: a clock, a persona, a channel, a memory, a chat model, and suites for own plugins.

Each is imported on first use, so that a test that needs only a clock does not wait for numpy or LangChain. With
persona installed, pytest knows the fixtures of `persona.testing.pytest_plugin`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cards import make_card as make_card
    from .channel_suite import ChannelSuite as ChannelSuite
    from .channels import FlakyChannel as FlakyChannel
    from .channels import RecordingChannel as RecordingChannel
    from .channels import make_seat as make_seat
    from .chat_server import ChatServer as ChatServer
    from .chat_server import Reply as Reply
    from .clock import SettableClock as SettableClock
    from .faulty import FaultyNetwork as FaultyNetwork
    from .faulty import NetworkFault as NetworkFault
    from .faulty_channel import FaultyChannel as FaultyChannel
    from .memory import HashEmbedder as HashEmbedder
    from .memory import RamMemory as RamMemory
    from .memory_suite import MemorySuite as MemorySuite
    from .models import EchoChatModel as EchoChatModel
    from .network_suite import NetworkSuite as NetworkSuite

_HOMES = {
    "ChannelSuite": "channel_suite",
    "ChatServer": "chat_server",
    "EchoChatModel": "models",
    "FaultyChannel": "faulty_channel",
    "FaultyNetwork": "faulty",
    "FlakyChannel": "channels",
    "HashEmbedder": "memory",
    "MemorySuite": "memory_suite",
    "NetworkFault": "faulty",
    "NetworkSuite": "network_suite",
    "RamMemory": "memory",
    "RecordingChannel": "channels",
    "Reply": "chat_server",
    "SettableClock": "clock",
    "make_card": "cards",
    "make_seat": "channels",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
