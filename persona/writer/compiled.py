"""The C of `native.c`, compiled on the spot where the machine has a compiler, and kept in the user's cache folder."""

from __future__ import annotations

import ctypes
import logging
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from persona.digest import digest

from .precision import processor

log = logging.getLogger(__name__)

_SOURCE = Path(__file__).with_name("native.c")
_FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
_THREADS = ("-fopenmp",)
_SECONDS = 120


@lru_cache(maxsize=4)
def compiled(cache: Path) -> Any:
    """Return the compiled functions, or None where there is no compiler or it cannot make them.

    They are made once for a processor and a release of the compiler, in about a second.
    """
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        return None
    try:
        told = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
        name = digest(_SOURCE.read_text(encoding="utf-8"), _FLAGS, told, processor(), size=8)
        file = cache / f"native-{name}.so"
        if not file.is_file():
            _compile(compiler, file)
        functions = ctypes.CDLL(str(file))
        functions.run.restype = None
    except (OSError, subprocess.SubprocessError, AttributeError) as error:
        log.info("%s is left out: %s", _SOURCE.name, error)
        return None
    return functions


def _compile(compiler: str, file: Path) -> None:
    """Make `file`, whole or not at all; without threads where the compiler has none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".native-") as folder:
        made = Path(folder) / file.name
        for flags in ((*_FLAGS, *_THREADS), _FLAGS):
            command = [compiler, *flags, "-o", str(made), str(_SOURCE), "-lm"]
            found = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
            if found.returncode == 0:
                made.replace(file)
                return
        raise OSError(found.stderr.strip().splitlines()[0] if found.stderr.strip() else "the compiler failed")


@lru_cache(maxsize=4)
def works(cache: Path) -> bool:
    """Return whether the compiled functions give what torch gives, for a small random model: a compiler may err."""
    import torch

    from .llama import LlamaForward
    from .native import NativeForward
    from .weights import LlamaWeights

    functions = compiled(cache)
    if functions is None:
        return False
    weights = LlamaWeights(_CONFIG, _random())
    tokens = list(range(40))
    with torch.inference_mode():
        found = NativeForward(weights, functions).logprobs(None, tokens)
        wanted = LlamaForward(weights, precision="int8", head="int8").logprobs(None, tokens)
    return bool((found - wanted).norm() <= 0.05 * wanted.norm())


_CONFIG: dict[str, Any] = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 64,
    "tie_word_embeddings": True,
}


def _random() -> dict[str, Any]:
    import torch

    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Any:
        return torch.randn(shape, generator=generator) / shape[-1] ** 0.5

    tensors = {"model.embed_tokens.weight": drawn(70, 64) * 8, "model.norm.weight": torch.ones(64)}
    parts = {
        "self_attn.q_proj": (96, 64),
        "self_attn.k_proj": (32, 64),
        "self_attn.v_proj": (32, 64),
        "self_attn.o_proj": (64, 96),
        "mlp.gate_proj": (96, 64),
        "mlp.up_proj": (96, 64),
        "mlp.down_proj": (64, 96),
    }
    for layer in range(2):
        tensors |= {f"model.layers.{layer}.{name}.weight": drawn(*shape) * 2 for name, shape in parts.items()}
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"model.layers.{layer}.{name}.weight"] = torch.ones(64)
    return tensors
