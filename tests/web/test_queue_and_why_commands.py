from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import ModuleType

import pytest

from persona.cli import _context, _queue, _why
from persona.errors import DraftNotHeld, EditRefused, NothingHereYet
from persona.store import LogRow, OutboxRow, put_setting, reading, writing
from tests.web.web_folder import Folder, fill

FILE = """personas:
  - name: Odile Marchetti
    handle: odile_bakes
    bio: A virtual baker.
    voice: [warm]
    topics: [{name: sourdough}]
    time_zone: Europe/Lisbon
    slots: [{name: morning, at: "08:30"}]
    channels: {feed: {}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "personas.yaml").write_text(FILE, "utf-8")
    return tmp_path


@pytest.fixture
def filled(project: Path) -> Folder:
    made = fill(project / ".persona" / "rehearsal")
    made.network.close()
    return made


def arguments(module: ModuleType, project: Path, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser, module.__name__.rpartition("_")[2])
    parser.set_defaults(file=str(project / "personas.yaml"), data=None)
    return parser.parse_args(words)


def state(folder: Folder, number: int) -> OutboxRow:
    with reading(folder.engine) as session:
        return session.get_one(OutboxRow, number)


def test_without_data_the_cure_is_named(project: Path) -> None:
    for module, words in ((_queue, ["list"]), (_why, ["1"])):
        with pytest.raises(NothingHereYet, match="persona rehearse"):
            module.run(arguments(module, project, *words))
    assert not (project / ".persona").exists()


def test_live_data_goes_before_a_rehearsal(project: Path, filled: Folder) -> None:
    args = arguments(_queue, project)
    assert _context.data_folder(args) == project / ".persona" / "rehearsal"
    (project / ".persona" / "persona.db").touch()
    assert _context.data_folder(args) == project / ".persona"
    args.data = str(filled.path)
    assert _context.data_folder(args) == filled.path


def test_list(project: Path, filled: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert _queue.run(arguments(_queue, project)) == 0
    shown = capsys.readouterr().out
    assert "101" in shown
    assert "honesty" in shown
    assert _queue.run(arguments(_queue, project, "list", "--json")) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == [102, 101]


def test_decisions_carry_the_rehearsals_own_time(
    project: Path, filled: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(filled.engine) as session:
        put_setting(session, "rehearsal", {"at": "2026-03-05T10:00:00+00:00"})
    assert _queue.run(arguments(_queue, project, "approve", "101", "--by", "ann")) == 0
    assert state(filled, 101).state == "ready"
    with reading(filled.engine) as session:
        entry = session.query(LogRow).one()
    assert (entry.kind, entry.at.isoformat(), entry.body["by"]) == ("approved", "2026-03-05T10:00:00+00:00", "ann")
    with pytest.raises(DraftNotHeld, match="approved by ann") as error:
        _queue.run(arguments(_queue, project, "reject", "101", "--reason", "late"))
    assert error.value.exit_code == 6


def test_edit_by_text_and_in_the_editor(
    project: Path, filled: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _queue.run(arguments(_queue, project, "edit", "102", "--text", "I cannot eat, but you can.")) == 0
    assert state(filled, 102).text == "I cannot eat, but you can. #AI"
    with pytest.raises(EditRefused, match="give it by --text"):
        _queue.run(arguments(_queue, project, "edit", "101"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.delenv("VISUAL", raising=False)
    for editor, cause in (("true", "not changed"), ("false", "ended with status 1"), ("no-such-editor", "started")):
        monkeypatch.setenv("EDITOR", editor)
        with pytest.raises(EditRefused, match=cause):
            _queue.run(arguments(_queue, project, "edit", "101"))
    monkeypatch.setenv("EDITOR", "sed -i s/30%.*/€24./")
    assert _queue.run(arguments(_queue, project, "edit", "101")) == 0
    assert state(filled, 101).text == "The Fold Board is €24. #AI #ad"


def test_why_as_text_and_as_json(project: Path, filled: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert _why.run(arguments(_why, project, "1")) == 0
    shown = capsys.readouterr().out
    for part in ("Gerald", "relevance 0.71", "At most 40 words", "* 0.780", "publish", "seed 72"):
        assert part in shown
    assert _why.run(arguments(_why, project, filled.roots[0], "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["id"], told["model"], told["recalled"][0]["score"]) == (1, "pocket (SmolLM2-135M-Instruct)", 0.83)


def test_foreign_text_is_not_read_as_markup(project: Path, filled: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    with writing(filled.engine) as session:
        row = session.get_one(OutboxRow, 101)
        row.body = row.text = "[bold red]loud[/] [/nope] :smile: [link=http://x]y"
    assert _queue.run(arguments(_queue, project)) == 0
    assert _why.run(arguments(_why, project, "101")) == 0
    assert "[/nope] :smile:" in capsys.readouterr().out
