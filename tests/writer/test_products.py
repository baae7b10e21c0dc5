"""Products with packed weights: right, and independent of other rows."""

from __future__ import annotations

import pytest
import torch

from persona.writer.int8 import Int8Product, has_int8
from persona.writer.precision import quick_bfloat16
from persona.writer.product import PlainProduct, Product, product

WEIGHT = torch.randn(96, 64, generator=torch.Generator().manual_seed(1)) * 0.1
ROWS = torch.randn(40, 64, generator=torch.Generator().manual_seed(2)) * 3

needs_int8 = pytest.mark.skipif(not has_int8(), reason="this processor has no quick products in eight bits")


def result(multiply: Product, rows: torch.Tensor) -> torch.Tensor:
    found, factor = multiply.raw(rows)
    return found.float() if factor is None else found * factor


@pytest.mark.parametrize(
    ("precision", "error"),
    [
        ("float32", 1e-6),
        pytest.param("bfloat16", 0.01, marks=pytest.mark.skipif(not quick_bfloat16(), reason="no bfloat16 here")),
        pytest.param("int8", 0.02, marks=needs_int8),
    ],
)
def test_it_is_the_product_whatever_the_other_rows(precision: str, error: float) -> None:
    multiply = product(WEIGHT, precision)
    wanted = ROWS @ WEIGHT.T
    found = result(multiply, ROWS)
    assert (found - wanted).norm() <= error * wanted.norm()
    assert (found - wanted).norm() > 0 or precision == "float32"
    for start, end in ((0, 1), (3, 5), (7, 30), (0, 40)):
        assert torch.equal(result(multiply, ROWS[start:end]), found[start:end])


@needs_int8
def test_int8_sums_are_exact() -> None:
    generator = torch.Generator().manual_seed(3)
    weight = torch.randint(-127, 128, (32, 512), generator=generator).float()
    rows = torch.randint(-127, 128, (5, 512), generator=generator).float()
    weight[:, 0], rows[:, 0] = 127, -127  # so that every scale is 1
    assert torch.equal(result(Int8Product(weight), rows), rows @ weight.T)


@needs_int8
def test_int8_takes_rows_and_weights_of_zeros() -> None:
    weight, rows = WEIGHT.clone(), ROWS[:3].clone()
    weight[5], rows[1] = 0, 0
    found = result(Int8Product(weight), rows)
    assert torch.equal(found[1], torch.zeros(96))
    assert torch.equal(found[:, 5], torch.zeros(3))
    assert found[0].abs().sum() > 0


def test_a_processor_without_the_instructions_has_no_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    assert not has_int8()


def test_without_onednn_the_plain_product_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from persona.writer import product as module

    def refuse(weight: torch.Tensor, dtype: torch.dtype) -> None:
        raise RuntimeError("no oneDNN")

    monkeypatch.setattr(module, "PackedProduct", refuse)
    multiply = product(WEIGHT, "float32")
    assert isinstance(multiply, PlainProduct)
    assert torch.allclose(result(multiply, ROWS), ROWS @ WEIGHT.T, atol=1e-5)
