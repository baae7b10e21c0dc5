"""Which device a local model runs on."""

from __future__ import annotations

from typing import Literal

from persona.errors import DeviceMissing

Device = Literal["auto", "cpu", "cuda", "mps"]


def chosen_device(wanted: Device, *, cuda: bool | None = None, mps: bool | None = None) -> str:
    """Return the device to use: what is `wanted`, and for `auto` a GPU if there is one.

    `cuda` and `mps` say what the machine has; None asks torch. Raises DeviceMissing.
    """
    if wanted == "cpu":
        return "cpu"
    found = {"cuda": _has_cuda() if cuda is None else cuda, "mps": _has_mps() if mps is None else mps}
    if wanted == "auto":
        return next((name for name, there in found.items() if there), "cpu")
    if not found[wanted]:
        there = ["cpu", *(name for name, here in found.items() if here)]
        raise DeviceMissing(device=wanted, found_text=" and ".join(there) + (" only" if len(there) == 1 else ""))
    return wanted


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _has_mps() -> bool:
    import torch

    return torch.backends.mps.is_available()
