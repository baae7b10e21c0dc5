"""Which writer a model name opens, what is refused, and any LangChain model as a writer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from persona.definition.schema import WriterSettings
from persona.errors import ModelNotFound, ModelNotTrusted
from persona.testing.models import EchoChatModel
from persona.writer import (
    ChatModelWriter,
    LocalChatModel,
    LocalWriter,
    Message,
    Sampling,
    Writer,
    WriteRequest,
    open_writer,
)


def ask(text: str, seed: int = 1, candidates: int = 4, **sampling: Any) -> WriteRequest:
    message = Message(role="user", content=text)
    return WriteRequest(id=text, messages=(message,), seed=seed, candidates=candidates, sampling=Sampling(**sampling))


def test_a_folder_is_loaded_once(tiny_folder: Path) -> None:
    cache: dict[str, Writer] = {}
    first = open_writer(WriterSettings(model=str(tiny_folder)), cache=cache)
    assert isinstance(first, LocalWriter)
    assert first.name.startswith("tiny/")
    second = open_writer(WriterSettings(model=str(tiny_folder), temperature=0.1), cache=cache)
    assert second is first
    assert open_writer(WriterSettings(model="tiny"), root=tiny_folder.parent).name == first.name


def test_a_langchain_name_opens_a_chat_model() -> None:
    settings = WriterSettings(model="openai:some-model", base_url="http://127.0.0.1:9/v1")
    writer = open_writer(settings, api_key="not-a-secret")
    assert isinstance(writer, ChatModelWriter)
    assert writer.name == "openai:some-model"
    assert "temperature" in writer._fields


def test_unknown_models_are_named_with_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("nowhere", "missing.gguf", "nosuchprovider:x"):
        with pytest.raises(ModelNotFound) as caught:
            open_writer(WriterSettings(model=model), root=tmp_path)
        assert model in str(caught.value)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: 1 / 0)
    with pytest.raises(ModelNotFound, match="org/none"):
        open_writer(WriterSettings(model="org/none"))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickled_weights_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelNotTrusted, match="pickled"):
        LocalChatModel(folder=str(tmp_path))


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_of_the_models_own_is_refused(file: str, tiny_folder: Path, tmp_path: Path) -> None:
    for source in tiny_folder.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    settings = json.loads((tmp_path / file).read_text())
    settings["auto_map"] = {"AutoModelForCausalLM": "modeling_x.X"}
    (tmp_path / file).write_text(json.dumps(settings))
    with pytest.raises(ModelNotTrusted, match="auto_map"):
        LocalChatModel(folder=str(tmp_path))


def test_folders_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"config\.json"):
        LocalChatModel(folder=str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelNotFound, match="safetensors"):
        LocalChatModel(folder=str(tmp_path))
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(ModelNotTrusted, match="not JSON"):
        LocalChatModel(folder=str(tmp_path))


def test_a_chat_template_cannot_reach_out(tiny_folder: Path, tmp_path: Path) -> None:
    for source in tiny_folder.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "chat_template.jinja").write_text("{{ messages.__class__.__mro__[1].__subclasses__() }}")
    [answer] = LocalChatModel(folder=str(tmp_path)).write([ask("hello")])
    assert "SecurityError" in answer.error


def test_a_chat_model_writes_repeatably() -> None:
    writer = ChatModelWriter(EchoChatModel(), name="echo")
    requests = [ask("Write about sourdough bread."), ask("Write about morning trams.", seed=2)]
    first = writer.write(requests)
    assert first == writer.write(requests)
    assert writer.write(requests[::-1]) == first[::-1]
    assert [len(answer.candidates) for answer in first] == [4, 4]
    assert len({candidate.text for candidate in first[0].candidates}) > 1
    assert first[0].candidates[0].tokens > 0
    [cut] = writer.write([ask("Write about sourdough bread.", stop=(" ",))])
    assert all(" " not in candidate.text for candidate in cut.candidates)


def test_a_failing_call_fails_its_request_only() -> None:
    writer = ChatModelWriter(EchoChatModel(fail_on="boom"), name="echo")
    bad, good = writer.write([ask("boom"), ask("Write about rye.")])
    assert "ValueError" in bad.error
    assert not bad.candidates
    assert len(good.candidates) == 4


def test_the_package_imports_neither_torch_nor_langchain() -> None:
    code = (
        "import sys, persona.writer, persona.writer.choose, persona.writer.switch;"
        "heavy = {'torch', 'langchain_core', 'langchain', 'transformers', 'numpy'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
