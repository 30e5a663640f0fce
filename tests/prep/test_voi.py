"""VOI windows and tables against the formulas of DICOM PS3.3 C.11.2."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import PrepError, Voi
from medlens.prep.voi import apply_voi, window_values


def pseudocode_linear(x: float, c: float, w: float) -> float:
    """C.11.2.1.2.1 as the standard writes it, output 0..1."""
    if x <= c - 0.5 - (w - 1) / 2:
        return 0.0
    if x > c - 0.5 + (w - 1) / 2:
        return 1.0
    return (x - (c - 0.5)) / (w - 1) + 0.5


def test_linear_window_by_hand() -> None:
    # the standard's own note: c=2048, w=4096 is the identity on 0..4095
    values = np.array([-5, 0, 1, 2047, 4094, 4095, 9999], dtype=np.int16)[None]
    shown = window_values(values, center=2048, width=4096)
    wanted = np.array([0, 0, 1 / 4095, 2047 / 4095, 4094 / 4095, 1, 1])
    np.testing.assert_allclose(shown[0], wanted, atol=1e-7)


def test_linear_window_of_width_one_is_a_step() -> None:
    # C.11.2.1.2.1 note: c=100, w=1 makes values below 100 black, others white
    values = np.array([[99, 100, 101]], dtype=np.int16)
    assert window_values(values, center=100, width=1).tolist() == [[0, 1, 1]]


def test_linear_exact_by_hand() -> None:
    # C.11.2.1.3.2: c=50, w=20 runs from 40 to 60
    values = np.array([[39.0, 40, 45, 50, 55, 60, 61]])
    shown = window_values(values, center=50, width=20, function="LINEAR_EXACT")
    np.testing.assert_allclose(shown[0], [0, 0, 0.25, 0.5, 0.75, 1, 1], atol=1e-7)


def test_sigmoid_by_hand() -> None:
    # C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w)); far away it saturates silently
    values = np.array([[-32768, 50, 55, 60, 32767]], dtype=np.int16)
    shown = window_values(values, center=50, width=20, function="SIGMOID")
    wanted = [0, 0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-2)), 1]
    np.testing.assert_allclose(shown[0], wanted, atol=1e-7)


@given(
    center=st.floats(-2000, 4000),
    width=st.floats(1, 5000),
    dtype=st.sampled_from([np.uint8, np.int16, np.uint16, np.float32]),
)
@settings(max_examples=40, deadline=None)
def test_linear_equals_the_pseudocode_at_every_depth(
    center: float, width: float, dtype: type
) -> None:
    # 80×80 pixels, so that integers go through the table
    values = np.linspace(0, 250, 6400).astype(dtype).reshape(80, 80)
    shown = window_values(values, center=center, width=width)
    wanted = [pseudocode_linear(float(x), center, width) for x in values[::8, ::8].flat]
    # float32 pixels leave rounding room of a few units in the last place
    room = 1e-6 + 4e-4 / max(width - 1, 1e-3) if dtype is np.float32 else 1e-6
    np.testing.assert_allclose(shown[::8, ::8].reshape(-1), wanted, atol=room)


def test_table_clamps_at_both_ends() -> None:
    # C.11.2.1.1: below the first mapped value its entry, above the last the last
    voi = Voi(lut=np.array([0.1, 0.5, 0.9]), lut_first=-1)
    values = np.array([[-7, -1, 0, 1, 8]], dtype=np.int16)
    np.testing.assert_allclose(apply_voi(values, voi)[0], [0.1, 0.1, 0.5, 0.9, 0.9])


def test_table_equals_plain_indexing_on_a_whole_image() -> None:
    table = np.random.default_rng(0).random(4096)
    values = np.random.default_rng(1).integers(0, 4096, (90, 90)).astype(np.uint16)
    shown = apply_voi(values, Voi(lut=table, lut_first=0))
    np.testing.assert_array_equal(shown, table[values].astype(np.float32))


@pytest.mark.parametrize(
    ("voi", "words"),
    [
        (Voi(center=40, width=0.5), r"width 0\.5, wanted 1 or more \(LINEAR\)"),
        (Voi(center=40, width=0, function="SIGMOID"), r"wanted above 0 \(SIGMOID\)"),
        (Voi(center=40, width=-3, function="LINEAR_EXACT"), r"width -3, wanted above"),
        (Voi(center=float("nan"), width=80), "not finite; put step 'window'"),
        (Voi(lut=np.array([])), "VOI LUT has no entries"),
        (Voi(lut=np.array([0.0, np.inf])), "entries that are not finite"),
    ],
)
def test_unusable_windows_are_refused(voi: Voi, words: str) -> None:
    with pytest.raises(PrepError, match=words):
        apply_voi(np.zeros((4, 4), np.int16), voi, case="case 1")
