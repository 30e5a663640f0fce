"""Resampling laws: ramps exact, no aliasing, agreement with other code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array
from medlens.prep.resample import FILTERS, axis_weights, resize_plane

SMOOTH = ["linear", "cubic", "area"]


def ramp(height: int, width: int) -> Array:
    """value = 3·row − 2·column + 5."""
    y, x = np.mgrid[:height, :width]
    return (3.0 * y - 2.0 * x + 5).astype(np.float32)


@given(
    st.integers(2, 90),
    st.integers(2, 90),
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from(["linear", "cubic"]),
)
@settings(max_examples=80, deadline=None)
def test_a_ramp_stays_the_same_ramp(
    h: int, w: int, h2: int, w2: int, kernel: str
) -> None:
    found = resize_plane(ramp(h, w), height=h2, width=w2, kernel=kernel)
    y = (np.arange(h2) + 0.5) * h / h2 - 0.5
    x = (np.arange(w2) + 0.5) * w / w2 - 0.5
    if kernel == "linear":  # enlarged edges repeat the edge pixel
        y, x = np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)
        inside = (slice(None), slice(None))
    else:  # an enlarging cubic bends within two pixels of the edge
        rows = (y >= 2) & (y <= h - 3) if h2 > h else np.ones(h2, bool)
        columns = (x >= 2) & (x <= w - 3) if w2 > w else np.ones(w2, bool)
        inside = np.ix_(rows, columns)
    wanted = 3.0 * y[:, None] - 2.0 * x[None] + 5
    np.testing.assert_allclose(found[inside], wanted[inside], atol=2e-3)


@pytest.mark.parametrize("kernel", FILTERS)
@pytest.mark.parametrize("size", [(7, 300), (64, 64), (129, 31), (400, 400)])
def test_a_constant_stays_constant(kernel: str, size: tuple[int, int]) -> None:
    flat = np.full((64, 97), 0.3, np.float32)
    found = resize_plane(flat, height=size[0], width=size[1], kernel=kernel)
    np.testing.assert_allclose(found, 0.3, atol=1e-6)


@pytest.mark.parametrize(("kernel", "left"), [("linear", 0.02), ("cubic", 0.02)])
@pytest.mark.parametrize("factor", [3, 4.5, 9])
def test_what_the_new_grid_cannot_carry_is_filtered(
    kernel: str, left: float, factor: float
) -> None:
    # a sine at 1.5 to 3.5 times the new Nyquist frequency would alias
    n = 720
    for times in (2.2, 2.6, 3.5):
        frequency = min(times * 0.5 / factor, 0.49)
        wave = np.sin(2 * np.pi * frequency * np.arange(n)).astype(np.float32)
        plane = np.tile(wave, (8, 1))
        small = resize_plane(plane, height=8, width=round(n / factor), kernel=kernel)
        middle = small[:, 4:-4]
        assert np.mean(middle**2) < left * np.mean(wave**2)


@pytest.mark.parametrize("kernel", SMOOTH)
def test_what_it_can_carry_is_kept(kernel: str) -> None:
    n, factor = 720, 4
    wave = np.sin(2 * np.pi * 0.05 * 0.5 / factor * np.arange(n)).astype(np.float32)
    small = resize_plane(
        np.tile(wave, (8, 1)), height=8, width=n // factor, kernel=kernel
    )
    centre = (np.arange(n // factor) + 0.5) * factor - 0.5
    wanted = np.sin(2 * np.pi * 0.05 * 0.5 / factor * centre)
    np.testing.assert_allclose(small[0], wanted, atol=0.01)


@pytest.mark.parametrize("size", [(50, 40), (33, 77), (20, 150)])
def test_area_equals_the_mean_of_the_covered_field(size: tuple[int, int]) -> None:
    plane = np.random.default_rng(0).random((100, 120)).astype(np.float32)
    found = resize_plane(plane, height=size[0], width=size[1], kernel="area")
    if size[1] <= 120:  # integrate the piecewise constant image, then take means
        total = np.zeros((101, 121))
        total[1:, 1:] = plane.astype(float).cumsum(0).cumsum(1)
        y = np.linspace(0, 100, size[0] + 1)
        x = np.linspace(0, 120, size[1] + 1)
        down = np.stack([np.interp(y, np.arange(101), column) for column in total.T], 1)
        both = np.stack([np.interp(x, np.arange(121), row) for row in down])
        wanted = np.diff(np.diff(both, axis=0), axis=1) / (y[1] - y[0]) / (x[1] - x[0])
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert found.mean() == pytest.approx(plane.mean(), abs=5e-3)


def test_inside_it_agrees_with_torch() -> None:
    torch = pytest.importorskip("torch")
    plane = np.random.default_rng(0).random((97, 131)).astype(np.float32)
    for kernel, mode in (("linear", "bilinear"), ("cubic", "bicubic")):
        ours = resize_plane(plane, height=24, width=40, kernel=kernel)
        theirs = torch.nn.functional.interpolate(
            torch.from_numpy(plane)[None, None], (24, 40), mode=mode, antialias=True
        )[0, 0].numpy()
        # torch does not correct the weights for ramps: a few per cent of noise
        np.testing.assert_allclose(ours[3:-3, 3:-3], theirs[3:-3, 3:-3], atol=0.02)


def test_nearest_keeps_values_and_depth() -> None:
    mask = np.array([[0, 3], [7, 250]], np.uint8)
    found = resize_plane(mask, height=6, width=4, kernel="nearest")
    np.testing.assert_array_equal(found, mask.repeat(3, axis=0).repeat(2, axis=1))
    assert found.dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_integers_give_the_same_as_floats(dtype: type) -> None:
    plane = np.random.default_rng(0).integers(0, 100, (40, 50)).astype(dtype)
    for kernel in SMOOTH:
        ours = resize_plane(plane, height=13, width=60, kernel=kernel)
        floats = resize_plane(
            plane.astype(np.float32), height=13, width=60, kernel=kernel
        )
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, floats)


@given(st.integers(1, 500), st.integers(1, 500), st.sampled_from(SMOOTH))
@settings(max_examples=80, deadline=None)
def test_weights_sum_to_one_and_stay_inside(n: int, count: int, kernel: str) -> None:
    weights = axis_weights(n, count, kernel)
    np.testing.assert_allclose(weights.values.sum(axis=1), 1, atol=1e-5)
    assert weights.starts.min() >= 0
    assert weights.stops.max() <= n
    for k in (0, count - 1):
        beyond = weights.values[k, weights.stops[k] - weights.starts[k] :]
        assert not beyond.any()


@given(st.integers(2, 60), st.integers(2, 60), st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_linear_never_overshoots(h: int, w: int, h2: int, w2: int) -> None:
    plane = (np.random.default_rng(h * w).random((h, w)) > 0.5).astype(np.float32)
    found = resize_plane(plane, height=h2, width=w2, kernel="linear")
    assert found.min() >= -1e-5
    assert found.max() <= 1 + 1e-5
