"""ChatModelWriter: any LangChain chat model as a writer."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.rate_limiters import BaseRateLimiter

from .calls import call_all
from .contract import Candidate, Message, Sampling, Usage, Writer, WriteRequest, Written
from .failure import Failure, failure_of, status_of
from .sampler import row_seed

log = logging.getLogger(__name__)

_KINDS: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
# What the fields of LangChain's models are called, in the order in which a server's refusal is obeyed: what matters
# least goes first. `max_tokens` is never left out, for budgets are reserved by it.
_NAMES = {
    "top_k": ("top_k",),
    "repetition_penalty": ("repetition_penalty", "repeat_penalty"),
    "seed": ("seed", "random_seed"),
    "top_p": ("top_p",),
    "stop": ("stop", "stop_sequences"),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens", "num_predict", "max_output_tokens", "max_new_tokens"),
}
_MOST_STOPS = 4
_THOUGHT = re.compile(r"\s*<think>.*?(?:</think>|\Z)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class _Answer:
    usage: Usage
    candidate: Candidate | None = None
    failure: Failure | None = None


class ChatModelWriter(Writer):
    """Writes with `model`: one call a candidate, `concurrency` calls at once, none longer than `timeout` seconds.

    Of a request's sampling, what the model has a field for is set, and so is the seed; a model that knows no seed is
    not repeatable. A server that refuses one of these settings is asked again without it, and not given it any more.
    Stop strings are passed on (the first four, which is what servers take), and applied again to what comes back.
    Every call waits for `limiter`, the limit on calls a minute, before its time begins to run.
    """

    def __init__(
        self,
        model: BaseChatModel,
        *,
        name: str,
        concurrency: int = 8,
        timeout: float = 60.0,
        limiter: BaseRateLimiter | None = None,
    ) -> None:
        self.model, self.name, self.timeout = model, name, timeout
        self._concurrency, self._limiter = concurrency, limiter
        known = type(model).model_fields
        self._fields = {ours: next((name for name in names if name in known), "") for ours, names in _NAMES.items()}
        self._refused: set[str] = set()

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order."""
        calls = [partial(self._call, request, number) for request in requests for number in range(request.candidates)]
        before = self._limiter.acquire if self._limiter else lambda: True
        # The HTTP client's own timeout ends a call more cleanly; this one catches what trickles on for ever.
        made = call_all(calls, workers=self._concurrency, seconds=self.timeout + 1.0, before=before)
        answers = iter([_failed(each) if isinstance(each, BaseException) else each for each in made])
        return [_gathered(request, [next(answers) for _ in range(request.candidates)]) for request in requests]

    def _call(self, request: WriteRequest, number: int) -> _Answer:
        while True:
            settings = self._settings(request, number)
            stop = list(request.sampling.stop[:_MOST_STOPS]) if "stop" not in self._refused else []
            given = {*settings, "stop"} if stop else set(settings)
            model = self.model.model_copy(update={self._fields[name]: value for name, value in settings.items()})
            try:
                answer = model.invoke([_lang(m) for m in request.messages], stop=stop or None)
            except Exception as error:
                if not self._leave_out(error, given):
                    return _failed(error)
            else:
                return _answer(answer, request.sampling)

    def _settings(self, request: WriteRequest, number: int) -> dict[str, Any]:
        # 31 bits: what OpenAI-compatible servers accept.
        values = {**vars(request.sampling), "seed": row_seed(request.seed, number) % 2**31}
        return {
            name: values[name]
            for name, field in self._fields.items()
            if field and name != "stop" and name not in self._refused
        }

    def _leave_out(self, error: Exception, given: set[str]) -> bool:
        """Tell whether the server refuses one of the `given` settings; from now on it is left out."""
        if status_of(error) not in (400, 422) or failure_of(error).fault:
            return False
        param, text = str(getattr(error, "param", None) or ""), str(error)
        found = [name for name in _NAMES if name in given and name != "max_tokens" and _speaks_of(name, param, text)]
        if not found:
            return False
        self._refused.add(found[0])
        log.warning("%s does not take %s; it is left out from now on", self.name, found[0])
        return True


def _speaks_of(name: str, param: str, text: str) -> bool:
    words = "|".join(sorted({name, *_NAMES[name]}))
    quoted = rf"['\"`](?:{words})['\"`]|(?:argument|parameter|property|field)\b[^.\n]{{0,40}}\b(?:{words})\b"
    return param in _NAMES[name] or re.search(quoted, text) is not None


def _failed(error: BaseException) -> _Answer:
    failure = failure_of(error)
    return _Answer(usage=Usage(untold=int(failure.billed)), failure=failure)


def _gathered(request: WriteRequest, answers: Sequence[_Answer]) -> Written:
    made = tuple(answer.candidate for answer in answers if answer.candidate)
    usage = sum((answer.usage for answer in answers), Usage())
    # One candidate is enough to go on with: an error is told only where nothing came.
    failures = [] if made else [answer.failure for answer in answers if answer.failure]
    if not failures:
        return Written(id=request.id, candidates=made, usage=usage)
    told = next((failure for failure in failures if failure.fault == "passing"), failures[0])
    wait = max(failure.wait for failure in failures)
    return Written(id=request.id, error=told.text, fault=told.fault, wait=wait, usage=usage)


def _lang(message: Message) -> BaseMessage:
    return _KINDS[message.role](content=message.content)


def _answer(answer: AIMessage, sampling: Sampling) -> _Answer:
    told = answer.usage_metadata
    usage = Usage(untold=1)
    if told and told["total_tokens"]:
        usage = Usage(prompt=told["input_tokens"], text=told["output_tokens"])
    text = _THOUGHT.sub("", str(answer.text), count=1)
    ends = [at for at in (text.find(stop) for stop in sampling.stop if stop) if at >= 0]
    if ends:
        text = text[: min(ends)]
    about = answer.response_metadata
    reason = about.get("finish_reason") or about.get("stop_reason") or about.get("done_reason")
    cut = not ends and reason in ("length", "max_tokens", "MAX_TOKENS")
    if cut and not text.strip():
        why = f"the model used all of its {sampling.max_tokens} tokens before it said anything; raise writer.max_tokens"
        return _Answer(usage=usage, failure=Failure(text=why))
    candidate = Candidate(text=text.strip(), tokens=usage.text, finish="length" if cut else "stop")
    return _Answer(usage=usage, candidate=candidate)
