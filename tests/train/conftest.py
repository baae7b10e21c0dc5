"""Tiny models and texts for all tests of training, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from persona.testing.models import tiny_model
from tests.train.train_parts import NOUNS, post_text


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("train") / "llama")


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory: pytest.TempPathFactory, llama: Path) -> Path:
    """A random GPT-2 of some 80,000 parameters, as the hub has them: no template, and the embedding stored once."""
    import torch
    from safetensors.torch import save_file
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("train") / "gpt2"
    folder.mkdir()
    tokenizer = json.loads((llama / "tokenizer.json").read_text())
    config = GPT2Config(
        vocab_size=len(tokenizer["model"]["vocab"]),
        n_positions=512,
        n_embd=48,
        n_layer=2,
        initializer_range=0.2,
        n_head=4,
        bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    torch.manual_seed(3)
    model: Any = GPT2LMHeadModel(config)
    tensors = {name: value.contiguous() for name, value in model.state_dict().items() if name != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    settings = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], **config.to_diff_dict()}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>", "bos_token": "<|im_end|>"}))
    return folder


@pytest.fixture
def posts_file(tmp_path: Path) -> Path:
    """Forty texts with topics."""
    file = tmp_path / "posts.jsonl"
    rows = [{"text": post_text(i), "topic": f"{NOUNS[i % 10]} care"} for i in range(40)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged models go to a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of some 100,000 parameters with a vocabulary of words, in the files of sentence-transformers."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("train") / "bert"
    folder.mkdir()
    words = sorted({word for i in range(100) for word in post_text(i).lower().replace(".", " .").split()})
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "?", *words])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=64,
    )  # fmt: skip
    torch.manual_seed(3)
    model: Any = BertModel(config)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    (folder / "config.json").write_text(json.dumps({**config.to_dict(), "architectures": ["BertModel"]}))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    return folder
