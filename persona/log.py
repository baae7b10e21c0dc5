"""Logging: structured, on standard error, and without secrets.

Everything goes through the standard library's loggers, so that what libraries log is redacted in the same way.
structlog only draws the lines, and is imported when logging is configured.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote

if TYPE_CHECKING:
    import logging

REDACTED = "[redacted]"
SHORTEST_SECRET = 4
"""A shorter registered value would black out half of every line, and is no secret worth the name."""
_FIELDS = "persona_fields"
_DEEPEST = 6
"""Levels of nesting that are shown; what lies deeper is cut off unseen."""

_SECRET_KEY = re.compile(
    r"(?:^|[_\-. ])(?:tokens?|passw(?:or)?d|passphrase|pwd|secrets?|api[_-]?keys?|apikey|authorization|auth|bearer"
    r"|credentials?|cookies?|set-cookie|private[_-]?key|access[_-]?key|session[_-]?id|signature)$",
    re.IGNORECASE,
)
_COUNTS = frozenset(("tokens", "max_tokens", "prompt_tokens", "new_tokens"))
_TOKENS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (
            r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            REDACTED,
        ),
        (r"(?i)\b(bearer|basic|token|digest)(\s+)(?=[\w+/=.~-]*[\d.=+/_-])[\w+/=.~-]{8,}", rf"\1\2{REDACTED}"),
        (r"(\w{2,}://)[^\s/@:]*:[^\s/@]+@", rf"\1{REDACTED}@"),
        (
            r"(?i)([\"']?\b(?:[\w-]*[_-])?(?:token|password|passwd|pwd|secret|api[_-]?key|apikey|authorization|access[_-]?key|private[_-]?key)"
            r"[\"']?\s*[:=]\s*)(?!\[redacted\])(?:(?:bearer|basic|token)\s+)?(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;&}\])]+)",
            rf"\1{REDACTED}",
        ),
        (
            r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}"
            r"|\bxox[abeprs]-[\w-]{10,}|\bhf_[A-Za-z0-9]{16,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
            r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|\b\d{8,10}:[\w-]{35}\b",
            REDACTED,
        ),
        # Long and of mixed letters and digits: a key. Digests and ids are of one case and stay.
        (
            r"(?<![\w/.-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)(?![\w-]*_test_)[A-Za-z0-9_-]{32,}(?![\w/.-])",
            REDACTED,
        ),
    )
)
_secrets: dict[str, None] = {}


def register_secret(value: str) -> None:
    """From now on replace `value` wherever a line would show it, also URL-quoted or escaped."""
    if len(value) < SHORTEST_SECRET:
        return
    escaped = value.encode("unicode_escape").decode()
    for form in (
        value,
        quote(value, safe=""),
        escaped,
        repr(value)[1:-1],
        value.replace("\\", "\\\\").replace('"', '\\"'),
    ):
        _secrets[form] = None
    # The longest first, so that one secret that contains another is not left in halves.
    ordered = sorted(_secrets, key=lambda s: (-len(s), s))
    _secrets.clear()
    _secrets.update(dict.fromkeys(ordered))


def redact(text: str) -> str:
    """Return `text` with registered secrets and all that looks like a token replaced."""
    for secret in _secrets:
        text = text.replace(secret, REDACTED)
    for pattern, replacement in _TOKENS:
        text = pattern.sub(replacement, text)
    return text


def redacted(value: Any, key: str = "", depth: int = 0) -> Any:
    """Return `value` for a log line: containers are walked, texts redacted, other objects shown as text.

    The value of a key that names a secret is replaced whole.
    """
    if value is None or isinstance(value, bool):
        return value
    if key and key.casefold() not in _COUNTS and _SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {redact(str(k)): redacted(v, str(k), depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [redacted(item, "", depth + 1) for item in items]
    return redact(str(value))


class Logger:
    """Logs an event, a short stable phrase, with fields. Cheap to make at import: nothing is loaded before it logs."""

    __slots__ = ("_bound", "_name")

    def __init__(self, name: str, bound: Mapping[str, object] | None = None) -> None:
        self._name = name
        self._bound = dict(bound or {})

    def bind(self, **fields: object) -> Logger:
        """Return a logger that adds `fields` to everything it logs."""
        return Logger(self._name, {**self._bound, **fields})

    def debug(self, event: str, **fields: object) -> None:
        """Log what only helps to find an error in the program."""
        self._log(10, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Log what an operator may want to know."""
        self._log(20, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Log what went otherwise than planned and was dealt with."""
        self._log(30, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Log what failed."""
        self._log(40, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """Log what failed, with the exception being handled."""
        self._log(40, event, {"exc_info": True, **fields})

    def _log(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        import logging

        logger = logging.getLogger(self._name)
        if logger.isEnabledFor(level):
            shown = {k: v for k, v in {**self._bound, **fields}.items() if k != "exc_info"}
            info: Any = fields.get("exc_info")
            logger.log(level, "%s", event, exc_info=info, extra={_FIELDS: shown}, stacklevel=3)


def get_logger(name: str) -> Logger:
    """Return the logger of that name, usually `__name__`."""
    return Logger(name)


def configure_logging(level: str | int = "info", *, json: bool = False) -> None:
    """Send everything at `level` and above to standard error, redacted: lines for people, or one JSON object a line.

    Called again it replaces what it set before; handlers of others stay. Raises ValueError for an unknown level.
    """
    import logging

    import structlog

    number = logging.getLevelNamesMapping().get(level.upper()) if isinstance(level, str) else level
    if number is None:
        raise ValueError(f"{level!r} is no log level; there are debug, info, warning, error and critical")
    renderer: Any
    if json:
        renderer = structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False, default=str)
    else:
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_fields,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _redact_all,
            renderer,
        ],
    )
    root = logging.getLogger()
    for handler in [h for h in root.handlers if getattr(h, "persona_owned", False)]:
        root.removeHandler(handler)
    root.addHandler(_stderr_handler(formatter))
    root.setLevel(number)
    for loud in ("httpx", "httpcore", "urllib3", "chromadb", "apscheduler", "transformers", "filelock", "asyncio"):
        logging.getLogger(loud).setLevel(max(number, logging.WARNING))


def _with_fields(logger: object, method: str, event: Any) -> Any:
    fields: Mapping[str, object] = getattr(event["_record"], _FIELDS, {})
    # The line's own keys win: a field named "level" must not hide the level.
    return {**{(f"{k}_" if k in event else k): v for k, v in fields.items()}, **event}


def _redact_all(logger: object, method: str, event: Any) -> Any:
    return {key: redacted(value, key) for key, value in event.items()}


def _stderr_handler(formatter: logging.Formatter) -> logging.Handler:
    import logging

    class StderrHandler(logging.StreamHandler[TextIO]):
        persona_owned = True

        def emit(self, record: logging.LogRecord) -> None:
            # Looked up each time: a progress bar or a test may have put another stream in its place.
            self.stream = sys.stderr
            super().emit(record)

        def handleError(self, record: logging.LogRecord) -> None:
            # logging's own report would print the arguments as they are, secrets included.
            kind = sys.exc_info()[0]
            sys.stderr.write(
                f"a log line from {record.name} could not be written ({kind.__name__ if kind else 'error'})\n"
            )

    handler = StderrHandler()
    handler.setFormatter(formatter)
    return handler
