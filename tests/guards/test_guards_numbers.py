from __future__ import annotations

import pytest

from persona.guards import amounts, mentioned_numbers
from persona.guards.numbers import Amount


def only(text: str) -> Amount:
    found = amounts(text)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    "text",
    ["€24", "24 €", "24€", "24,00 €", "EUR 24", "24 euros", "twenty-four euros", "€ 24.00"],
)
def test_one_price_in_many_writings(text: str) -> None:
    amount = only(text)
    assert (amount.kind, amount.unit) == ("money", "euro")
    assert 24.0 in amount.values


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("4.290 kr.", 4290, "crown"),
        ("1 290 Kč", 1290, "koruna"),
        ("R$ 79,90", 79.9, "real"),
        ("Rp 285.000", 285000, "rupiah"),
        ("¥1,800", 1800, "yen"),
        ("NT$880", 880, "dollar tw"),
        ("CHF 89.–", 89, "franc"),
        ("ten pounds", 10, "pound"),
        ("a hundred dollars", 100, "dollar"),
    ],
)
def test_currencies(text: str, value: float, unit: str) -> None:
    amount = only(text)
    assert (amount.kind, amount.unit) == ("money", unit)
    assert value in amount.values


@pytest.mark.parametrize(
    "text", ["20%", "20 %", "20 percent", "twenty per cent", "a fifth off", "a fifth of the price"]
)
def test_percents(text: str) -> None:
    assert only(text).kind == "percent"
    assert only(text).values == {20.0}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("half a litre", "500 ml"),
        ("three quarters of a litre", "750 ml"),
        ("half an hour", "30 minutes"),
        ("two weeks", "14 days"),
        ("a dozen", "12"),
        ("12 months", "one year"),
        ("two point three kilos", "2.3 kg"),
        ("seventy-five grams", "75 g"),
    ],
)
def test_one_measure_in_two_writings(one: str, other: str) -> None:
    assert only(one).values & only(other).values
    assert only(one).unit == only(other).unit


@pytest.mark.parametrize("text", ["5 July", "July 5", "the fifth of July", "5th of July", "2026-07-05", "July 5th"])
def test_dates(text: str) -> None:
    amount = only(text)
    assert (amount.kind, amount.unit) == ("date", "7")
    assert amount.values == {5.0}


def test_a_range_shares_its_unit() -> None:
    low, high = amounts("from 72 to 118 cm")
    assert low.unit == "mm"
    assert low.values == {720.0}
    assert high.values == {1180.0}


def test_bounds_and_periods() -> None:
    assert only("up to 18 hours").bound == "most"
    assert only("at least 6 days").bound == "least"
    assert only("£6.99 a month").per == "month"
    assert only("48 € apiece").per == "each"


def test_handles_and_tags_hold_no_numbers() -> None:
    assert amounts("@user24 and #7days") == ()
    assert mentioned_numbers("two of you sent 12 photos for €3") == ("12", "€3")
