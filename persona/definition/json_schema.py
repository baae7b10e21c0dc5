"""The JSON Schema of a personas file, for editors. The loader checks more: times, references, plugins, secrets."""

from __future__ import annotations

import json
import re
from typing import Any

from .schema import Definition


def json_schema() -> dict[str, Any]:
    """Return the schema of the file as it is written, before `defaults` are merged in.

    Since any value may come from `defaults`, only name and handle are required of a persona, and nothing of
    `defaults`.
    """
    schema: dict[str, Any] = _tidy(Definition.model_json_schema(mode="validation"))
    parts = schema["$defs"]
    parts["QuietHours"].pop("required")
    persona = parts["Persona"]
    parts["Defaults"] = {
        **persona,
        "description": "What all personas share. Mappings are merged key by key, lists are replaced whole.",
        "required": [],
    }
    persona["required"] = ["name", "handle"]
    schema["properties"]["defaults"] = {"$ref": "#/$defs/Defaults"}
    schema["description"] = "A personas file."
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "personas.yaml", **schema}


def text() -> str:
    """Return the schema as the text of personas.schema.json."""
    return json.dumps(json_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _tidy(value: Any, *, names: bool = False) -> Any:
    """Leave out titles, which repeat the key, and defaults of durations, which JSON Schema would write in ISO form."""
    if isinstance(value, list):
        return [_tidy(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, each in value.items():
        if not names and (
            key == "title" or (key == "default" and isinstance(each, str) and re.match(r"P[0-9T]", each))
        ):
            continue
        kept[key] = _tidy(each, names=key in ("properties", "$defs"))
    return kept
