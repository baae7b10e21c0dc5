"""FallbackWriter: a second writer for what the first cannot write."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from persona.errors import PersonaError

from .contract import Writer, WriteRequest, Written

log = logging.getLogger(__name__)


class FallbackWriter(Writer):
    """Writes with `first`; what fails there for good, or is over its budget, is written by the second writer.

    The second is opened when it is first needed. A request may bring messages of its own for it (`instead`). Its
    answers name it in `model`, and the first with it. Where both fail, both errors are told.
    """

    def __init__(self, first: Writer, second: Callable[[], Writer]) -> None:
        self.first, self.name = first, first.name
        self._open = second
        self._second: Writer | None = None

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order."""
        answers = self.first.write(requests)
        failed = [i for i, answer in enumerate(answers) if answer.error]
        if not failed:
            return answers
        try:
            second = self._second = self._second or self._open()
        except PersonaError as error:
            for i in failed:
                answers[i] = replace(answers[i], error=f"{answers[i].error}; no fall-back: {error}")
            return answers
        why = answers[failed[0]].error
        log.warning("%s writes %d texts instead of %s: %s", second.name, len(failed), self.name, why)
        asked = [replace(requests[i], messages=requests[i].instead or requests[i].messages) for i in failed]
        for i, new in zip(failed, second.write(asked), strict=True):
            if new.error:
                answers[i] = replace(answers[i], error=f"{answers[i].error}; fall-back: {new.error}")
            else:
                answers[i] = replace(new, model=f"{new.model or second.name} instead of {self.name}")
        return answers
