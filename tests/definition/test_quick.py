"""The quick check says yes only where the loader does, and then says the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path

import pytest

from persona.cli._check import STARTER
from persona.definition import _describe, _plain_schema
from persona.definition._shapes import Either, Made, Many, Part, Shape, Table
from persona.definition.quick import surely_right
from persona.plugins import PluginRegistry
from tests.definition.right_file import ALL, quick_and_full

ROOT = Path(__file__).parent.parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
WRONG = sorted(
    path
    for folder in (FIXTURES / "bad_yaml", FIXTURES / "hostile_yaml", ROOT.parent / "shared/data/hostile/yaml")
    for path in folder.glob("*.yaml")
)


def test_the_plain_schema_is_current() -> None:
    made, kept = _describe.source(), Path(_describe.FILE).read_text(encoding="utf-8")
    assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(kept)), (
        "run `python -m persona.definition._describe`, then `make format`"
    )


def test_no_part_of_the_schema_is_left_to_the_loader() -> None:
    def inside(shape: Shape) -> Iterator[Shape]:
        yield shape
        if isinstance(shape, Part):
            for each in shape.fields.values():
                yield from inside(each)
        for name in ("item", "key", "shape"):
            if isinstance(shape, Made | Many | Table) and hasattr(shape, name):
                yield from inside(getattr(shape, name))
        for each in shape.shapes if isinstance(shape, Either) else ():
            yield from inside(each)

    found = list(inside(_plain_schema.DEFINITION))
    assert len(found) > 100
    assert not [each for each in found if type(each) is Shape]


@pytest.mark.parametrize("text", [ALL, STARTER, (FIXTURES / "two.yaml").read_text(encoding="utf-8")])
def test_right_files_are_seen_to_be_right(tmp_path: Path, text: str) -> None:
    (tmp_path / "personas.yaml").write_text(text, encoding="utf-8")
    quick, _ = quick_and_full(tmp_path / "personas.yaml")
    assert quick is not None


def test_the_repositorys_own_file_is_seen_to_be_right() -> None:
    assert quick_and_full(ROOT / "personas.yaml")[0] is not None


def test_values_are_those_of_the_schema(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_text(ALL, encoding="utf-8")
    quick, _ = quick_and_full(tmp_path / "personas.yaml")
    assert quick is not None
    ada = quick["personas"][0]
    assert ada["quiet_hours"] == {"start": time(22, 30), "end": time(6, 45)}
    assert ada["slots"][2]["jitter"] == timedelta(minutes=90)
    assert ada["channels"] == {"feed": {"visibility": "unlisted"}}


@pytest.mark.parametrize("path", WRONG, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_wrong_files_are_left_to_the_loader(path: Path) -> None:
    assert quick_and_full(path) == (None, None)


def test_what_is_no_file_is_left_to_the_loader(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml", tmp_path / "a\0b"):
        assert surely_right(path, PluginRegistry(tmp_path)) is None


@pytest.mark.parametrize(
    ("settings_of", "right"),
    [
        ("{feed: }", True),
        ("{shop: {city: Rome}}", True),
        ("{shop: {}}", False),
        ("{feed: {visibility: loud}}", False),
        ("{feed: {colour: red}}", False),
        ("{feed: [a]}", False),
        ("{torn: {}}", False),
        ("{}", False),
    ],
)
def test_channels_are_checked(tmp_path: Path, settings_of: str, right: bool) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "torn.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "plugins" / "shop.py").write_text(
        "from pydantic import BaseModel\nfrom persona import Channel, Outgoing, Sent\n\n\n"
        "class Settings(BaseModel):\n    city: str\n\n\n"
        "class Shop(Channel):\n    name = 'shop'\n    settings_model = Settings\n\n"
        "    def send(self, post: Outgoing) -> Sent:\n        return Sent(id=post.key)\n"
    )
    (tmp_path / "personas.yaml").write_text(STARTER.replace("{feed: {}}", settings_of), encoding="utf-8")
    quick, full = quick_and_full(tmp_path / "personas.yaml")
    assert (quick is not None, full is not None) == (right, right)
