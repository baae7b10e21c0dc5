"""Products with a weight matrix, in the layout and the number format in which this machine is quickest."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Product(Protocol):
    """The product of rows [rows, in] with a weight [out, in].

    A row's result does not depend, to the last bit, on the other rows.
    """

    def raw(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return [rows, out], and what each row must still be multiplied with, [rows, 1], or None for nothing."""


class PlainProduct:
    """By torch's own `linear`, on any device."""

    def __init__(self, weight: Tensor, dtype: torch.dtype, device: str = "cpu") -> None:
        self._weight = weight.to(device=device, dtype=dtype)

    def raw(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """As `Product.raw`."""
        return functional.linear(rows.to(self._weight.dtype), self._weight), None


class PackedProduct:
    """In oneDNN's own layout, on a CPU: measured two to seven times as quick as `linear`."""

    def __init__(self, weight: Tensor, dtype: torch.dtype) -> None:
        """Raises RuntimeError or AttributeError where torch has no oneDNN."""
        self._dtype = dtype
        self._weight: Any = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype).contiguous(), 16)
        self._product: Any = torch.ops.mkldnn._linear_pointwise.default

    def raw(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """As `Product.raw`."""
        rows = rows.to(self._dtype)
        if rows.shape[0] == 1:
            # A single row is summed in another order than a row of several.
            return self._product(rows.repeat(2, 1), self._weight, None, "none", [], "")[:1], None
        return self._product(rows, self._weight, None, "none", [], ""), None


def product(weight: Tensor, precision: str, device: str = "cpu") -> Product:
    """Return the quickest product with `weight` for that precision (float32, bfloat16 or int8) and device."""
    if precision == "int8":
        from .int8 import Int8Product

        return Int8Product(weight)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device == "cpu":
        try:
            packed = PackedProduct(weight, dtype)
            probe = torch.linspace(-1, 1, weight.shape[1]).unsqueeze(0)
            found, wanted = (p.raw(probe)[0].float() for p in (packed, PlainProduct(weight, dtype)))
            if torch.allclose(found, wanted, rtol=0.05, atol=0.05):
                return packed
        except (RuntimeError, AttributeError):
            # This build of torch has no oneDNN, or calls it by another name.
            pass
    return PlainProduct(weight, dtype, device)
