"""What a personas file may say of its writers, and how it is told what it may not."""

from __future__ import annotations

import re
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from persona.definition.loader import load
from persona.definition.quick import surely_right
from persona.definition.writing import WriterSettings
from persona.errors import DefinitionError
from persona.plugins import PluginRegistry

HEAD = (Path(__file__).parents[1] / "fixtures" / "two.yaml").read_text("utf-8")
COMMIT = "0123456789abcdef" * 2 + "01234567"


def written(tmp_path: Path, writer: str) -> Path:
    file = tmp_path / "personas.yaml"
    file.write_text(f"defaults:\n  writer: {writer}\n{HEAD}", "utf-8")
    return file


def settings(tmp_path: Path, writer: str) -> WriterSettings:
    file = written(tmp_path, writer)
    registry = PluginRegistry(tmp_path)
    assert surely_right(file, registry) is not None
    return load(file, registry=registry).personas[0].writer


def test_a_text_alone_is_the_model(tmp_path: Path) -> None:
    assert settings(tmp_path, "openai:gpt-5-mini") == WriterSettings(model="openai:gpt-5-mini")


def test_everything_that_may_be_said(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        "{model: openai:big, base_url: https://example.org/v1, api_key: env:KEY, timeout: 20s, retries: 1, "
        "requests_per_minute: 30, price: {input: 0.25, output: 2}, budget: {tokens: 20000, money: 0.5}, "
        "options: {reasoning_effort: minimal}, fallback: pocket, temperature: 0.5}",
    )
    assert (found.timeout, found.retries, found.requests_per_minute) == (timedelta(seconds=20), 1, 30)
    assert found.price is not None
    assert (found.price.input, found.price.output) == (0.25, 2)
    assert found.budget is not None
    assert (found.budget.tokens, found.budget.money) == (20000, 0.5)
    assert found.options == {"reasoning_effort": "minimal"}
    assert found.fallback is not None
    assert found.fallback.model == "pocket"


def test_a_commit_is_no_secret(tmp_path: Path) -> None:
    assert settings(tmp_path, f"{{model: org/name, revision: {COMMIT}}}").revision == COMMIT


@pytest.mark.parametrize(
    ("writer", "told"),
    [
        ("{model: openai:x, budget: {money: 2}}", ".writer.budget.money: needs the model's price"),
        ("{model: openai:x, budget: {}}", ".writer.budget: limits nothing."),
        (f"{{model: pocket, revision: {COMMIT}}}", ".writer.revision: is for models of the hub only."),
        ("{model: org/name, revision: main}", ".writer.revision: "),
        ("{model: openai:x, options: {max_retries: 3}}", "options.max_retries: is not an option. Write `retries`"),
        ("{model: openai:x, options: {api_key: abc}}", "options.api_key: this looks like a secret."),
        ("{model: openai:x, fallback: {model: pocket, temperature: 1}}", "fallback.temperature: "),
        ("{model: openai:x, fallback: {model: openai:y, budget: {money: 1}}}", "fallback.budget.money: needs"),
        ("{model: openai:x, fallback: 5}", "writer.fallback: must be "),
        ("[pocket]", ".writer: must be "),
        ("{model: openai:x, timeout: 0s}", ".writer.timeout: "),
    ],
)
def test_what_may_not_be_said_is_told_with_its_place(writer: str, told: str, tmp_path: Path) -> None:
    file = written(tmp_path, writer)
    registry = PluginRegistry(tmp_path)
    assert surely_right(file, registry) is None
    with pytest.raises(DefinitionError) as caught:
        load(file, registry=registry)
    assert told in str(caught.value)
    assert f"{file}:2:" in str(caught.value)


def test_what_the_documentation_shows_is_right(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "writer.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(writer:.*?)```", text, re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        file = tmp_path / "personas.yaml"
        file.write_text(f"defaults:\n{textwrap.indent(block, '  ')}{HEAD}", "utf-8")
        assert load(file, registry=PluginRegistry(tmp_path)).personas[0].writer.model
