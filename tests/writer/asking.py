"""Requests and settings that several tests of writers share."""

from __future__ import annotations

from typing import Any

from persona.definition.writing import WriterSettings
from persona.testing.chat_server import ChatServer
from persona.writer import Message, Sampling, WriteRequest


def ask(text: str = "Write about rye.", *, seed: int = 1, candidates: int = 1, **sampling: Any) -> WriteRequest:
    """Return a request with one message."""
    messages = (Message(role="user", content=text),)
    return WriteRequest(id=text, messages=messages, seed=seed, candidates=candidates, sampling=Sampling(**sampling))


def turns(*texts: str, system: str = "You are Ada.") -> tuple[Message, ...]:
    """Return a system message and `texts`, said in turn by user and assistant."""
    said = [Message(role="assistant" if i % 2 else "user", content=text) for i, text in enumerate(texts)]
    return (Message(role="system", content=system), *said)


def settings_for(server: ChatServer, **values: Any) -> WriterSettings:
    """Return settings whose model is behind `server`."""
    return WriterSettings.model_validate({"model": "openai:test", "base_url": server.url, "retries": 0, **values})
