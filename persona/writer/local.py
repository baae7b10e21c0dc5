"""LocalChatModel: a LangChain chat model over a model folder, that really writes batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import run_in_executor
from pydantic import PrivateAttr

from persona.digest import digest, seed_of

from .contract import Candidate, Message, Sampling, WriteRequest, Written
from .device import Device

if TYPE_CHECKING:
    from .model import LocalModel

_written: ContextVar[Written | None] = ContextVar("persona_written", default=None)


class LocalChatModel(BaseChatModel):
    """A causal language model in a local folder (safetensors): see `LocalModel` for the settings.

    `write` is the quick way: all requests of a tick at once, each with several candidates. As a LangChain model,
    `invoke`, `batch` and `stream` work as anywhere; `batch` is one true batch. The same input and `seed` give the
    same text. Every call takes `cancelled`, a callable that is asked before each token whether to stop; cancelling the
    task that awaits `ainvoke`, `abatch` or `astream` stops too.
    """

    folder: str
    device: Device = "cpu"
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    native: bool = True
    max_rows: int = 64
    prefix_bytes: int = 512 * 2**20
    batch_bytes: int = 1024 * 2**20
    max_tokens: int = 80
    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 40
    repetition_penalty: float = 1.1
    seed: int = 0

    _model: Any = PrivateAttr(default=None)

    def __init__(self, **values: Any) -> None:
        """Load the model. Raises ModelNotFound, ModelNotTrusted, DeviceMissing, PrecisionMissing."""
        super().__init__(**values)
        from .model import LocalModel

        names = ("device", "precision", "native", "max_rows", "prefix_bytes", "batch_bytes")
        self._model = LocalModel(Path(self.folder), **{name: getattr(self, name) for name in names})

    @property
    def _llm_type(self) -> str:
        return "persona-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": Path(self.folder).name, "precision": self.resolved_precision, **vars(self._sampling(None, {}))}

    @property
    def local(self) -> LocalModel:
        """The model below, for what LangChain has no words for."""
        model: LocalModel = self._model
        return model

    @property
    def _decoder(self) -> Any:
        return self.local.decoder

    @property
    def resolved_precision(self) -> str:
        """The precision in use: never `auto`."""
        return self.local.precision

    @property
    def resolved_device(self) -> str:
        """The device in use: never `auto`."""
        return self.local.device

    def write(
        self, requests: Sequence[WriteRequest], *, cancelled: Callable[[str], bool] | None = None
    ) -> list[Written]:
        """Return one answer per request, in order; see `LocalModel.write`."""
        return self.local.write(requests, cancelled=cancelled)

    def forget(self) -> None:
        """Drop the kept keys and values of prompts."""
        self.local.forget()

    def batch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Return one message per input, all written together. Callbacks see each input as a run of its own."""
        turns = [self._convert_input(each).to_messages() for each in inputs]
        stop = kwargs.get("stop")
        answers = self.write([self._request(each, stop, kwargs) for each in turns], cancelled=kwargs.get("cancelled"))
        configs = config if isinstance(config, list) else [config] * len(inputs)
        messages: list[Any] = []
        for each, settings, answer in zip(inputs, configs, answers, strict=True):
            token = _written.set(answer)
            try:
                messages.append(self.invoke(each, settings, **kwargs))
            except Exception as error:
                if not return_exceptions:
                    raise
                messages.append(error)
            finally:
                _written.reset(token)
        return messages

    async def abatch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """As `batch`, in a thread."""
        with _stopping(kwargs) as wanted:
            return await run_in_executor(
                None, self.batch, inputs, config, return_exceptions=return_exceptions, **wanted
            )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = _written.get()
        if answer is None:
            [answer] = self.write([self._request(messages, stop, kwargs)], cancelled=kwargs.get("cancelled"))
        if answer.error:
            raise ValueError(answer.error)
        [candidate] = answer.candidates
        return ChatResult(generations=[_generation(candidate)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with _stopping(kwargs) as wanted:
            return await super()._agenerate(messages, stop, run_manager, **wanted)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with _stopping(kwargs) as wanted:
            async for chunk in super()._astream(messages, stop, run_manager, **wanted):
                yield chunk

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        request = self._request(messages, stop, kwargs)
        for piece in self.local.stream(request, cancelled=kwargs.get("cancelled")):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if run_manager:
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk

    def _sampling(self, stop: Sequence[str] | None, kwargs: dict[str, Any]) -> Sampling:
        names = ("max_tokens", "temperature", "top_p", "top_k", "repetition_penalty")
        values = {name: kwargs.get(name, getattr(self, name)) for name in names}
        return Sampling(stop=tuple(stop or ()), **values)

    def _request(self, messages: Sequence[BaseMessage], stop: Any, kwargs: dict[str, Any]) -> WriteRequest:
        turns = tuple(_message(message) for message in messages)
        seed = kwargs.get("seed", self.seed)
        plain = [[turn.role, turn.content] for turn in turns]
        return WriteRequest(
            id=digest(plain),
            messages=turns,
            seed=seed_of(seed, plain),
            sampling=self._sampling(stop, kwargs),
        )


@contextmanager
def _stopping(kwargs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a call's settings, with a `cancelled` that also says so once this context has been left, however it was."""
    left = Event()
    asked = kwargs.get("cancelled")

    def cancelled(name: str) -> bool:
        return left.is_set() or (asked is not None and asked(name))

    try:
        yield {**kwargs, "cancelled": cancelled}
    finally:
        left.set()


def _generation(candidate: Candidate) -> ChatGeneration:
    details = {"finish_reason": candidate.finish, "logprob": candidate.logprob, "tokens": candidate.tokens}
    return ChatGeneration(message=AIMessage(content=candidate.text, response_metadata=details), generation_info=details)


def _message(message: BaseMessage) -> Message:
    """Return a LangChain message as a turn. Raises ValueError for kinds that a text model cannot read."""
    role = _ROLES.get(message.type)
    if role is None:
        raise ValueError(f"a local model reads system, human and ai messages, not {message.type!r}")
    return Message(role=role, content=str(message.text))


_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "human": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
}
