"""Hostile values become text, numbers or nothing."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.report import quantity, values

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("module", [values, quantity])
def test_examples_in_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@given(ANYTHING)
def test_clean_text_fits_a_page(value: object) -> None:
    text = values.clean_text(value, limit=40)
    assert len(text) <= 40
    assert text.encode("utf-8").decode("utf-8") == text
    assert "\n" not in text
    assert not any(ord(letter) < 32 for letter in text)
    assert values.clean_text(text, limit=40) == text


@given(ANYTHING)
def test_clean_number_is_finite_or_none(value: object) -> None:
    number = values.clean_number(value)
    assert number is None or math.isfinite(number)


def test_clean_text_drops_bidi_overrides_and_lone_surrogates() -> None:
    assert values.clean_text("x\u202egnp.exe\ud800\ufffe") == "x gnp.exe"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("medlens run /home/ann/chest", "medlens run chest"),
        ("medlens run --labels=/data/p/labels.csv", "medlens run --labels=labels.csv"),
        (r"medlens run C:\Users\ann\chest", "medlens run chest"),
        ("medlens run ~/chest --out runs/a", "medlens run chest --out runs/a"),
    ],
)
def test_without_folder_keeps_the_last_part(said: str, shown: str) -> None:
    assert values.without_folder(said) == shown


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"value": 0.9712, "low": 0.95, "high": 0.99}, "0.971 (0.950 to 0.990)"),
        ({"value": 0.5, "low": 0.5, "high": 0.5}, "0.500"),
        ({"value": 0.9999, "low": 0.99, "high": 1.0}, ">0.999 (0.990 to 1.000)"),
        ({"value": None, "reason": "one label only"}, "– (one label only)"),
        ({"value": 0.5, "low": 0.9, "high": 0.1}, "0.500"),
        (0.25, "0.250"),
        ("nan", "–"),
        (["x"], "–"),
    ],
)
def test_both_text(raw: object, text: str) -> None:
    assert quantity.both_text(quantity.to_quantity(raw)) == text


def test_signs_and_p_values() -> None:
    assert [quantity.signed_text(v) for v in (0.0412, -0.003, 0.00001, None)] == [
        "+0.041",
        "−0.003",
        "0.000",
        "–",
    ]
    assert quantity.p_text(0.0004) == "p < 0.001"
    assert quantity.p_text(0.0321) == "p = 0.032"


@given(st.floats(0.0005, 0.9995))
def test_a_share_of_a_hundred_is_within_half(share: float) -> None:
    said = quantity.of_hundred(share)
    if said.endswith("of 100") and said[0].isdigit():
        assert abs(int(said.split()[0]) - 100 * share) <= 0.5
