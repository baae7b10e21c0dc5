"""ChatModelWriter: any LangChain chat model as a writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from .contract import Candidate, Message, Sampling, WriteRequest, Writer, Written
from .sampler import row_seed

_KINDS: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_SETTINGS = ("temperature", "max_tokens", "top_p", "top_k", "repetition_penalty")


class ChatModelWriter(Writer):
    """Writes with `model`, as many calls at once as `concurrency` allows.

    Of a request's sampling, what the model declares as a field of its own is passed on, and its seed likewise; a model
    that knows no seed is not repeatable. Stop strings are passed on and applied again afterwards.
    """

    def __init__(self, model: BaseChatModel, *, name: str, concurrency: int = 8) -> None:
        self.model, self.name, self._concurrency = model, name, concurrency
        self._fields = frozenset(type(model).model_fields)

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order. Candidate i of all requests with equal settings is one batch."""
        found: dict[tuple[int, int], Candidate | str] = {}
        batches: dict[tuple[Sampling, int, int], list[int]] = {}
        for index, request in enumerate(requests):
            for candidate in range(request.candidates):
                # With a seed, which is a setting of the call, each candidate is a call of its own.
                seed = row_seed(request.seed, candidate) % 2**31 if "seed" in self._fields else -1
                batches.setdefault((request.sampling, candidate, seed), []).append(index)
        for (sampling, candidate, seed), indices in batches.items():
            for index, answer in zip(
                indices, self._answers([requests[i] for i in indices], sampling, seed), strict=True
            ):
                found[index, candidate] = answer
        return [self._gathered(request, index, found) for index, request in enumerate(requests)]

    def _answers(
        self, requests: Sequence[WriteRequest], sampling: Sampling, seed: int
    ) -> list[Candidate | str]:
        settings: dict[str, Any] = {
            name: getattr(sampling, name) for name in _SETTINGS if name in self._fields
        }
        if seed >= 0:
            settings["seed"] = seed
        if sampling.stop:
            settings["stop"] = list(sampling.stop)
        inputs: list[Any] = [[_lang(message) for message in request.messages] for request in requests]
        try:
            answers = self.model.batch(
                inputs, {"max_concurrency": self._concurrency}, return_exceptions=True, **settings
            )
        except Exception as error:
            return [f"{type(error).__name__}: {error}"] * len(requests)
        return [_candidate(answer, sampling) for answer in answers]

    def _gathered(
        self, request: WriteRequest, index: int, found: dict[tuple[int, int], Candidate | str]
    ) -> Written:
        answers = [found[index, candidate] for candidate in range(request.candidates)]
        errors = [answer for answer in answers if isinstance(answer, str)]
        made = tuple(answer for answer in answers if isinstance(answer, Candidate))
        # One candidate is enough to go on with; an error is told only where nothing came.
        return Written(id=request.id, candidates=made, error="" if made or not errors else errors[0])


def _lang(message: Message) -> BaseMessage:
    return _KINDS[message.role](content=message.content)


def _candidate(answer: object, sampling: Sampling) -> Candidate | str:
    if isinstance(answer, BaseException):
        return f"{type(answer).__name__}: {answer}"
    if not isinstance(answer, AIMessage):
        return f"the model answered with {type(answer).__name__}, not with a message"
    text = str(answer.text)
    ends = [at for at in (text.find(stop) for stop in sampling.stop if stop) if at >= 0]
    if ends:
        text = text[: min(ends)]
    usage = answer.usage_metadata
    reason = str(answer.response_metadata.get("finish_reason", "stop"))
    cut = not ends and reason in ("length", "max_tokens")
    return Candidate(
        text=text.strip(), tokens=usage["output_tokens"] if usage else 0, finish="length" if cut else "stop"
    )
