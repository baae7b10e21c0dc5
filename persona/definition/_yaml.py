"""A small YAML reader that keeps where everything stands and takes nothing dangerous.

It builds from PyYAML's events, never from its constructors. Refused: more than 64 KB, anything but UTF-8, aliases,
anchors, merge keys, tags, duplicate keys, more than one document, nesting beyond 20, and characters that cannot be
seen. Scalars follow the core rules of YAML 1.2: `no` is text, `08:30` is text, `010` is ten.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import yaml
from yaml.events import AliasEvent, MappingEndEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent, StreamEndEvent

from ..errors import DefinitionError, Problem
from .secrets import looks_secret

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_PROBLEMS = 30
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

Scalar: TypeAlias = str | int | float | bool | None
Loc: TypeAlias = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,5})?")
_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
# Controls, soft hyphen, fillers, zero-width, bidi, line and paragraph separators, invisible operators, lone halves of
# surrogate pairs, interlinear marks, tags and supplementary variation selectors.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)
_CURES = {
    "found a tab character that violates indentation": "Indent with spaces, not tabs.",
    "found character that cannot start any token": "Indent with spaces, not tabs; put text that begins with @, % or ` "
    "in quotes.",
    "mapping values are not allowed in this context": 'Put text that holds ": " in quotes, and check the indentation.',
    "did not find expected key": "Check the indentation and the quotes on this line and the one before.",
    "could not find expected ':'": "Write `key: value`.",
    TOO_DEEP: "Flatten it.",
    "found unexpected end of stream": "A quote or bracket that was opened is not closed.",
}


class Node:
    """A value of the file with the place where it begins (from 1) and its key's path.

    `value` is a scalar, a list of nodes, or a dict of entries.
    """

    __slots__ = ("column", "line", "path", "value")

    def __init__(self, value: Any, line: int, column: int, path: str) -> None:
        self.value, self.line, self.column, self.path = value, line, column, path

    def child(self, part: str | int) -> Node | Entry | None:
        """Return what stands at `part`, or None."""
        if isinstance(self.value, dict):
            entry: Entry | None = self.value.get(part)
            return entry
        if isinstance(self.value, list) and isinstance(part, int) and 0 <= part < len(self.value):
            node: Node = self.value[part]
            return node
        return None


class Entry:
    """A key of a mapping, with the key's own place, and its value."""

    __slots__ = ("column", "line", "node", "path")

    def __init__(self, line: int, column: int, path: str, node: Node) -> None:
        self.line, self.column, self.path, self.node = line, column, path, node


class _Builder:
    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self.file, self.events = file, events
        self.problems: list[Problem] = []

    def refuse(self, mark: Any, path: str, message: str, cure: str = "", *, once: bool = False) -> None:
        if once and any(problem.message == message for problem in self.problems):
            return
        self.problems.append(
            Problem(file=self.file, line=mark.line + 1, column=mark.column + 1, path=path, message=message, cure=cure)
        )
        if len(self.problems) >= MAX_PROBLEMS:
            raise DefinitionError(tuple(self.problems))

    def build(self, event: Any, path: str, depth: int) -> Node:
        mark = event.start_mark
        node = Node(None, mark.line + 1, mark.column + 1, path)
        if isinstance(event, AliasEvent):
            self.refuse(
                mark, path, "aliases (*name) are not taken.", "Write it out, or use the `defaults:` block.", once=True
            )
            return node
        if event.anchor is not None:
            self.refuse(
                mark, path, "anchors (&name) are not taken.", "Write it out, or use the `defaults:` block.", once=True
            )
        if event.tag is not None:
            self.refuse(mark, path, "tags (!name) are not taken.", "Write the plain value.")
        if isinstance(event, ScalarEvent):
            node.value = self.scalar(event, path)
            return node
        if depth >= MAX_DEPTH:
            self.refuse(mark, "", f"{TOO_DEEP}.", "Flatten it.")
            raise DefinitionError(tuple(self.problems))
        if isinstance(event, SequenceStartEvent):
            node.value = []
            while not isinstance(event := next(self.events), SequenceEndEvent):
                node.value.append(self.build(event, f"{path}[{len(node.value)}]", depth + 1))
            return node
        node.value = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            self.pair(node, event, depth)
        return node

    def pair(self, node: Node, event: Any, depth: int) -> None:
        mark = event.start_mark
        if not isinstance(event, ScalarEvent):
            self.build(event, node.path, depth + 1)
            self.refuse(mark, node.path, "a key must be plain text.")
            self.build(next(self.events), node.path, depth + 1)
            return
        key = event.value
        self.visible(event, node.path)
        shown = "***" if looks_secret("", key) else key[:40]
        path = f"{node.path}.{shown}" if node.path else shown
        if event.anchor is not None or event.tag is not None:
            self.refuse(mark, path, "a key takes no anchor and no tag.")
        if key == "<<" and not event.style:
            self.refuse(mark, path, "merge keys (<<) are not taken.", "Use the `defaults:` block.", once=True)
        elif key in node.value:
            first = node.value[key]
            self.refuse(mark, path, f"the key is there twice; it is first on line {first.line}.", "Remove one.")
        child = self.build(next(self.events), path, depth + 1)
        node.value.setdefault(key, Entry(mark.line + 1, mark.column + 1, path, child))

    def scalar(self, event: Any, path: str) -> Scalar:
        self.visible(event, path)
        text: str = event.value
        if event.style:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.fullmatch(text):
            return int(text[2:], 8 if text[1] == "o" else 16) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        return text

    def visible(self, event: Any, path: str) -> None:
        # What an escape such as "\u202e" stands for is not in the file's own text.
        for _, code in unseen(event.value):
            self.refuse(event.start_mark, path, f"holds U+{code:04X}, a character that cannot be seen.", "Remove it.")
            return


def unseen(text: str) -> Iterator[tuple[int, int]]:
    """Yield index and code point of each character that cannot be seen. A joiner between two emoji is none."""
    for match in _UNSEEN.finditer(text):
        at, code = match.start(), ord(match[0])
        if code == 0x200D and 0 < at < len(text) - 1 and text[at - 1] > "\u2190" and text[at + 1] > "\u2190":
            continue
        yield at, code


def read(path: str | os.PathLike[str], name: str) -> Node:
    """Return the root of the document in `path`. `name` is what problems call the file. Raises DefinitionError."""

    def refuse(line: int, column: int, message: str, cure: str = "") -> DefinitionError:
        return DefinitionError((Problem(file=name, line=line, column=column, path="", message=message, cure=cure),))

    text = _text(path, refuse)
    for at, code in unseen(text):
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        raise refuse(line, column, f"U+{code:04X} is a character that cannot be seen.", "Remove it.")
    return _parse(text, name, refuse)


def _text(path: str | os.PathLike[str], refuse: Callable[..., DefinitionError]) -> str:
    try:
        if not os.path.isfile(path):
            what = "it is no file" if os.path.exists(path) else "there is no such file"
            raise refuse(1, 1, f"{what}.", "Name the personas file with --file, or make one with `persona init`.")
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(1, 1, f"cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise refuse(1, 1, "is larger than 64 KB.", "Shorten it, or split the personas over two projects.")
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
        raise refuse(line, column, "is not UTF-8.", "Save the file as UTF-8.") from None


def _parse(text: str, name: str, refuse: Callable[..., DefinitionError]) -> Node:
    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    builder = _Builder(name, events)
    try:
        next(events)
        if isinstance(next(events), StreamEndEvent):
            raise refuse(1, 1, "is empty.", "Make a first personas file with `persona init`.")
        root = builder.build(next(events), "", 0)
        next(events)
        if not isinstance(event := next(events), StreamEndEvent):
            builder.refuse(event.start_mark, "", "a second document begins.", "Keep one document; remove the `---`.")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = str(getattr(error, "problem", None) or "is not YAML")
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        if message == "exceeded maximum nesting depth":
            # The parser's own limit: reading ahead, it comes to that before the first event is out.
            message = TOO_DEEP
        # A tag's or anchor's name would be the only part of the file that the parser's own text repeats.
        message = re.sub(r"['\"].*", "", message) if "undefined" in message else message
        builder.problems.append(
            Problem(file=name, line=line, column=column, path="", message=f"{message}.", cure=_CURES.get(message, ""))
        )
    if builder.problems:
        raise DefinitionError(tuple(builder.problems))
    return root
