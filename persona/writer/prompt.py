"""From messages to tokens: the chat template, and which tokens a request shares with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from .contract import Message

PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


class PromptTooLong(ValueError):
    """The prompt does not fit the model's context, even without the sample turns."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The tokens of one request: `prefix` is shared by requests that differ in the last message only."""

    prefix: tuple[int, ...]
    own: tuple[int, ...]


class Template:
    """A model's chat template, run in a sandbox, over its tokenizer."""

    def __init__(self, source: str | None, tokenizer: Any, *, tokens: dict[str, str]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _raise
        self._template = environment.from_string(source or PLAIN_TEMPLATE)
        self._tokenizer = tokenizer
        self._tokens = tokens
        added = tokenizer.get_added_tokens_decoder().values()
        self._special = sorted((token.content for token in added if len(token.content) > 1), key=_longest)

    def text(self, messages: Sequence[Message], *, prompt: bool) -> str:
        """Return the messages as the model reads them; with `prompt`, ready for the answer."""
        turns = [{"role": m.role, "content": self._harmless(m.content)} for m in messages]
        return self._template.render(messages=turns, add_generation_prompt=prompt, **self._tokens)

    def _harmless(self, content: str) -> str:
        # A comment that spells the model's own control tokens must not end its turn or open a system turn.
        for token in self._special:
            if token in content:
                content = content.replace(token, f"{token[0]} {token[1:]}")
        return content

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def prompt(self, messages: Sequence[Message], *, room: int) -> Prompt:
        """Return the tokens, at most `room`. Too long a prompt loses its oldest sample turns, never the system or the
        last message. Raises PromptTooLong.
        """
        messages = list(messages)
        while True:
            tokens = self._encode(self.text(messages, prompt=True))
            if len(tokens) <= room:
                return self._split(messages, tokens)
            first = 1 if messages[0].role == "system" else 0
            if len(messages) - first < 2:
                raise PromptTooLong(f"the prompt has {len(tokens)} tokens, and {max(room, 0)} fit the model's context")
            drop = 2 if messages[first + 1 : -1] and messages[first].role == "user" else 1
            del messages[first : first + drop]

    def _split(self, messages: list[Message], tokens: list[int]) -> Prompt:
        shared = messages[:-1]
        cut = 0
        if shared:
            before = self._encode(self.text(shared, prompt=False))
            cut = min(_common(before, tokens), len(tokens) - 1)
        return Prompt(prefix=tuple(tokens[:cut]), own=tuple(tokens[cut:]))


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    for at, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return at
    return min(len(first), len(second))


def _longest(token: str) -> tuple[int, str]:
    return (-len(token), token)


def _raise(message: str) -> None:
    raise ValueError(f"the model's chat template refuses these messages: {message}")
