"""What went wrong with a call to a remote model: may it pass, and may it have been billed?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from persona.log import redact

from .contract import Fault

_LONGEST = 300
_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|context window|exceed_context_size|available context size"
    r"|(?:prompt|input) is too long|ContextWindowExceeded",
    re.IGNORECASE,
)
# A quota that is used up answers as a rate limit does, but no waiting helps.
_FOR_GOOD = re.compile(r"insufficient_quota|billing_hard_limit|credit balance is too low", re.IGNORECASE)
# Names, because the packages that define them may not be installed: of httpx, requests and the providers' own clients.
_PASSING = frozenset(
    ("TimeoutException", "Timeout", "NetworkError", "RemoteProtocolError", "APIConnectionError", "APITimeoutError")
)
_NEVER_ARRIVED = frozenset(("ConnectError", "ConnectTimeout", "ConnectionRefusedError", "gaierror", "PoolTimeout"))


@dataclass(frozen=True, kw_only=True)
class Failure:
    """`text` is one line without secrets. `wait`: seconds that the server asked for. `billed`: it may have been."""

    text: str
    fault: Fault = ""
    wait: float = 0.0
    billed: bool = True


def failure_of(error: BaseException) -> Failure:
    """Return what `error`, raised by any LangChain chat model, means.

    Timeouts, broken connections, the statuses 408, 409, 425 and 429 and those from 500 up may pass. A call that was
    turned away, or never arrived, was not billed; of all others nobody can tell.
    """
    status, text = status_of(error), _line(error)
    # OpenAI's client keeps the machine-readable code beside its message.
    told = f"{error} {getattr(error, 'code', '')} {getattr(error, 'type', '')}"
    if status in (None, 400, 413, 422) and (_named(error, "ContextOverflow") or _OVERFLOW.search(told)):
        return Failure(text=text, fault="overflow", billed=False)
    if status is not None:
        passing = (status in (408, 409, 425, 429) or status >= 500) and not _FOR_GOOD.search(told)
        return Failure(
            text=text,
            fault="passing" if passing else "",
            wait=_retry_after(error) if passing else 0.0,
            billed=not (400 <= status < 500 or status == 503),
        )
    names = {kind.__name__ for each in _chain(error) for kind in type(each).__mro__}
    passing = isinstance(error, TimeoutError | ConnectionError) or bool(names & _PASSING)
    return Failure(text=text, fault="passing" if passing else "", billed=not names & _NEVER_ARRIVED)


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that the server answered with, None where there was no such answer."""
    response = getattr(error, "response", None)
    for value in (
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(error, "code", None),
    ):
        if isinstance(value, int) and 100 <= value < 600:
            return value
    return None


def _retry_after(error: BaseException) -> float:
    """Return the seconds that the answer's headers ask to wait (RFC 9110, 10.2.3), 0 if they ask for none."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return 0.0
    try:
        if "retry-after-ms" in headers:
            return max(float(headers["retry-after-ms"]) / 1000, 0.0)
        value = str(headers.get("retry-after", "0"))
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value)
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError):
        return 0.0


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _named(error: BaseException, part: str) -> bool:
    return any(part in kind.__name__ for kind in type(error).__mro__)


def _line(error: BaseException) -> str:
    text = redact(" ".join(str(error).split()))
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
