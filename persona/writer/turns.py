"""What may be left out of a prompt that is too long, and a system message for models that take none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .contract import Message


def without_oldest(messages: Sequence[Message], *, half: bool = False) -> tuple[Message, ...] | None:
    """Return `messages` without the oldest turn after the system: a question with its answer, where there are both.

    With `half`, without the older half of such turns. The system and the last message always stay; None if there is
    nothing else.
    """
    first = 1 if messages and messages[0].role == "system" else 0
    turns = _turns(messages[first:-1])
    if not turns:
        return None
    kept = turns[(len(turns) + 1) // 2 :] if half else turns[1:]
    return (*messages[:first], *(message for turn in kept for message in turn), messages[-1])


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    """Return the messages in turns, each of which begins with what a user said."""
    turns: list[list[Message]] = []
    for message in messages:
        if not turns or message.role == "user":
            turns.append([])
        turns[-1].append(message)
    return turns


def without_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return `messages` with the system's text put before the first thing that the user says."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    if not system:
        return tuple(others)
    if others and others[0].role == "user":
        return (replace(others[0], content=f"{system}\n\n{others[0].content}"), *others[1:])
    return (Message(role="user", content=system), *others)
