from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from persona.channel import Outgoing, Seat
from persona.clock import VirtualClock
from persona.errors import PluginBroken, PluginNotFound
from persona.plugins import PREFIX, PluginDescription, PluginRegistry

ROOT = Path(__file__).parent.parent.parent
LOUD = """\
from persona import Channel, Outgoing, Sent

class {cls}(Channel):
    name = "{name}"
    def send(self, post: Outgoing) -> Sent:
        with (self.seat.folder / "loud.txt").open("a") as file:
            file.write(post.text.upper() + "\\n")
        return Sent(id=post.key)
"""


def project(folder: Path, **files: str) -> PluginRegistry:
    (folder / "plugins").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "plugins" / f"{name}.py").write_text(text)
    return PluginRegistry(folder)


def loud(cls: str = "Loud", name: str = "loud") -> str:
    return LOUD.format(cls=cls, name=name)


def row(registry: PluginRegistry, source: str) -> PluginDescription:
    (found,) = [each for each in registry.descriptions() if each.source == source]
    return found


def test_a_ten_line_drop_in_posts(tmp_path: Path) -> None:
    channel = project(tmp_path, loud=loud()).channel("loud")
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    seat = Seat(persona="ada", handle="ada", name="Ada", bio="", settings={}, folder=tmp_path, clock=clock)
    assert channel(seat).send(Outgoing(key="k", text="hello")).id == "k"
    assert (tmp_path / "loud.txt").read_text() == "HELLO\n"


def test_the_readmes_drop_in_works(tmp_path: Path) -> None:
    text = (ROOT / "plugins" / "README.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    assert project(tmp_path, loud=code).channel("loud").name == "loud"


def test_bundled_plugins_are_entry_points(tmp_path: Path) -> None:
    registry = PluginRegistry(tmp_path)
    assert registry.channel("feed").__module__.startswith("persona_feed")
    assert registry.network("feed").__module__.startswith("persona_feed")
    assert registry.memory("chroma").__module__.startswith("persona_memory")


def test_in_the_repository_nothing_is_loaded_twice() -> None:
    registry = PluginRegistry(ROOT)
    assert registry.dropins == []
    assert {each.status for each in registry.descriptions()} == {"ready"}
    assert not [name for name in sys.modules if name.startswith(f"{PREFIX}persona_feed")]


def test_the_projects_own_goes_first_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    registry = project(tmp_path, mine=loud(name="feed"))
    with caplog.at_level(logging.INFO):
        assert registry.channel("feed").__module__ == f"{PREFIX}mine"
        registry.channel("feed")
    assert caplog.messages == ["channel 'feed': plugins/mine.py goes before the installed plugin"]
    assert [each.status for each in registry.descriptions() if (each.kind, each.name) == ("channel", "feed")] == [
        "ready",
        "hidden",
    ]


def test_of_two_drop_ins_the_first_by_file_name_wins(tmp_path: Path) -> None:
    registry = project(tmp_path, b=loud("B"), a=loud("A"))
    assert registry.channel("loud").__name__ == "A"
    assert row(registry, "plugins/b.py").cause == "plugins/a.py has the same name and goes before it"


def test_a_drop_in_does_not_replace_a_module_of_that_name(tmp_path: Path) -> None:
    import email

    assert project(tmp_path, email=loud()).channel("loud").__module__ == f"{PREFIX}email"
    assert sys.modules["email"] is email


def test_a_package_with_a_helper(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "pack"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("from .inner import Packed\n\n__version__ = '3.1'\n")
    (folder / "inner.py").write_text(loud("Packed", "packed"))
    registry = PluginRegistry(tmp_path)
    assert registry.channel("packed").__name__ == "Packed"
    assert row(registry, "plugins/pack/__init__.py").status == "ready"


def test_what_is_no_plugin_is_passed_over(tmp_path: Path) -> None:
    registry = project(tmp_path, _helper="raise RuntimeError")
    (tmp_path / "plugins" / "README.md").write_text("# hello")
    (tmp_path / "plugins" / "empty").mkdir()
    (tmp_path / "plugins" / ".hidden.py").write_text("raise RuntimeError")
    assert registry.dropins == []


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("x = 1\n", "it holds no subclass of persona.Channel"),
        ("from persona import Channel\n", "it holds no subclass of persona.Channel"),
        ("import persona\n\nimport not_there_at_all\n", "line 3: ModuleNotFoundError: No module named"),
        ("def f(:\n", "line 1: SyntaxError"),
        ("raise SystemExit(3)\n", "line 1: SystemExit: 3"),
        ("from persona import Channel\n\n\nclass A(Channel):\n    name = 'bad'\n", "its class A must write send"),
        (loud().replace('name = "loud"', "pass"), "its class Loud has no name"),
    ],
)
def test_a_broken_one_stops_no_other(tmp_path: Path, text: str, cause: str) -> None:
    registry = project(tmp_path, bad=text, good=loud())
    assert registry.channel("loud")
    found = row(registry, "plugins/bad.py")
    assert (found.name, found.status) == ("bad", "broken")
    assert cause in found.cause
    with pytest.raises(PluginBroken, match=r"'bad' from plugins/bad\.py cannot be loaded"):
        registry.channel("bad")


def test_names_are_listed_without_importing(tmp_path: Path) -> None:
    registry = project(tmp_path, lazy="raise RuntimeError\n" + loud(name="quiet"))
    assert registry.names("channel") == ["feed", "quiet"]
    assert registry.channel("feed")
    assert f"{PREFIX}lazy" not in sys.modules


def test_a_name_that_the_text_does_not_show(tmp_path: Path) -> None:
    registry = project(tmp_path, odd=loud().replace('name = "loud"', 'name = "".join(["o", "dd-one"])'))
    assert registry.channel("odd-one").name == "odd-one"


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    registry = project(tmp_path, loud=loud())
    with pytest.raises(PluginNotFound, match=r"No channel is named 'lod'\. There are: feed, loud"):
        registry.channel("lod")
    with pytest.raises(PluginNotFound, match="There are: chroma"):
        registry.memory("lod")


def test_two_projects_do_not_share_a_drop_in(tmp_path: Path) -> None:
    for folder, name in (("a", "one"), ("b", "two")):
        (tmp_path / folder).mkdir()
        assert project(tmp_path / folder, same=loud(name=name)).channel(name).name == name
