"""Any GGUF file that transformers can read, made ready once in the user's cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from persona.errors import ModelNotFound

from .pocket import cache_home, converted, sha256_of


def gguf_folder(file: Path, cache: Path | None = None, *, progress: Callable[[str], None] | None = None) -> Path:
    """Return the folder made from `file`, named after its content. Raises ModelNotFound."""
    if not file.is_file():
        raise ModelNotFound(file_text=str(file), cure_text="Check the path.")
    name = f"gguf-{sha256_of(file)[:16]}"
    return converted(file, name=name, cache=cache or cache_home(), convert=_convert, progress=progress)


def _convert(file: Path, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    config = model.config
    if hasattr(config, "quantization_config"):
        # The weights are no longer quantised, and with this entry transformers would try to read them as if.
        del config.quantization_config
    tensors = dict(model.state_dict())
    if config.tie_word_embeddings:
        tensors.pop("lm_head.weight", None)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    tokenizer.save_pretrained(folder)
    config.save_pretrained(folder)
