"""ShorteningWriter: where a prompt does not fit a remote model's context, the oldest turns go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .contract import Writer, WriteRequest, Written
from .turns import without_oldest


class ShorteningWriter(Writer):
    """Asks `inner` again without the older half of the turns between system and last message, until it fits.

    A local model counts its own tokens beforehand; of a remote one only its refusal tells. The system and the last
    message always stay: a prompt of these alone that does not fit gets its error.
    """

    def __init__(self, inner: Writer) -> None:
        self.inner, self.name = inner, inner.name

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order."""
        asked = list(requests)
        answers = self.inner.write(asked)
        while True:
            again = []
            for i, answer in enumerate(answers):
                shorter = without_oldest(asked[i].messages, half=True) if answer.fault == "overflow" else None
                if shorter is not None:
                    asked[i] = replace(asked[i], messages=shorter)
                    again.append(i)
            if not again:
                return answers
            for i, new in zip(again, self.inner.write([asked[i] for i in again]), strict=True):
                answers[i] = replace(new, usage=answers[i].usage + new.usage)
