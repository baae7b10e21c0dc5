"""Packing: texts that share a prompt's beginning stand after one copy of it, and are trained in one pass.

A pack is the tokens of the shared beginning, then of each example's own part. Each own part attends to the beginning
and to itself only, and its positions go on where the beginning ends, so the gradients are those of separate texts at a
fraction of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..writer.contract import Message
from ..writer.prompt import Template
from ..writer.turns import without_system

_MARK = "\ue000"


class Lesson(Protocol):
    """A text with the messages that it answers: what a packer takes."""

    @property
    def messages(self) -> Sequence[Message]: ...

    @property
    def text(self) -> str: ...

    @property
    def key(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Token ids with their positions; `spans` are the (start, end) of the own parts, the first of which starts where
    the shared beginning ends. `targets` holds, for each place, the token to predict there, or -1.
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    targets: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    keys: tuple[str, ...]

    @property
    def shared(self) -> int:
        """How many tokens the beginning has."""
        return self.spans[0][0]

    @property
    def count(self) -> int:
        """How many tokens are predicted."""
        return sum(1 for target in self.targets if target >= 0)

    @property
    def size(self) -> int:
        """How many tokens it has in all."""
        return len(self.ids)


class Packer:
    """Makes packs with a model's own tokenizer and chat template."""

    def __init__(self, tokenizer: Any, template: Template, *, end: str, most: int = 1200) -> None:
        """`end` is the text that ends an answer, such as `<|im_end|>`; `most` is a pack's size in tokens."""
        self._tokenizer, self._template, self._end, self.most = tokenizer, template, end, most

    def tokens(self, lesson: Lesson) -> tuple[list[int], list[int], list[int]]:
        """Return the tokens of the shared beginning, of the rest of the prompt, and of the answer with its end."""
        messages = list(lesson.messages)
        try:
            prompt = self._template.text(messages, prompt=True)
        except ValueError:
            # Some templates know no system turn.
            messages = list(without_system(messages))
            prompt = self._template.text(messages, prompt=True)
        shared = self._shared(messages[0])
        if not prompt.startswith(shared):
            shared = ""
        head, rest = self._encode(shared), self._encode(prompt[len(shared) :])
        # After "assistant:" a word is written with its blank, as it stands in running text.
        blank = "" if prompt[-1:].isspace() or prompt.endswith(">") else " "
        return head, rest, self._encode(blank + self._template.harmless(lesson.text) + self._end)

    def plain(self, text: str) -> tuple[list[int], list[int], list[int]]:
        """Return the tokens of a text that answers no prompt."""
        return [], [], self._encode(self._template.harmless(text) + self._end)

    def packs(self, lessons: Sequence[Lesson]) -> list[Pack]:
        """Return packs of at most `most` tokens; lessons that share a beginning must stand together.

        A lesson that is longer than a pack is left out.
        """
        packs: list[Pack] = []
        head: list[int] = []
        parts: list[tuple[list[int], list[int], str]] = []
        size = 0
        for lesson in lessons:
            own_head, rest, answer = self.tokens(lesson)
            length = len(rest) + len(answer)
            if len(own_head) + length > self.most:
                continue
            if parts and (own_head != head or size + length > self.most):
                packs.append(_pack(head, parts))
                parts, size = [], 0
            if not parts:
                head, size = own_head, len(own_head)
            parts.append((rest, answer, lesson.key))
            size += length
        if parts:
            packs.append(_pack(head, parts))
        return packs

    def _shared(self, first: Message) -> str:
        """Return how the prompts begin that have `first` as their system turn; without one, what a template says."""
        try:
            if first.role == "system":
                return self._template.text([first], prompt=False)
            opening, found, _ = self._template.text([Message(role="user", content=_MARK)], prompt=True).partition(_MARK)
        except ValueError:
            return ""
        # Only at a control token is the text cut as the tokenizer cuts it, whatever follows.
        cut = max((opening.rfind(token) for token in self._template.special), default=0)
        return opening[: max(cut, 0)] if found else ""

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _pack(head: Sequence[int], parts: Sequence[tuple[Sequence[int], Sequence[int], str]]) -> Pack:
    ids, positions, targets = list(head), list(range(len(head))), [-1] * len(head)
    spans = []
    for rest, answer, _ in parts:
        start = len(ids)
        own = [*rest, *answer]
        ids += own
        positions += range(len(head), len(head) + len(own))
        # The place before each token of the answer predicts it.
        targets += [-1] * (len(rest) - 1) + list(answer) + [-1] if rest else [*answer[1:], -1]
        spans.append((start, len(ids)))
    return Pack(
        ids=tuple(ids),
        positions=tuple(positions),
        targets=tuple(targets),
        spans=tuple(spans),
        keys=tuple(key for _, _, key in parts),
    )
