"""Depths and spans: every way to 0..1 and back gives the same answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array
from medlens.prep import planes

from .phantoms import image_of, windowed


@pytest.mark.parametrize(
    ("given_as", "low", "high", "becomes"),
    [
        (np.bool_, 0, 1, np.uint8),
        (np.uint8, 0, 255, np.uint8),
        (np.int8, -128, 127, np.int16),
        (np.int16, -32768, 32767, np.int16),
        (np.dtype(">u2"), 0, 65535, np.uint16),
        (np.int32, -1000, 3000, np.int16),
        (np.uint32, 0, 65535, np.uint16),
        (np.int64, -70000, 3, np.float32),
        (np.float64, 0, 1, np.float32),
        (np.float16, 0, 1, np.float32),
    ],
)
def test_every_depth_becomes_one_that_opencv_knows(
    given_as: type, low: float, high: float, becomes: type
) -> None:
    values = np.array([low, high]).astype(given_as).reshape(1, 1, 1, 2)
    found = planes.to_known_depth(values)
    assert found.dtype == becomes
    assert found.dtype.isnative
    assert found.reshape(-1).tolist() == [low, high]


@given(
    st.sampled_from([np.uint8, np.uint16, np.int16]),
    st.integers(0, 2**31),
    st.sampled_from([(1, 1, 5, 7), (2, 3, 40, 41)]),
)
@settings(max_examples=20, deadline=None)
def test_tables_give_what_the_function_gives(
    dtype: type, seed: int, shape: tuple[int, ...]
) -> None:
    info = np.iinfo(dtype)
    values = np.random.default_rng(seed).integers(info.min, info.max + 1, shape, dtype)

    def curve(x: Array) -> Array:
        return np.asarray(np.sqrt(np.abs(x)) - x / 3)

    wanted = curve(values.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(planes.map_values(values, curve), wanted)


def test_narrow_tables_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(-3000, 3000, (1, 1, 80, 80), np.int16)
    wide = planes.map_values(values, np.abs)
    monkeypatch.setattr(planes, "WIDE_TABLES", False)  # OpenCV 4
    np.testing.assert_array_equal(planes.map_values(values, np.abs), wide)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_to_unit_and_back_is_the_same(dtype: type) -> None:
    values = np.linspace(0, 30000 % (np.iinfo(dtype).max + 1), 777).astype(dtype)
    span = (float(values.min()), float(values.max()))
    unit = planes.to_unit(values, span)
    assert (unit.min(), unit.max()) == (0, 1)
    np.testing.assert_array_equal(planes.from_unit(unit, span, values.dtype), values)


def test_span_of_each_kind_of_image() -> None:
    two = np.array([[10, 200], [30, 40]])
    assert planes.value_span(windowed(two / 255)) == (0, 1)
    eight = image_of(two.astype(np.uint8), valid_min=0.0, valid_max=255.0)
    assert planes.value_span(eight) == (0, 255)
    deep = image_of(two.astype(np.uint16), valid_min=0.0, valid_max=65535.0)
    assert planes.value_span(deep) == (10, 200)
    assert planes.value_span(image_of(np.full((2, 2), 7, np.uint16))) == (7, 8)


def test_planes_and_slices_are_visited_in_order() -> None:
    values = np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(
        planes.each_plane(values, lambda p: p + 1), values + 1
    )
    np.testing.assert_array_equal(
        planes.each_slice(values, lambda p: p * 2), values * 2
    )
    first = planes.each_slice(values, lambda p: p[..., :1])
    np.testing.assert_array_equal(first, values[:1])
