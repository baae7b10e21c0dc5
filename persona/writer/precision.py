"""In which number format a model runs: what was asked for, or what this machine is quickest in."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from persona.digest import digest
from persona.errors import PrecisionMissing

from .int8 import has_int8
from .product import Product, product

Precision = Literal["auto", "float32", "bfloat16", "int8"]

_ROWS = (1, 24)
_SHAPE = (3072, 576)
_ROUNDS = 5
_WORTH = 0.9
"""A coarser format must need at most this share of the time of a finer one."""


@dataclass(frozen=True, kw_only=True)
class Formats:
    """The formats of the products inside the layers and of the last one, which makes the logits."""

    layers: str
    head: str


def formats(wanted: Precision, device: str, *, cache: Path) -> Formats:
    """Return the formats for a wish on a device. `auto` on a CPU is measured once and kept in the folder `cache`.

    The last product of bfloat16 would be rounded so coarsely that likely words tie, so it is int8 (with sums in 32
    bits) or float32. Raises PrecisionMissing.
    """
    if device != "cpu":
        if wanted == "int8":
            raise PrecisionMissing(precision=wanted, device=device)
        half = device == "cuda" and torch.cuda.is_bf16_supported()
        return Formats(layers=("bfloat16" if half else "float32") if wanted == "auto" else wanted, head="float32")
    layers = quickest(cache) if wanted == "auto" else wanted
    if layers == "float32":
        return Formats(layers=layers, head=layers)
    whole = has_int8()
    if layers == "int8" and not whole:
        raise PrecisionMissing(precision=layers, device=device)
    return Formats(layers=layers, head="int8" if whole else "float32")


def quick_bfloat16() -> bool:
    """Return whether this CPU multiplies bfloat16 in hardware."""
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(torch.backends.mkldnn.is_available() and check is not None and check())  # type: ignore[no-untyped-call]


def quickest(cache: Path) -> str:
    """Return the format in which this machine multiplies quickest: measured once, then read from `cache`.

    What is kept counts for one processor and one release of torch, so that a machine keeps to one format.
    """
    there = ["float32", *(["bfloat16"] if quick_bfloat16() else []), *(["int8"] if has_int8() else [])]
    if len(there) == 1:
        return there[0]
    file = cache / f"precision-{digest(processor(), torch.__version__, there, size=6)}.json"
    kept = _read(file)
    if kept in there:
        return kept
    seconds = {name: _seconds(product(torch.randn(_SHAPE), name)) for name in there}
    best = choice(seconds)
    _write(file, {"precision": best, "seconds": seconds, "processor": platform.processor(), "torch": torch.__version__})
    return best


def choice(seconds: dict[str, float]) -> str:
    """Return the best of formats, given finest first with their times: a coarser one must be clearly quicker."""
    names = iter(seconds)
    best = next(names)
    for name in names:
        if seconds[name] <= seconds[best] * _WORTH:
            best = name
    return best


def processor() -> str:
    """Return what identifies this processor and its instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    found = {line.partition("\t")[0].strip(): line.partition(": ")[2] for line in reversed(lines)}
    named = [found[name] for name in ("model name", "flags", "Features") if name in found]
    return " ".join(named) or f"{platform.machine()} {platform.processor()}"


def _seconds(multiply: Product) -> float:
    """Return the processor time of one product with few and one with many rows: other programs do not count."""
    total = 0.0
    for count in _ROWS:
        rows = torch.randn(count, _SHAPE[1])
        multiply.raw(rows)
        times = []
        for _ in range(_ROUNDS):
            start = time.process_time()
            for _ in range(4):
                multiply.raw(rows)
            times.append((time.process_time() - start) / 4)
        total += min(times)
    return total


def _read(file: Path) -> str:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["precision"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _write(file: Path, values: dict[str, object]) -> None:
    """Write whole or not at all; where the folder cannot be written, the next process measures again."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(values, stream, indent=1)
        Path(name).replace(file)
    except OSError:
        pass
