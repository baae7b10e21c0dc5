"""A model folder: what is in it, whether it may be trusted, and its tokenizer and chat template."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona.errors import ModelNotFound, ModelNotTrusted

PICKLED = frozenset((".bin", ".pt", ".pth", ".ckpt", ".pkl"))
_LENGTHS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length", "seq_length")
_ENDS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<end_of_turn>", "<|end|>")


@dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A folder with config.json, safetensors and a tokenizer, checked before anything in it is used."""

    path: Path
    config: dict[str, Any]
    tokenizer_config: dict[str, Any]
    template: str | None

    @classmethod
    def open(cls, path: Path) -> ModelFolder:
        """Read and check. Raises ModelNotFound, or ModelNotTrusted for pickled weights and code of the model's own."""
        config_file = path / "config.json"
        if not config_file.is_file():
            cure = "Give a folder that holds config.json, *.safetensors and a tokenizer, or `pocket`."
            raise ModelNotFound(file_text=str(config_file), cure_text=cure)
        check_settings(path)
        config = _object(config_file)
        tokenizer_config = _object(path / "tokenizer_config.json")
        if not any(path.glob("*.safetensors")):
            if any(file.suffix in PICKLED for file in path.iterdir()):
                cause = "its weights are pickled, which can run code; use safetensors"
                raise ModelNotTrusted(file_text=str(path), cause_text=cause)
            cure = "The folder has no *.safetensors file."
            raise ModelNotFound(file_text=str(path / "model.safetensors"), cure_text=cure)
        return cls(
            path=path,
            config=config,
            tokenizer_config=tokenizer_config,
            template=_template(path, tokenizer_config),
        )

    @property
    def context(self) -> int:
        """How many tokens prompt and text may have together."""
        # Models of several kinds keep the language model's settings apart.
        inner = self.config.get("text_config")
        for config in (self.config, inner if isinstance(inner, dict) else {}):
            for name in _LENGTHS:
                if isinstance(config.get(name), int) and config[name] > 0:
                    return int(config[name])
        return 2048

    def tensors(self) -> dict[str, Any]:
        """Return all weights as torch tensors."""
        from safetensors.torch import load_file

        index = self.path / "model.safetensors.index.json"
        if index.is_file():
            names = sorted(set(_object(index)["weight_map"].values()))
            if any(Path(name).name != name for name in names):
                cause = "its index names files outside the folder"
                raise ModelNotTrusted(file_text=str(index), cause_text=cause)
        else:
            names = sorted(file.name for file in self.path.glob("*.safetensors"))
        tensors: dict[str, Any] = {}
        for name in names:
            tensors.update(load_file(self.path / name))
        return tensors

    def tokenizer(self) -> Any:
        """Return the fast tokenizer."""
        file = self.path / "tokenizer.json"
        if file.is_file():
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(file))
            # A file may say that texts are cut or padded to one length, as for training; a prompt must be neither.
            tokenizer.no_truncation()
            tokenizer.no_padding()
            return tokenizer
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.path, trust_remote_code=False).backend_tokenizer

    def stops(self, tokenizer: Any) -> frozenset[int]:
        """Return the ids of the tokens that end a text."""
        found: set[int] = set()
        generation = _object(self.path / "generation_config.json")
        for value in (self.config.get("eos_token_id"), generation.get("eos_token_id")):
            found.update(value if isinstance(value, list) else [value] if value is not None else [])
        names = [_text(self.tokenizer_config.get("eos_token")), *_ENDS]
        found.update(i for i in (tokenizer.token_to_id(name) for name in names if name) if i is not None)
        return frozenset(found)

    def named_tokens(self) -> dict[str, str]:
        """Return the special tokens that chat templates speak of."""
        names = ("bos_token", "eos_token", "unk_token", "pad_token")
        return {name: _text(self.tokenizer_config.get(name)) for name in names}


def check_settings(folder: Path) -> None:
    """Raise ModelNotTrusted if a settings file in `folder` names code of the model's own to run."""
    for name in ("config.json", "tokenizer_config.json"):
        if "auto_map" in _object(folder / name):
            cause = "it names code of its own to run (`auto_map`); use a model of a built-in architecture"
            raise ModelNotTrusted(file_text=str(folder), cause_text=cause)


def _object(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelNotTrusted(file_text=str(file), cause_text=f"it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ModelNotTrusted(file_text=str(file), cause_text="it is not a JSON object")
    return value


def _text(token: object) -> str:
    value = token.get("content", "") if isinstance(token, dict) else token
    return value if isinstance(value, str) else ""


def _template(path: Path, tokenizer_config: dict[str, Any]) -> str | None:
    file = path / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    template = tokenizer_config.get("chat_template")
    if isinstance(template, list):
        named = {item["name"]: item["template"] for item in template}
        template = named.get("default")
    return template if isinstance(template, str) else None
