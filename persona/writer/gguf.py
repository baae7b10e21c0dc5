"""Any GGUF file that transformers can read, made ready once in the user's cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from persona.errors import ModelNotFound, ModelNotTrusted

from .pocket import cache_home, converted, sha256_of

_MAGIC = b"GGUF"


def gguf_folder(file: Path, cache: Path | None = None, *, progress: Callable[[str], None] | None = None) -> Path:
    """Return the folder made from `file`, named after its content. Raises ModelNotFound or ModelNotTrusted."""
    if not file.is_file():
        raise ModelNotFound(file_text=str(file), cure_text="Check the path.")
    with file.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise ModelNotTrusted(file_text=str(file), cause_text="it does not begin as a GGUF file does")
    name = f"gguf-{sha256_of(file)[:16]}"
    return converted(file, name=name, cache=cache or cache_home(), convert=_convert, progress=progress)


def _convert(file: Path, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where: dict[str, Any] = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    try:
        tokenizer = AutoTokenizer.from_pretrained(**where, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32, local_files_only=True)
    except Exception as error:
        # Whatever is wrong with a file of an unknown kind, transformers tells it in an error of any class.
        cause = f"transformers cannot read it ({type(error).__name__}: {error})"
        raise ModelNotTrusted(file_text=str(file), cause_text=cause) from error
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
