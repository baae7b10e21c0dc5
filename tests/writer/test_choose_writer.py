"""Which writer a model name opens, what is refused, and any LangChain model as a writer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from persona.definition.writing import WriterSettings
from persona.errors import ModelNotFound, ModelNotTrusted
from persona.testing.models import EchoChatModel, tiny_model
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
from persona.writer.folder import ModelFolder
from tests.writer.gguf_file import write_gguf


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
    cache: dict[str, Writer] = {}
    writer = open_writer(settings, cache=cache)
    assert writer.name == "openai:some-model"
    assert open_writer(settings.model_copy(update={"temperature": 0.1}), cache=cache) is writer
    assert open_writer(settings.model_copy(update={"retries": 0}), cache=cache) is not writer


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_gguf_file_is_the_model_that_it_was_made_of(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_gguf(tiny_folder, tmp_path / "small.gguf")
    writer = open_writer(WriterSettings(model="small.gguf"), root=tmp_path)
    assert writer.name.startswith("small/")
    request = ask("Write about rye.", temperature=0.0, max_tokens=12)
    told = open_writer(WriterSettings(model=str(tiny_folder))).write([request])
    assert writer.write([request]) == told
    (tmp_path / "small.gguf").unlink()
    with pytest.raises(ModelNotFound, match=r"small\.gguf"):
        open_writer(WriterSettings(model="small.gguf"), root=tmp_path)


@pytest.mark.parametrize("content", [b"PK not at all", b"GGUF but then nothing that could be one"])
def test_what_is_no_gguf_file_is_refused(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "x.gguf").write_bytes(content)
    with pytest.raises(ModelNotTrusted, match=r"x\.gguf"):
        open_writer(WriterSettings(model="x.gguf"), root=tmp_path)
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def make_adapter(folder: Path, base: str, **config: Any) -> Path:
    """Write a LoRA adapter for one matrix of the tiny model."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    torch.manual_seed(3)
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    save_file(
        {f"{name}.lora_A.weight": torch.randn(2, 64), f"{name}.lora_B.weight": torch.randn(64, 2)},
        folder / "adapter_model.safetensors",
    )
    settings = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "base_model_name_or_path": base, **config}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def test_an_adapter_is_opened_on_the_model_that_it_names(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(tiny_folder, tmp_path / "project" / "base")
    requests = [ask("Write about rye.", temperature=0.0)]
    plain = open_writer(WriterSettings(model=str(tiny_folder))).write(requests)
    answers = []
    for number, base in enumerate((str(tiny_folder), "base", "../project/base")):
        folder = make_adapter(tmp_path / "project" / f"voice{number}", base)
        writer = open_writer(WriterSettings(model=folder.name), root=tmp_path / "project")
        assert writer.name.startswith(f"voice{number}/")
        answers.append(writer.write(requests))
    assert answers[0] == answers[1] == answers[2] != plain


def test_a_base_that_changes_is_merged_anew(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base, adapter = tmp_path / "base", make_adapter(tmp_path / "voice", str(tmp_path / "base"))
    shutil.copytree(tiny_folder, base)
    requests = [ask("Write about rye.", temperature=0.0)]
    before = open_writer(WriterSettings(model=str(adapter))).write(requests)
    shutil.rmtree(base)
    tiny_model(base, seed=5)
    assert open_writer(WriterSettings(model=str(adapter))).write(requests) != before


def test_adapters_that_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    base = str(tiny_folder)
    pickled = make_adapter(tmp_path / "pickled", base)
    (pickled / "adapter_model.safetensors").rename(pickled / "adapter_model.bin")
    coded = make_adapter(tmp_path / "coded", base, auto_map={"AutoModel": "x.X"})
    stacked = make_adapter(tmp_path / "stacked", str(pickled))
    unsafe = tmp_path / "unsafe"
    unsafe.mkdir()
    (unsafe / "config.json").write_text("{}")
    (unsafe / "pytorch_model.bin").write_bytes(b"x")
    on_unsafe = make_adapter(tmp_path / "on_unsafe", str(unsafe))
    for folder, why in (
        (pickled, "pickled"),
        (coded, "auto_map"),
        (stacked, "another adapter"),
        (on_unsafe, "pickled"),
    ):
        with pytest.raises(ModelNotTrusted, match=why):
            open_writer(WriterSettings(model=str(folder)))
    homeless = make_adapter(tmp_path / "homeless", "gone")
    with pytest.raises(ModelNotFound, match="base_model_name_or_path"):
        open_writer(WriterSettings(model=str(homeless)))


def test_the_context_is_found_under_every_name(tiny_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_folder, tmp_path / "m")
    for config, length in (
        ({"max_position_embeddings": 512}, 512),
        ({"n_positions": 256}, 256),
        ({"text_config": {"max_position_embeddings": 128}}, 128),
        ({"max_position_embeddings": None}, 2048),
    ):
        (tmp_path / "m" / "config.json").write_text(json.dumps(config))
        assert ModelFolder.open(tmp_path / "m").context == length


def test_a_model_with_learnt_positions_is_not_asked_beyond_them(tiny_folder: Path, tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "gpt2"
    size: dict[str, Any] = {"n_embd": 32, "n_layer": 1, "n_head": 2, "vocab_size": 400, "n_positions": 64}
    with warnings.catch_warnings(action="ignore"):
        GPT2LMHeadModel(GPT2Config(**size, bos_token_id=0, eos_token_id=1)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_folder / name, folder / name)
    long, short = open_writer(WriterSettings(model=str(folder))).write(
        [ask("a long text " * 40, max_tokens=8), ask("short", max_tokens=8)]
    )
    assert "56 fit the model's context" in long.error
    assert short.candidates


def test_a_tokenizer_file_that_cuts_and_pads_does_neither(tiny_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_folder, tmp_path / "m")
    file = tmp_path / "m" / "tokenizer.json"
    told = json.loads(file.read_text())
    told["truncation"] = {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    told["padding"] = {
        "strategy": {"Fixed": 64},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 1,
        "pad_type_id": 0,
        "pad_token": "<|im_end|>",
    }
    file.write_text(json.dumps(told))
    text = "a text of more than four tokens and fewer than all of them"
    plain, odd = (ModelFolder.open(folder).tokenizer().encode(text).ids for folder in (tiny_folder, tmp_path / "m"))
    assert odd == plain


def test_unknown_models_are_named_with_a_cure(tmp_path: Path) -> None:
    for model in ("nowhere", "missing.gguf", "nosuchprovider:x"):
        with pytest.raises(ModelNotFound) as caught:
            open_writer(WriterSettings(model=model), root=tmp_path)
        assert model in str(caught.value)


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
