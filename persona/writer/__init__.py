"""Writers: local models and any LangChain chat model, behind one contract.

What needs torch or LangChain is imported on first use, so that this package costs nothing to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .contract import Candidate, Message, Sampling, Writer, WriteRequest, Written

if TYPE_CHECKING:
    from .chat import ChatModelWriter
    from .choose import open_writer
    from .local import LocalChatModel
    from .model import LocalModel, LocalWriter
    from .pocket import pocket_folder
    from .switch import allow_generation, forbid_generation
    from .threads import patient_threads

_LAZY = {
    "ChatModelWriter": "chat",
    "LocalChatModel": "local",
    "LocalModel": "model",
    "LocalWriter": "model",
    "allow_generation": "switch",
    "forbid_generation": "switch",
    "open_writer": "choose",
    "patient_threads": "threads",
    "pocket_folder": "pocket",
}

__all__ = [
    "Candidate",
    "ChatModelWriter",
    "LocalChatModel",
    "LocalModel",
    "LocalWriter",
    "Message",
    "Sampling",
    "WriteRequest",
    "Writer",
    "Written",
    "allow_generation",
    "forbid_generation",
    "open_writer",
    "patient_threads",
    "pocket_folder",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
