"""Products in whole numbers of eight bits: half the memory traffic of bfloat16, and exact sums.

Each row of activations and each row of weights is scaled to -127..127 (as in LLM.int8(), Dettmers et al. 2022, without
its outlier columns). The processor sums products of eight-bit numbers in 32 bits without rounding, so a row's result
cannot depend on the order of the sum, and thus neither on the batch nor on the number of threads.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

MIDDLE = 128
"""The kernels take activations as 0..255."""
_TINY = 1e-20
_PART = 2**18
"""How many numbers of a weight are scaled at a time: what is computed between then stays in the caches."""


class Int8Product:
    """A weight [out, in] in eight bits, on a CPU with the instructions for it."""

    def __init__(self, weight: Tensor) -> None:
        """Raises RuntimeError or AttributeError where torch has no such product."""
        whole, self._scale = quantised(weight)
        self._weight: Any = torch.ops.onednn.qlinear_prepack(whole, None)
        self._zeros = torch.zeros(weight.shape[0], dtype=torch.int32)
        self._round, self._tiny = torch.tensor(MIDDLE + 0.5), torch.tensor(_TINY)
        self._product: Any = torch.ops.onednn.qlinear_pointwise.default

    def raw(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """As `Product.raw`."""
        # The tiny number keeps a row of zeros from being divided by zero.
        factor = torch.add(self._tiny, rows.abs().amax(-1, keepdim=True), alpha=1 / 127)
        whole = torch.addcmul(self._round, rows, factor.reciprocal()).to(torch.uint8)
        found = self._product(
            whole, 1.0, MIDDLE, self._weight, self._scale, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return found, factor


def quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return a weight [out, in] as whole numbers from -127 to 127, and the scale of each of its rows."""
    whole, scale = torch.empty(weight.shape, dtype=torch.int8), torch.empty(len(weight))
    rows = max(_PART // weight.shape[1], 1)
    for start in range(0, len(weight), rows):
        part, end = weight[start : start + rows], start + rows
        scale[start:end] = part.abs().amax(1).clamp_min(_TINY) / 127
        whole[start:end] = (part / scale[start:end].unsqueeze(1)).round_()
    return whole, scale


def has_int8() -> bool:
    """Return whether this CPU and torch multiply eight-bit numbers right (some processors let sums overflow)."""
    check = getattr(torch.cpu, "_is_vnni_supported", None)
    if check is None or not check():
        return False
    try:
        # The largest numbers there are: without the instructions for it, sums of two products overflow.
        weight = torch.ones(64, 256).mul_(torch.linspace(-1, 1, 64).sign().unsqueeze(1))
        rows = torch.ones(3, 256)
        found, factor = Int8Product(weight).raw(rows)
        return factor is not None and torch.allclose(found * factor, rows @ weight.T, rtol=0.02)
    except (RuntimeError, AttributeError, NotImplementedError):
        return False
