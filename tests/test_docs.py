"""What the documents show works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from persona.cli import COMMANDS
from persona.definition.loader import load
from persona.plugins import PluginRegistry

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_readme_persona_is_valid(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    assert len(text.strip().splitlines()) <= 16
    file = tmp_path / "personas.yaml"
    file.write_text(text)
    assert load(file, registry=PluginRegistry(tmp_path)).personas[0].handle == "tova_slow"


def test_the_readme_channel_loads(tmp_path: Path) -> None:
    (text,) = blocks("python")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "loud.py").write_text(text)
    assert PluginRegistry(tmp_path).channel("loud").name == "loud"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"(persona|make) {command}\b", README)


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) < 70


def test_bundled_plugins_packages_and_entry_points_agree() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    folders = {f"plugins/{path.parent.name}" for path in (ROOT / "plugins").glob("*/__init__.py")}
    assert folders <= packages
    modules = {entry.split(":")[0] for entry in project["project"]["entry-points"]["persona.channels"].values()}
    assert modules == {path.split("/")[1] for path in folders}


def test_the_core_knows_no_channel_and_no_memory() -> None:
    for file in (ROOT / "persona").rglob("*.py"):
        assert not re.search(r"^\s*(?:from|import) persona_[a-z]+", file.read_text(), re.MULTILINE), file


def test_the_delivery_page_shows_a_right_file(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "delivery.md").read_text(), re.DOTALL)
    (persona,) = blocks("yaml")
    (tmp_path / "personas.yaml").write_text(text + persona)
    found = load(tmp_path / "personas.yaml", registry=PluginRegistry(tmp_path)).personas[0]
    assert found.delivery.late == "ask"
    assert len(found.holidays) == 2
