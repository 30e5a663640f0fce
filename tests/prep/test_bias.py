"""N4 takes away a field that was put on, and nothing else."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from medlens.core import Array, MissingExtraError, PrepError
from medlens.prep.bias import bias_correct
from medlens.prep.stream import on_stream

from .test_volume import volume_of

correct = on_stream(bias_correct)


def head(field: float) -> tuple[Array, Array]:
    """(D, H, W) of two tissues with a drift along W, and where tissue is."""
    index = np.stack(np.meshgrid(*[np.linspace(-1, 1, 40)] * 3, indexing="ij"))
    radius = np.sqrt((index**2).sum(axis=0))
    tissue = np.select([radius < 0.4, radius < 0.85], [100.0, 60.0], 0.0)
    noise = np.random.default_rng(0).normal(0, 1, tissue.shape)
    drifted = (tissue + np.where(tissue > 0, noise, 0)) * np.exp(field * index[2])
    return drifted.astype(np.float32), radius


def test_a_drift_is_taken_away() -> None:
    pytest.importorskip("SimpleITK")
    values, radius = head(0.4)
    shell = (radius > 0.45) & (radius < 0.8)
    fixed = correct(volume_of(values), shrink=2)
    spread = [v[shell].std() / v[shell].mean() for v in (values, fixed.array[0])]
    assert spread[0] > 0.15
    assert spread[1] < 0.3 * spread[0]
    assert fixed.array[0][shell].mean() == pytest.approx(60, rel=0.15)
    again = correct(volume_of(values), shrink=2)
    np.testing.assert_array_equal(again.array, fixed.array)


def test_an_even_volume_and_a_single_slice_stay() -> None:
    pytest.importorskip("SimpleITK")
    values, _ = head(0.0)
    even = correct(volume_of(values)).array[0]
    assert np.abs(even / np.maximum(values, 1) - (values > 0))[values > 50].max() < 0.1
    flat = correct(volume_of(values[20:21]))
    assert flat.array.shape == (1, 1, 40, 40)
    constant = np.full((8, 8, 8), 3, np.float32)
    np.testing.assert_array_equal(correct(volume_of(constant)).array[0], constant)


def test_what_n4_cannot_do_is_refused() -> None:
    with pytest.raises(PrepError, match="case 1: step 'bias_correct' found negative"):
        correct(volume_of(np.full((4, 4, 4), -1, np.int16)))
    large = volume_of(np.zeros((80, 200, 200), np.uint8))
    with pytest.raises(
        PrepError, match=r"would work on 80×200×200 voxels .* raise shr"
    ):
        correct(large, shrink=1)


def test_without_simpleitk_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'medlens\[volumes\]'"):
        correct(volume_of(head(0.1)[0]))
