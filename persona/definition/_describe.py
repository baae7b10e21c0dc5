"""Writes the models of the schema as plain shapes: `python -m persona.definition._describe`, then `make format`.

It reads what pydantic itself goes by. Whatever it does not know to the last key becomes a Shape that fits nothing, so
that a file which uses it is left to the loader: a new kind of field can make the quick check slower, never wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, time, timedelta
from inspect import Parameter, signature
from pathlib import Path
from types import NoneType
from typing import Any

from . import _shapes, checks, values
from ._shapes import Anything, Choice, Either, Exactly, Made, Many, Part, Shape, Table, Text
from .base import Model
from .schema import Definition

FILE = Path(__file__).parent / "_plain_schema.py"
_HEAD = '''\
"""The schema as plain shapes. Made from the models by `python -m persona.definition._describe`; do not edit."""

from datetime import date, time, timedelta
from types import NoneType

from . import checks, values
from ._shapes import {shapes}
'''
# What says nothing about which values are taken.
_SILENT = {"type", "ref", "metadata", "serialization", "json_schema_input_schema", "microseconds_precision"}
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "date": (date,),
    "time": (time,),
    "timedelta": (timedelta,),
    "none": (NoneType,),
}
_BOUNDS = {"ge", "gt", "le", "lt"}
_SIZES = {"min_length": "least", "max_length": "most"}
# Patterns of these signs mean the same to pydantic's engine and to Python's.
_PATTERN = re.compile(r"\^([A-Za-z0-9_:,\[\](){}?*+-]*)\$")

Core = Mapping[str, Any]


class _Unknown(Exception):
    """A part of pydantic's schema that has no shape here."""


class _Default:
    """The default of a field that is a part: that part with nothing said."""

    def __init__(self, part: Part) -> None:
        self.part = part


class Describer:
    """Turns pydantic's schema of models into shapes. `parts` holds those of models by name, inner ones first."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self._refs: dict[str, Core] = {}

    def shape(self, core: Core) -> Shape:
        """Return the shape of one value."""
        try:
            return self._shape(core)
        except _Unknown:
            return Shape()

    def _shape(self, core: Core) -> Shape:
        kind = core["type"]
        if kind in _TYPES:
            _only(core, _BOUNDS)
            return Exactly(*_TYPES[kind], **{key: core[key] for key in sorted(_BOUNDS) if key in core})
        method: Callable[[Core], Shape] | None = getattr(self, "_" + kind.replace("-", "_"), None)
        if method is None:
            raise _Unknown
        return method(core)

    def _any(self, core: Core) -> Shape:
        _only(core)
        return Anything()

    def _str(self, core: Core) -> Shape:
        _only(core, {"pattern", *_SIZES})
        if "pattern" not in core:
            return Text(**_sizes(core))
        pattern = _PATTERN.fullmatch(core["pattern"])
        if pattern is None:
            raise _Unknown
        return Text(**_sizes(core), pattern=pattern[1])

    def _literal(self, core: Core) -> Shape:
        _only(core, {"expected"})
        if not all(type(each) is str for each in core["expected"]):
            raise _Unknown
        return Choice(*core["expected"])

    def _tuple(self, core: Core) -> Shape:
        _only(core, {"items_schema", "variadic_item_index", *_SIZES})
        if len(core["items_schema"]) != 1 or core.get("variadic_item_index") != 0:
            raise _Unknown
        return Many(self.shape(core["items_schema"][0]), **_sizes(core))

    def _dict(self, core: Core) -> Shape:
        _only(core, {"keys_schema", "values_schema", *_SIZES})
        return Table(self.shape(core["keys_schema"]), self.shape(core["values_schema"]), **_sizes(core))

    def _nullable(self, core: Core) -> Shape:
        _only(core, {"schema"})
        return Either(Exactly(NoneType), self.shape(core["schema"]))

    def _union(self, core: Core) -> Shape:
        _only(core, {"choices"})
        if not all(isinstance(each, dict) for each in core["choices"]):
            raise _Unknown
        return Either(*(self.shape(each) for each in core["choices"]))

    def _function_before(self, core: Core) -> Shape:
        _only(core, {"schema", "function"})
        function: Callable[[object], object] = core["function"]["function"]
        if core["function"]["type"] != "no-info" or getattr(values, function.__name__, None) is not function:
            raise _Unknown
        return Made(function, self.shape(core["schema"]))

    def _function_after(self, core: Core) -> Shape:
        _only(core, {"schema", "function"})
        inner = core["schema"]
        if core["function"]["function"] is not Model._check or inner["type"] != "model":
            raise _Unknown
        return self._part(inner)

    def _definitions(self, core: Core) -> Shape:
        _only(core, {"schema", "definitions"})
        self._refs.update((each["ref"], each) for each in core["definitions"])
        return self.shape(core["schema"])

    def _definition_ref(self, core: Core) -> Shape:
        _only(core, {"schema_ref"})
        return self.shape(self._refs[core["schema_ref"]])

    def _part(self, core: Core) -> Shape:
        _only(core, {"cls", "config", "custom_init", "root_model", "schema"})
        cls: type[Model] = core["cls"]
        config = {key: value for key, value in core["config"].items() if key != "title"}
        if config != {"extra_fields_behavior": "forbid", "strict": True} or core["custom_init"] or core["root_model"]:
            raise _Unknown
        if cls.__name__ not in self.parts:
            inner = core["schema"]
            if inner["type"] != "model-fields":
                raise _Unknown
            _only(inner, {"fields", "computed_fields", "model_name"})
            rule = None if cls.rule is checks.nothing else cls.rule
            fields: dict[str, Shape] = {}
            required: list[str] = []
            defaults: dict[str, Any] = {}
            for name, field in inner["fields"].items():
                _only(field, {"schema"})
                value = field["schema"]
                if value["type"] == "default":
                    _only(value, {"schema", "default", "default_factory", "default_factory_takes_data"})
                    fields[name] = self.shape(value["schema"])
                    defaults[name] = self._default(value)
                else:
                    required.append(name)
                    fields[name] = self.shape(value)
            self.parts[cls.__name__] = Part(fields, required=tuple(required), rule=rule, defaults=defaults or None)
        return self.parts[cls.__name__]

    def _default(self, core: Core) -> Any:
        """Return a field's default."""
        factory = core.get("default_factory")
        if factory is None:
            return core["default"]
        if factory in (dict, tuple):
            return factory()
        part = self.parts.get(getattr(factory, "__name__", ""))
        if part is None or part.required:
            raise _Unknown
        return _Default(part)


def source() -> str:
    """Return the text of the module of plain shapes, not yet formatted."""
    Definition.model_rebuild()
    describer = Describer()
    describer.shape(Definition.__pydantic_core_schema__)
    names = {part: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() for name, part in describer.parts.items()}
    body = "".join(f"\n{name} = {_code(part, names, top=True)}" for part, name in names.items()) + "\n"
    used = sorted(name for name in set(re.findall(r"\b[A-Z][a-z]+(?=\()", body)) if hasattr(_shapes, name))
    return _HEAD.format(shapes=", ".join(used)) + body


def _code(value: Any, names: Mapping[Part, str], *, top: bool = False) -> str:
    """Return Python that makes `value`."""
    if isinstance(value, Part) and not top:
        return names[value]
    if isinstance(value, _Default):
        return f"{names[value.part]}.fit({{}})"
    if isinstance(value, Shape):
        return f"{type(value).__name__}({', '.join(_arguments(value, names))})"
    if isinstance(value, tuple):
        return f"({', '.join(_code(each, names) for each in value)}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_code(key, names)}: {_code(each, names)}" for key, each in value.items()) + "}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, timedelta):
        return f"timedelta(seconds={value.total_seconds():.0f})"
    if isinstance(value, type):
        return value.__name__
    if value is None or isinstance(value, int | float):
        return repr(value)
    return f"{value.__module__.rpartition('.')[2]}.{value.__name__}"


def _arguments(shape: Shape, names: Mapping[Part, str]) -> Iterator[str]:
    for name, parameter in signature(type(shape)).parameters.items():
        value = getattr(shape, name)
        if parameter.kind is Parameter.VAR_POSITIONAL:
            yield from (_code(each, names) for each in value)
        elif parameter.default is Parameter.empty:
            yield _code(value, names)
        elif value != parameter.default:
            yield f"{name}={_code(value, names)}"


def _only(core: Core, known: Collection[str] = ()) -> None:
    if set(core) - _SILENT - set(known):
        raise _Unknown


def _sizes(core: Core) -> dict[str, Any]:
    return {name: core[key] for key, name in _SIZES.items() if key in core}


if __name__ == "__main__":
    FILE.write_text(source(), encoding="utf-8")
