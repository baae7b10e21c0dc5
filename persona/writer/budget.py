"""BudgetedWriter: no more than so many tokens, or so much money, for a persona on one of its days."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from persona.clock import Clock

from .contract import Message, Usage, Writer, WriteRequest, Written
from .ledger import Amount, Ledger

_A_TURN = 8
_BILLION = 10**9


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose budget it is, and which day it is there: the local day in `time_zone` by the run's own clock.

    `place` keeps a persona's writer and its fall-back apart.
    """

    ledger: Ledger
    persona: str
    time_zone: str
    clock: Clock
    place: str = "writer"

    def day(self) -> date:
        """Return the persona's local day."""
        return self.clock.now().astimezone(ZoneInfo(self.time_zone)).date()


@dataclass(frozen=True, kw_only=True)
class Tariff:
    """The limits of a day (0: none), and the price of a million tokens in the prompt and in the text."""

    tokens: int = 0
    money: float = 0.0
    input: float = 0.0
    output: float = 0.0

    def amount(self, prompt: int, text: int) -> Amount:
        """Return what so many tokens are worth."""
        return Amount(tokens=prompt + text, money=round((prompt * self.input + text * self.output) * 1000))

    @property
    def most(self) -> Amount:
        """The limits."""
        return Amount(tokens=self.tokens, money=round(self.money * _BILLION))


class BudgetedWriter(Writer):
    """Reserves what a request may cost at most before `inner` sees it, and settles with what the server reports.

    A request is worth its candidates, each of which is a call of its own, times prompt (estimated) and `max_tokens`.
    One that does not fit what is left of the day is not written: its error says so, and the next day is another.
    What no server reports, and what may have been billed without an answer, stays counted as reserved.
    """

    def __init__(self, inner: Writer, *, account: Account, tariff: Tariff) -> None:
        self.inner, self.name = inner, inner.name
        self._account, self._tariff = account, tariff

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order."""
        day = self._account.day()
        refused = [self._reserve(request, day) for request in requests]
        allowed = [request for request, no in zip(requests, refused, strict=True) if not no]
        written = iter(self.inner.write(allowed) if allowed else ())
        answers = []
        for request, no in zip(requests, refused, strict=True):
            if no:
                answers.append(Written(id=request.id, error=no, fault="budget"))
            else:
                answer = next(written)
                self._settle(request, answer.usage, day)
                answers.append(answer)
        return answers

    def _reserve(self, request: WriteRequest, day: date) -> str:
        """Return an empty text, or why the request may not be written."""
        account, tariff, need = self._account, self._tariff, self._need(request)
        try:
            used = account.ledger.reserve(account.persona, account.place, day, need, tariff.most)
        except (sqlite3.Error, OSError) as error:
            # Fail closed: without the record nobody can tell what is left.
            return f"the record of what @{account.persona} has spent cannot be kept ({error}), so nothing more is spent"
        if used is None:
            return ""
        limits = []
        if tariff.tokens:
            limits.append(f"{used.tokens:,} of {tariff.tokens:,} tokens used, this needs up to {need.tokens:,}")
        if tariff.money:
            spent, more = used.money / _BILLION, need.money / _BILLION
            limits.append(f"{spent:.4f} of {tariff.money:g} spent, this needs up to {more:.4f}")
        whose = f"the budget of @{account.persona}'s {account.place} for {day} in {account.time_zone}"
        return f"{whose} does not allow it: {'; '.join(limits)}"

    def _settle(self, request: WriteRequest, usage: Usage, day: date) -> None:
        account, whole = self._account, self._need(request)
        told = self._tariff.amount(usage.prompt, usage.text)
        share = usage.untold / request.candidates
        used = Amount(
            tokens=told.tokens + round(whole.tokens * share),
            money=told.money + round(whole.money * share),
        )
        try:
            account.ledger.settle(account.persona, account.place, day, whole, used)
        except (sqlite3.Error, OSError):
            # What was reserved stays counted, and the text, which is paid for, is not lost.
            return

    def _need(self, request: WriteRequest) -> Amount:
        prompt = estimated_tokens(request.messages)
        count = request.candidates
        return self._tariff.amount(prompt * count, request.sampling.max_tokens * count)


def estimated_tokens(messages: Sequence[Message]) -> int:
    """Return about how many tokens a prompt has, rather too many: a remote model's tokenizer is not at hand.

    English has about four letters a token, here three; other scripts have two bytes or more, here two; some models
    read digits one by one; and each turn has tokens of its own.
    """
    total = 0
    for message in messages:
        digits = sum(character in "0123456789" for character in message.content)
        plain = sum(character.isascii() for character in message.content) - digits
        others = len(message.content.encode()) - plain - digits
        total += digits + -(-plain // 3) + -(-others // 2) + _A_TURN
    return total
