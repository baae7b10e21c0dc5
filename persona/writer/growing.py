"""Text that grows token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_BROKEN = "\ufffd"
_LONGEST = 4
"""The most bytes of a character, each of which may stand as a broken one."""


class GrowingText:
    """Decodes only what is new: the time for a token does not grow with the text.

    Tokens may hold parts of a character, and a token's text may depend on the one before it, so the latest are decoded
    together with those before them until they make whole characters.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._settled = ""
        self._before = ""
        self._first = self._read = 0
        self.text = ""

    def fresh(self) -> GrowingText:
        """Return an empty text of the same tokenizer."""
        return GrowingText(self._tokenizer)

    def add(self, token: int) -> None:
        """Add one token; `text` then holds all of them."""
        self._tokens.append(token)
        found = decoded(self._tokenizer, self._tokens[self._first :])
        self.text = self._settled + found[len(self._before) :]
        if not found.endswith(_BROKEN):
            self._settled = self.text
            self._first, self._read = self._read, len(self._tokens)
            self._before = decoded(self._tokenizer, self._tokens[self._first : self._read])


def decoded(tokenizer: Any, tokens: Sequence[int]) -> str:
    """Return the text of tokens, without special ones."""
    return str(tokenizer.decode(list(tokens), skip_special_tokens=True))


def cut(text: str, stops: Sequence[str], *, start: int = 0) -> str | None:
    """Return `text` up to the first stop string in it, or None if there is none.

    Its first `start` characters are known to hold none, but the last of them may have been broken ones.
    """
    found = [text.find(stop, max(start - len(stop) - _LONGEST, 0)) for stop in stops if stop]
    ends = [at for at in found if at >= 0]
    return text[: min(ends)] if ends else None
