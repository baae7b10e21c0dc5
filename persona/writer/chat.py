"""ChatModelWriter: any LangChain chat model as a writer."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from .contract import Candidate, Message, Sampling, Writer, WriteRequest, Written
from .sampler import row_seed

_KINDS: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_SETTINGS = ("temperature", "max_tokens", "top_p", "top_k", "repetition_penalty")


class ChatModelWriter(Writer):
    """Writes with `model`: one call a candidate, `concurrency` calls at once.

    Of a request's sampling, what the model declares as a field of its own is passed on, and so is the seed; a model
    that knows no seed is not repeatable. Stop strings are passed on, and applied again to what comes back.
    """

    def __init__(self, model: BaseChatModel, *, name: str, concurrency: int = 8) -> None:
        self.model, self.name, self._concurrency = model, name, concurrency
        self._fields = frozenset(type(model).model_fields)

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order."""
        calls = [(request, number) for request in requests for number in range(request.candidates)]
        with ThreadPoolExecutor(self._concurrency) as pool:
            answers = iter(list(pool.map(self._call, calls)))
        return [_gathered(request, [next(answers) for _ in range(request.candidates)]) for request in requests]

    def _call(self, call: tuple[WriteRequest, int]) -> Candidate | str:
        request, number = call
        sampling = request.sampling
        settings: dict[str, Any] = {name: getattr(sampling, name) for name in _SETTINGS if name in self._fields}
        if "seed" in self._fields:
            # 31 bits: what OpenAI-compatible servers accept.
            settings["seed"] = row_seed(request.seed, number) % 2**31
        if sampling.stop:
            settings["stop"] = list(sampling.stop)
        try:
            return _candidate(self.model.invoke([_lang(m) for m in request.messages], **settings), sampling)
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def _gathered(request: WriteRequest, answers: list[Candidate | str]) -> Written:
    errors = [answer for answer in answers if isinstance(answer, str)]
    made = tuple(answer for answer in answers if isinstance(answer, Candidate))
    # One candidate is enough to go on with: an error is told only where nothing came.
    return Written(id=request.id, candidates=made, error="" if made or not errors else errors[0])


def _lang(message: Message) -> BaseMessage:
    return _KINDS[message.role](content=message.content)


def _candidate(answer: AIMessage, sampling: Sampling) -> Candidate:
    text = str(answer.text)
    ends = [at for at in (text.find(stop) for stop in sampling.stop if stop) if at >= 0]
    if ends:
        text = text[: min(ends)]
    usage = answer.usage_metadata
    cut = not ends and answer.response_metadata.get("finish_reason") in ("length", "max_tokens")
    tokens = usage["output_tokens"] if usage else 0
    return Candidate(text=text.strip(), tokens=tokens, finish="length" if cut else "stop")
