"""From messages to tokens: the chat template, and which tokens a request shares with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from persona.errors import ModelNotTrusted

from .contract import Message
from .turns import without_oldest, without_system

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
    """A model's chat template, run in a sandbox, over its tokenizer.

    Where the template refuses a system message, or leaves it out, its text goes before the first thing that the user
    says. Models that would think aloud first are told not to: a short text has no room for it.
    """

    def __init__(self, source: str | None, tokenizer: Any, *, tokens: dict[str, str]) -> None:
        """Raises ModelNotTrusted if `source` is no template."""
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
        )
        environment.globals["raise_exception"] = _raise
        try:
            self._template = environment.from_string(source or PLAIN_TEMPLATE)
        except TemplateError as error:
            raise ModelNotTrusted(file_text="chat template", cause_text=f"it cannot be read ({error})") from error
        self._tokenizer = tokenizer
        self._tokens = tokens
        added = tokenizer.get_added_tokens_decoder().values()
        self.special = sorted((token.content for token in added if len(token.content) > 1), key=_longest)
        self._takes_system = self._shows_system()

    def text(self, messages: Sequence[Message], *, prompt: bool) -> str:
        """Return the messages as the model reads them; with `prompt`, ready for the answer."""
        shown = messages if self._takes_system else without_system(messages)
        return self._render([Message(role=m.role, content=self.harmless(m.content)) for m in shown], prompt)

    def _render(self, messages: Sequence[Message], prompt: bool) -> str:
        turns = [{"role": m.role, "content": m.content} for m in messages]
        settings = {"add_generation_prompt": prompt, "enable_thinking": False, **self._tokens}
        return self._template.render(messages=turns, **settings)

    def _shows_system(self) -> bool:
        mark = "a text that no template holds"
        try:
            return mark in self._render([Message(role="system", content=mark), Message(role="user", content="x")], True)
        except Exception:
            # A template that fails for other reasons fails again on the first request, which is told.
            return False

    def harmless(self, content: str) -> str:
        """Return `content` with the model's own control tokens broken up: it must not end its turn or open another."""
        for token in self.special:
            if token in content:
                content = content.replace(token, f"{token[0]} {token[1:]}")
        return content

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def prompt(self, messages: Sequence[Message], *, room: int) -> Prompt:
        """Return the tokens, at most `room`. Too long a prompt loses its oldest sample turns, never the system or the
        last message. Raises PromptTooLong.
        """
        while True:
            tokens = self._encode(self.text(messages, prompt=True))
            if len(tokens) <= room:
                return self._split(messages, tokens)
            shorter = without_oldest(messages)
            if shorter is None:
                raise PromptTooLong(f"the prompt has {len(tokens)} tokens, and {max(room, 0)} fit the model's context")
            messages = shorter

    def _split(self, messages: Sequence[Message], tokens: list[int]) -> Prompt:
        shared = messages[:-1]
        cut = 0
        if shared:
            try:
                before = self._encode(self.text(shared, prompt=False))
            except Exception:
                # Some templates refuse a talk that does not end with the user: such a prompt shares nothing.
                before = []
            cut = min(_common(before, tokens), len(tokens) - 1)
        return Prompt(prefix=tuple(tokens[:cut]), own=tuple(tokens[cut:]))


class _Generation(Extension):
    """Templates mark what the assistant says with `{% generation %}`, for training; here it means nothing."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return list(parser.parse_statements(("name:endgeneration",), drop_needle=True))


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    for at, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return at
    return min(len(first), len(second))


def _longest(token: str) -> tuple[int, str]:
    return (-len(token), token)


def _raise(message: str) -> None:
    raise ValueError(f"the model's chat template refuses these messages: {message}")
