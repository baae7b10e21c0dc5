"""A personas file with faults: what is right is taken up, what is not keeps its last valid version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from persona.definition import Definition
from persona.definition.loader import load
from persona.definition.partly import load_partly
from persona.parts import Parts
from persona.plugins import PluginRegistry
from persona.reload import Reload
from persona.runner import Runner
from persona.testing import RecordingChannel

FILE = Path(__file__).parents[1] / "fixtures" / "two.yaml"
OpenTwo = Callable[..., Parts]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "personas.yaml"
    file.write_text(FILE.read_text())
    return file


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def handles(definition: Definition) -> list[str]:
    return [persona.handle for persona in definition.personas]


def test_one_wrong_persona_keeps_its_last_version_and_the_other_is_taken_up(file: Path) -> None:
    last = load(file)
    change(file, "bio: ", "bio: Now ")
    change(file, last.personas[1].time_zone, "Europe/Atlantis")
    found, problems = load_partly(file, last)
    assert handles(found) == handles(last)
    assert found.personas[0].bio == f"Now {last.personas[0].bio}"
    assert found.personas[1] == last.personas[1]
    assert [problem.path for problem in problems] == ["personas[1].time_zone"]


def test_a_new_wrong_persona_is_left_out_and_a_removed_one_is_gone(file: Path) -> None:
    last = load(file)
    change(file, f"handle: {last.personas[1].handle}", "handle: somebody_else")
    change(file, last.personas[1].name, "Somebody Else")
    change(file, last.personas[1].time_zone, "Europe/Atlantis")
    found, problems = load_partly(file, last)
    assert handles(found) == handles(last)[:1]
    assert problems


@pytest.mark.parametrize(("old", "new"), [("products:", "prodcts:"), ("personas:", "personas: ["), ("", "\tx\n")])
def test_a_fault_of_the_whole_file_keeps_everything(file: Path, old: str, new: str) -> None:
    last = load(file)
    change(file, old, new)
    found, problems = load_partly(file, last)
    assert found is last
    assert problems


def test_a_file_that_is_gone_keeps_everything(file: Path) -> None:
    last = load(file)
    file.unlink()
    found, problems = load_partly(file, last)
    assert found is last
    assert problems


def test_a_live_run_takes_a_change_up_and_says_what_is_wrong(open_two: OpenTwo, file: Path) -> None:
    parts = open_two(definition=load(file), rehearsal=False, project=file.parent)
    runner = Runner(parts)
    runner.start(parts.clock.now())

    def resolve(settings: object, path: str) -> dict[str, object]:
        return {}

    reload = Reload(
        file, parts.definition, lambda found, registry: parts.adopt(found, registry=registry, resolve=resolve)
    )
    kept = dict(parts.channels)
    assert not reload.look()
    handle = parts.definition.personas[0].handle
    change(file, "bio: ", "bio: Now ")
    assert reload.look()
    runner.adopt(parts.clock.now())
    runner.tick(parts.clock.now())
    assert parts.definition.persona(handle).bio.startswith("Now ")
    # The account that is described otherwise was opened anew; the other was left as it is.
    assert [parts.channels[account] is kept[account] for account in sorted(kept)] == [
        account[0] != handle for account in sorted(kept)
    ]
    change(file, "time_zone: ", "time_zone: Europe/Atlantis # ")
    assert not reload.look()
    assert "keeps its last valid version" in reload.problem
    assert "time_zone" in reload.problem
    assert parts.definition.persona(handle).bio.startswith("Now ")
    change(file, "time_zone: Europe/Atlantis # ", "time_zone: ")
    assert not reload.look()
    assert reload.problem == ""


def test_a_channel_that_cannot_be_opened_changes_nothing(open_two: OpenTwo, file: Path, tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "torn.py").write_text(
        "from persona import Channel, ChannelError, Outgoing, Sent\n\n\nclass Torn(Channel):\n    name = 'torn'\n\n"
        "    def __init__(self, seat):\n        raise ChannelError(channel='torn', cause_text='no')\n\n"
        "    def send(self, post: Outgoing) -> Sent:\n        raise AssertionError\n"
    )
    parts = open_two(definition=load(file), rehearsal=False, project=tmp_path)
    before, channels = parts.definition, parts.channels
    reload = Reload(file, before, lambda found, registry: parts.adopt(found, registry=registry, resolve=lambda s, p: s))
    change(file, "channels: {feed: {}}", "channels: {feed: {}, torn: {}}")
    assert not reload.look()
    assert "cannot be used" in reload.problem
    assert parts.definition is before
    assert parts.channels is channels
    assert not isinstance(channels, RecordingChannel)
    assert PluginRegistry(tmp_path).channel("torn").name == "torn"
