"""Laying one map over another."""

from __future__ import annotations

import numpy as np
import pytest
from audit_kit import texture
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.datasets.duplicates_register import correlate, register, warp
from medlens.datasets.duplicates_verify import measure_agreement, score_agreement
from medlens.datasets.hashes import make_maps, make_thumbnail

WHOLE = np.array([[1, 0, 1, 0]], np.float32)


def test_the_whole_window_changes_nothing() -> None:
    maps = np.random.default_rng(0).standard_normal((1, 27, 27)).astype(np.float32)
    cut, inside = warp(maps, WHOLE)
    assert np.allclose(cut, maps, atol=1e-5)
    assert inside.all()


def test_a_window_half_outside_is_masked() -> None:
    maps = np.ones((1, 10, 10), np.float32)
    _, inside = warp(maps, np.array([[1, 0.5, 1, 0]], np.float32))
    assert inside[0, :5].all()
    assert not inside[0, 5:].any()


def test_correlation_is_one_for_equal_and_zero_for_small_overlap() -> None:
    maps = np.random.default_rng(0).standard_normal((1, 20, 20)).astype(np.float32)
    inside = np.ones_like(maps)
    assert correlate(maps, 3 * maps + 2, inside)[0] == pytest.approx(1, abs=1e-4)
    assert correlate(maps, -maps, inside)[0] == pytest.approx(-1, abs=1e-4)
    inside[:, 10:] = 0
    assert correlate(maps, maps, inside)[0] == 0


Window = tuple[int, int, int, int]


def registered(window: Window) -> tuple[np.ndarray, np.ndarray, float]:
    """Errors of the start and of the registration, as shares of a side; the score."""
    top, left, down, seed = window
    image = texture(seed, 400)
    crop = image[top : 400 - down, left:]
    maps = make_maps(np.stack([make_thumbnail(i) for i in (image, crop)]))
    true = np.array([(400 - down - top), top, 400 - left, left]) / 400
    start = np.round(true / 0.06) * 0.06  # as coarse as the windows of the index
    found, score = register(maps[:1], maps[1:], start[None].astype(np.float32), steps=8)
    return np.abs(start - true), np.abs(found[0] - true), float(score[0])


@given(
    st.tuples(
        st.integers(0, 60), st.integers(0, 60), st.integers(0, 40), st.integers(0, 1000)
    )
)
@settings(max_examples=20, deadline=None)
def test_registration_stays_near_the_window_of_a_crop(window: Window) -> None:
    _, error, score = registered(window)
    assert score > 0.9
    assert error.max() < 0.05  # one and a third pixels of the map


def test_registration_finds_the_window_twice_as_well_as_the_index() -> None:
    rng = np.random.default_rng(0)
    windows = rng.integers(0, (61, 61, 41, 1001), (40, 4)).tolist()
    errors = np.array([registered(tuple(window))[:2] for window in windows])
    start, found = errors.mean(axis=(0, 2))
    assert start == pytest.approx(0.015, abs=0.002)  # a quarter of the grid of 0.06
    assert found < 0.6 * start


def test_agreement_forgives_a_spoilt_corner_and_not_a_stranger() -> None:
    rng = np.random.default_rng(0)
    one = rng.standard_normal((1, 54, 54)).astype(np.float32)
    marked = one.copy()
    marked[:, :18, :18] = rng.standard_normal((1, 18, 18))
    stranger = rng.standard_normal((1, 54, 54)).astype(np.float32)
    inside, high = np.ones_like(one), np.array([0.95], np.float32)
    scores = [
        score_agreement(measure_agreement(high, other, one, inside))[0]
        for other in (one, marked, stranger)
    ]
    assert scores[0] > scores[1] > 1.5 > 0 > scores[2]
