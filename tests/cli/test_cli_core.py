from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from persona import __version__
from persona.cli import COMMANDS, _check, help_text, main
from persona.errors import PersonaError

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("torch", "transformers", "langchain", "langchain_core", "chromadb", "sqlalchemy")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def python(code: str, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more}
    command = [sys.executable, "-c", code, *argv]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


@pytest.mark.parametrize("line", [["--help"], ["check"], ["check", "--fresh"], ["schema"]])
def test_light_commands_import_nothing_heavy(tmp_path: Path, line: list[str]) -> None:
    assert main(["init"]) == 0
    code = (
        "import sys\nfrom persona.cli import main\ncode = main(sys.argv[1:])\n"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    assert python(code, *line).stderr.splitlines()[-1] == "0 []"


def test_init_then_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "new/place"]) == 0
    folder = tmp_path / "new" / "place"
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "personas.schema.json", "personas.yaml"]
    assert (folder / ".gitignore").read_text() == ".persona/\n"
    capsys.readouterr()
    assert main(["check", "--file", str(folder / "personas.yaml")]) == 0
    assert capsys.readouterr().out == "ada_crumb            Ada Crumb: 1 slot in Europe/Lisbon, on feed\n"


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert main(["init"]) == 0
    (tmp_path / "personas.yaml").write_text("mine")
    assert main(["init"]) == 2
    assert (tmp_path / "personas.yaml").read_text() == "mine"
    assert (tmp_path / ".gitignore").read_text() == "mine\n.persona/\n"
    assert capsys.readouterr().err.startswith("personas.yaml is there already")


def test_the_starter_is_about_fifteen_lines() -> None:
    assert len([line for line in _check.STARTER.splitlines() if not line.startswith("#")]) <= 18


def test_a_wrong_file_gives_problems_on_stderr_and_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "personas.yaml").write_text("personas: [{name: Ada}]\n")
    assert main(["check"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "personas.yaml:1:12: personas[0].handle: is missing." in err


def test_a_check_is_remembered_only_while_nothing_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, plugins = tmp_path / "personas.yaml", tmp_path / "plugins"
    assert main(["init"]) == main(["check"]) == 0
    (stamp,) = (tmp_path / "cache" / "persona" / "checked").iterdir()
    # A stamp with another text shows whether it was used.
    stamp.write_text(stamp.read_text().replace("Ada Crumb:", "From the stamp:"))
    right = stamp.read_text()

    def stamped() -> bool:
        stamp.write_text(right)
        capsys.readouterr()
        assert main(["check"]) == 0
        return "From the stamp" in capsys.readouterr().out

    assert stamped()
    text = file.read_text()
    file.write_text(text.replace("warm", "cold"))
    assert not stamped()
    file.write_text(text)
    plugins.mkdir()
    assert not stamped()
    plugins.rmdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert not stamped()


def test_a_changed_drop_in_is_checked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = tmp_path / "plugins" / "cli_quiet.py"
    plugin.parent.mkdir()
    plugin.write_text(
        "from persona import Channel, Outgoing, Sent\n\n\nclass Quiet(Channel):\n    name = 'quiet'\n\n"
        "    def send(self, post: Outgoing) -> Sent:\n        return Sent(id=post.key)\n"
    )
    assert main(["init"]) == 0
    file = tmp_path / "personas.yaml"
    file.write_text(file.read_text().replace("feed: {}", "quiet: {}"))
    run = "import sys; from persona.cli import main; sys.exit(main(['check']))"
    assert python(run).returncode == python(run).returncode == 0
    plugin.write_text("raise RuntimeError('torn')\n")
    torn = python(run)
    assert torn.returncode == 2
    assert "no channel plugin has this name" in torn.stderr


def test_plugins_lists_broken_ones_and_is_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "torn.py").write_text("1 / 0\n")
    assert main(["plugins"]) == 0
    rows = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert rows[0][:2] == ["NAME", "KIND"]
    assert [row[0] for row in rows[1:]] == ["feed", "torn", "feed", "chroma"]
    assert rows[2][2].endswith("broken: line 1: ZeroDivisionError: division by zero")


def test_options_stand_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    (tmp_path / "personas.yaml").rename(tmp_path / "other.yaml")
    for line in (
        ["-f", "other.yaml", "check"],
        ["check", "-f", "other.yaml"],
        ["check", "-fother.yaml", "--data", "x"],
        ["--data=x", "check", "--file=other.yaml", "--log-level", "error"],
    ):
        assert main(line) == 0, line
    assert main(["check"]) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["chek"], "there is no command 'chek'. Did you mean 'check'?"),
        (["--fiel", "x"], "there is no option '--fiel'."),
        (["check", "--file"], "--file needs a value."),
        (["check", "--log-level", "loud"], "--log-level must be one of debug, info, warning, error."),
        (["check", "--frsh"], "unrecognized arguments: --frsh"),
    ],
)
def test_wrong_usage_is_two(line: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == 2
    assert said in capsys.readouterr().err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for line in ([], ["--help"], ["-h"], ["help"]):
        assert main(line) == 0
        assert capsys.readouterr().out == help_text() + "\n"
    assert main(["help", "check"]) == 0
    assert "--fresh" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"persona {__version__}\n"
    assert all(f"  {name} " in help_text() for name in COMMANDS)


def test_every_command_has_its_module() -> None:
    for module, about in COMMANDS.values():
        assert importlib.util.find_spec(f"persona.cli.{module}"), module
        assert about[0].islower()


def test_errors_and_ctrl_c_become_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Sorry(PersonaError):
        """It is {what_text}. Try again."""

        exit_code = 7

    def raising(error: BaseException) -> None:
        def run(args: object) -> int:
            raise error

        monkeypatch.setattr(_check, "run", run)

    raising(Sorry(what_text="late"))
    assert main(["check"]) == 7
    assert capsys.readouterr().err == "It is late. Try again.\n"
    raising(KeyboardInterrupt())
    assert main(["check"]) == 130
    raising(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["check"])


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    code = "import sys; from persona.cli import main; sys.exit(main(['schema']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(timeout=30) == 141


def test_the_repositorys_own_file_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--file", str(ROOT / "personas.yaml")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
