"""Stains of slides: mixtures made by Beer–Lambert's law are taken apart again."""

from __future__ import annotations

import numpy as np

from medlens.core import Array
from medlens.prep.colour import optical_density
from medlens.prep.stain import (
    combine_stains,
    estimate_stains,
    separate_stains,
    stain_matrix,
)


def slide(matrix: Array, size: int = 60) -> tuple[Array, Array]:
    """Random amounts of two stains, (3, 1, size, size), and their light."""
    rng = np.random.default_rng(0)
    amounts = np.zeros((3, 1, size, size), np.float32)
    amounts[0] = rng.uniform(0.0, 0.8, (size, size)) * (rng.random((size, size)) < 0.7)
    amounts[1] = rng.uniform(0.0, 0.8, (size, size)) * (rng.random((size, size)) < 0.7)
    return amounts, combine_stains(amounts, matrix=matrix)


def test_known_mixtures_are_taken_apart() -> None:
    matrix = stain_matrix("hematoxylin", "eosin", "dab")
    amounts, light = slide(matrix)
    found = separate_stains(light, matrix=matrix)
    np.testing.assert_allclose(found, amounts, atol=1e-4)
    np.testing.assert_allclose(combine_stains(found, matrix=matrix), light, atol=1e-5)


def test_ruifrok_agrees_with_scikit_image() -> None:
    from skimage.color import rgb2hed

    rgb = np.random.default_rng(0).uniform(0.1, 1, (20, 20, 3))
    ours = separate_stains(
        np.moveaxis(rgb, -1, 0)[:, None].astype(np.float32),
        matrix=stain_matrix("hematoxylin", "eosin", "dab"),
    )[:, 0]
    theirs = np.moveaxis(rgb2hed(rgb), -1, 0)
    # scikit-image: natural logarithm over log(1e6), rows not of unit length, and
    # negative amounts cut off: compare where all are positive, up to a factor
    for k in range(3):
        positive = (theirs > 1e-3).all(axis=0)
        ratio = ours[k][positive] / theirs[k][positive]
        assert positive.sum() > 5
        np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-3)


def test_macenko_finds_the_stains_that_made_the_slide() -> None:
    matrix = stain_matrix("hematoxylin", "eosin")
    found = estimate_stains(slide(matrix)[1])
    angles = np.degrees(np.arccos(np.clip((found[:2] * matrix[:2]).sum(axis=1), -1, 1)))
    assert angles.max() < 5


def test_macenko_falls_back_on_empty_and_one_colour_slides() -> None:
    published = stain_matrix("hematoxylin", "eosin")
    np.testing.assert_array_equal(
        estimate_stains(np.ones((3, 1, 8, 8), np.float32)), published
    )
    one = np.full((3, 1, 8, 8), 0.4, np.float32)
    np.testing.assert_array_equal(estimate_stains(one), published)


def test_rows_have_unit_length_and_the_remainder_is_at_right_angles() -> None:
    matrix = stain_matrix("hematoxylin", "eosin")
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1)
    np.testing.assert_allclose(matrix[2] @ matrix[:2].T, 0, atol=1e-12)


def test_no_light_is_finite() -> None:
    assert np.isfinite(optical_density(np.zeros((3, 1, 2, 2), np.float32))).all()
