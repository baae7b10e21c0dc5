"""A LangChain model string, such as `openai:gpt-5-mini`, as a writer."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from persona.errors import ModelNotFound

from .contract import Writer

if TYPE_CHECKING:
    from persona.definition.writing import WriterModel

_NO_KEY = "not-needed"


def open_remote(settings: WriterModel, api_key: str | None) -> Writer:
    """Return the writer for a model that LangChain's `init_chat_model` opens; nothing is sent yet.

    `api_key` is the secret itself. With a `base_url` and no key, none is sent: the key in the environment is for the
    provider's own address. Raises ModelNotFound.
    """
    from langchain_core.rate_limiters import InMemoryRateLimiter

    from .chat import ChatModelWriter

    seconds = settings.timeout.total_seconds()
    limiter = None
    if settings.requests_per_minute:
        rate = settings.requests_per_minute / 60
        limiter = InMemoryRateLimiter(requests_per_second=rate, check_every_n_seconds=min(0.1, 0.2 / rate))
    return ChatModelWriter(_model(settings, api_key, seconds), name=settings.model, timeout=seconds, limiter=limiter)


def _model(settings: WriterModel, api_key: str | None, seconds: float) -> Any:
    given: dict[str, Any] = {**settings.options}
    if settings.base_url is not None:
        given |= {"base_url": settings.base_url, "api_key": api_key or _NO_KEY}
    elif api_key is not None:
        given["api_key"] = api_key
    known = _known(_init(settings.model, given))
    # Retries are counted, paid for and spread out here, so the client must not make its own.
    wanted = {"timeout": seconds, "max_retries": 0}
    given = {**{name: value for name, value in wanted.items() if name in known}, **given}
    if "timeout" not in known and "client_kwargs" in known:
        from httpx import Limits

        # Ollama's client is never closed, so that connections which it keeps would stay open.
        own = {"timeout": seconds, "limits": Limits(max_keepalive_connections=0)}
        given["client_kwargs"] = {**own, **given.get("client_kwargs", {})}
    return _init(settings.model, given)


def _init(model: str, given: dict[str, Any]) -> Any:
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(model, **given)
    except Exception as error:
        # Each provider's package raises what it likes for a missing key or an unknown option.
        provider = model.partition(":")[0].replace("_", "-")
        cure = f"LangChain cannot open it: {type(error).__name__}: {error}"
        if isinstance(error, ImportError) and importlib.util.find_spec(f"langchain_{provider}") is None:
            cure = f"Its package is missing: pip install langchain-{provider}."
        raise ModelNotFound(file_text=model, cure_text=cure) from error


def _known(model: Any) -> set[str]:
    fields = type(model).model_fields
    return {*fields, *(field.alias for field in fields.values() if field.alias)}
