"""Models of the hub: pinned by commit, taken from the cache, and refused before their weights are fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from persona.definition.writing import WriterSettings
from persona.errors import ModelNotFound, ModelNotTrusted
from persona.testing.models import tiny_model
from persona.writer import open_writer
from persona.writer.hub import hub_folder
from tests.writer.asking import ask
from tests.writer.hub_server import HubServer

NAME = "org/tiny"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    from huggingface_hub import constants

    with HubServer(NAME) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        yield server


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def weights(hub: HubServer) -> list[str]:
    return [path for path in hub.fetched if path.endswith((".safetensors", ".bin", ".py"))]


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "other", seed=5)


def test_a_pinned_model_is_fetched_once_and_stays_what_it_is(
    hub: HubServer, tiny_folder: Path, other_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = hub.commit({**files_of(tiny_folder), "onnx/model.safetensors": b"x", "pytorch_model.bin": b"x"})
    hub.commit(files_of(other_folder))
    writer = open_writer(WriterSettings(model=NAME, revision=first))
    assert writer.name.startswith("org/tiny/")
    assert writer.write([ask()]) == open_writer(WriterSettings(model=str(tiny_folder))).write([ask()])
    assert {path.rsplit("/", 1)[-1] for path in weights(hub)} == {"model.safetensors"}
    assert not [path for path in hub.fetched if "onnx" in path]
    hub.fetched.clear()
    assert hub_folder(NAME, first).name == first
    assert hub.fetched == []
    assert "revision" not in caplog.text


def test_a_model_without_a_pin_is_told_its_commit_and_then_left_as_it_is(
    hub: HubServer, tiny_folder: Path, other_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = hub.commit(files_of(tiny_folder))
    said: list[str] = []
    assert hub_folder(NAME, progress=said.append).name == first
    assert f"`revision: {first}`" in said[-1]
    assert f"`revision: {first}`" in caplog.text
    newer = hub.commit(files_of(other_folder))
    hub.fetched.clear()
    assert hub_folder(NAME).name == first, "the local copy is taken, whatever the hub holds by now"
    assert hub.fetched == []
    assert hub_folder(NAME, newer).name == newer


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_of_its_own_is_refused_before_the_weights_come(file: str, hub: HubServer, tiny_folder: Path) -> None:
    files = files_of(tiny_folder)
    files[file] = json.dumps({**json.loads(files[file]), "auto_map": {"AutoModel": "modeling_x.X"}}).encode()
    files["modeling_x.py"] = b"raise SystemExit"
    commit = hub.commit(files)
    for revision in (commit, None):
        with pytest.raises(ModelNotTrusted, match="auto_map"):
            hub_folder(NAME, revision)
    assert weights(hub) == []


def test_pickled_weights_are_refused_and_not_fetched(hub: HubServer, tiny_folder: Path) -> None:
    files = files_of(tiny_folder)
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    with pytest.raises(ModelNotTrusted, match="pickled"):
        hub_folder(NAME, hub.commit(files))
    assert weights(hub) == []
    with pytest.raises(ModelNotFound, match="no such file"):
        hub_folder(NAME, hub.commit({"README.md": b"x"}))


def test_what_cannot_be_had_says_why(hub: HubServer, tiny_folder: Path) -> None:
    hub.commit(files_of(tiny_folder))
    with pytest.raises(ModelNotFound, match="RevisionNotFound"):
        hub_folder(NAME, "0" * 40)
    with pytest.raises(ModelNotFound, match="org/none"):
        hub_folder("org/none")
