"""Says what pydantic found in words for a person who keeps a YAML file: what is allowed, and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .checks import nearest

_EXPECTED = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
}


def explain(
    error: Mapping[str, Any], model: type[BaseModel], loc: tuple[int | str, ...], value: object
) -> tuple[str, str]:
    """Return message and cure. The value itself is never repeated: it may be private, or very long."""
    kind, context = error["type"], error.get("ctx", {})
    field = _field(model, loc)
    about = f"Here belongs: {field.description}" if field is not None and field.description else ""
    if kind == "extra_forbidden":
        known = sorted(_keys(model, loc[:-1]))
        hint = nearest(str(loc[-1]), known)
        return "there is no such key.", hint or f"There are: {', '.join(known) or 'none'}."
    if kind == "missing":
        return "is missing.", about
    if kind in _EXPECTED:
        quotes = kind == "string_type" and isinstance(value, bool | int | float)
        cure = "Put it in quotes." if quotes else about
        return f"{_EXPECTED[kind]}, not {_named(value)}.", cure
    if kind == "value_error":
        return _sentence(str(context.get("error", error["msg"]))), ""
    if kind in ("literal_error", "enum"):
        known = [str(each) for each in _choices(field)]
        hint = nearest(value, known) if isinstance(value, str) else ""
        return f"must be one of {', '.join(known) or context.get('expected', '')}.", hint
    if kind == "string_pattern_mismatch":
        return "has a form that is not allowed.", about or f"It must match {context.get('pattern', '')}"
    if kind in ("too_short", "string_too_short"):
        return ("is empty." if context.get("min_length") == 1 else "is too short."), about
    if kind in ("too_long", "string_too_long"):
        return f"is too long: at most {context.get('max_length')}.", "Shorten it."
    text = str(error["msg"]).replace("Input should be", "must be")
    return _sentence(text[:1].lower() + text[1:]), about


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _named(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), "this")


def _field(model: type[BaseModel], loc: tuple[int | str, ...]) -> FieldInfo | None:
    """Return the field that the last name in `loc` stands for."""
    here: list[type[BaseModel]] = [model]
    field: FieldInfo | None = None
    for part in loc:
        if isinstance(part, int):
            continue
        field = next((each.model_fields[part] for each in here if part in each.model_fields), None)
        if field is None:
            return None
        here = list(_models(field.annotation))
    return field


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> set[str]:
    if not any(isinstance(part, str) for part in loc):
        # `defaults` is merged into the personas before the schema sees the file.
        return set(model.model_fields) | ({"defaults"} if "personas" in model.model_fields else set())
    field = _field(model, loc)
    return {name for each in _models(field.annotation) for name in each.model_fields} if field is not None else set()


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


def _choices(field: FieldInfo | None) -> Iterator[object]:
    def walk(annotation: object) -> Iterator[object]:
        for each in get_args(annotation):
            if isinstance(each, str):
                yield each
            else:
                yield from walk(each)

    yield from walk(field.annotation) if field is not None else ()
