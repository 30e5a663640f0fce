"""Thumbnails, local normalisation and descriptors."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from audit_kit import texture
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.datasets.hashes import (
    FIRST_LOOK,
    MAP,
    ORIENTATIONS,
    QUERIES,
    SIDE,
    WINDOWS,
    Describer,
    learn_describer,
    make_maps,
    make_thumbnail,
    normalise_locally,
    turn,
)


@pytest.fixture(scope="module")
def describer() -> Describer:
    thumbnails = np.stack([make_thumbnail(texture(seed)) for seed in range(200)])
    return learn_describer(make_maps(thumbnails))


def test_thumbnail_spreads_the_range_over_eight_bits() -> None:
    ramp = np.linspace(1000, 1200, 400 * 400, dtype=np.float32).reshape(400, 400)
    thumbnail = make_thumbnail(ramp)
    assert thumbnail.shape == (SIDE, SIDE)
    assert thumbnail.min() == 0
    assert thumbnail.max() == 255
    assert abs(float(thumbnail.mean()) - 127.5) < 1


def test_thumbnail_of_a_blank_image_is_blank() -> None:
    assert not make_thumbnail(np.full((30, 500), 7, np.uint8)).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_thumbnail_does_not_depend_on_the_type(dtype: type) -> None:
    image = texture(3)
    assert (
        np.abs(
            make_thumbnail(image.astype(dtype)).astype(int) - make_thumbnail(image)
        ).max()
        <= 1
    )


def test_local_normalisation_agrees_with_opencv_filters() -> None:
    thumbnail = make_thumbnail(texture(1))
    mine = normalise_locally(thumbnail[None], smooth=1.0, reach=5.0, floor=6.0)[0]

    def blur(image: np.ndarray, sigma: float) -> np.ndarray:
        return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)

    kept = blur(thumbnail.astype(np.float32), 1.0)
    detail = kept - blur(kept, 5.0)
    expected = detail / np.sqrt(blur(detail * detail, 5.0) + 36)
    assert np.abs(mine - expected).max() < 0.02


@given(
    gain=st.floats(0.3, 3.0), shift=st.floats(-500, 500), seed=st.integers(0, 10_000)
)
@settings(max_examples=20, deadline=None)
def test_maps_are_blind_to_brightness_and_contrast(
    gain: float, shift: float, seed: int
) -> None:
    image = texture(seed).astype(np.float32)
    one, other = (make_thumbnail(i) for i in (image, gain * image + shift))
    maps = make_maps(np.stack([one, other]))
    assert np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1] > 0.99


def test_turn_makes_the_eight_orientations_of_a_square() -> None:
    image = np.arange(9).reshape(1, 3, 3)
    turned = {turn(image, g)[0].tobytes() for g in range(ORIENTATIONS)}
    turns = [np.rot90(image[0], k) for k in range(4)]
    wanted = {np.ascontiguousarray(t).tobytes() for t in turns}
    wanted |= {np.ascontiguousarray(t[:, ::-1]).tobytes() for t in turns}
    assert turned == wanted


def test_queries_are_descriptors_of_turned_images(describer: Describer) -> None:
    maps = make_maps(np.stack([make_thumbnail(texture(s)) for s in (900, 901)]))
    asked = describer.ask(maps)
    assert asked.shape == (2, QUERIES, len(describer.offset))
    for orientation in range(ORIENTATIONS):
        turned = np.ascontiguousarray(turn(maps, orientation))
        direct = describer.describe(turned)
        assert np.allclose(asked[:, orientation * len(WINDOWS)], direct, atol=1e-5)


def test_a_crop_answers_to_the_query_of_its_window(describer: Describer) -> None:
    for seed in range(950, 960):
        image = texture(seed, 400)
        crop = image[:360, 40:]  # rows 0..0.9, columns 0.1..1
        maps = make_maps(np.stack([make_thumbnail(i) for i in (image, crop)]))
        cosine = describer.ask(maps[:1])[0] @ describer.describe(maps[1:])[0]
        best = WINDOWS[int(cosine.argmax())]
        assert cosine.max() > 0.9
        assert best == ((0.0, 0.9), (0.1, 1.0))


def test_strangers_are_further_than_copies(describer: Describer) -> None:
    maps = make_maps(np.stack([make_thumbnail(texture(s)) for s in range(970, 1000)]))
    own = describer.describe(maps)
    best = np.einsum("iqd,jd->ijq", describer.ask(maps), own).max(axis=2)
    assert np.allclose(np.diag(best), 1, atol=1e-5)
    assert (best - 2 * np.eye(30)).max() < 0.75


def test_first_look_is_whole_image_and_corners_in_all_orientations() -> None:
    assert len(FIRST_LOOK) == ORIENTATIONS * 5
    assert FIRST_LOOK[0] == 0
    assert WINDOWS[0] == ((0.0, 1.0), (0.0, 1.0))


def test_few_images_get_a_fixed_projection() -> None:
    maps = np.random.default_rng(0).standard_normal((3, MAP, MAP)).astype(np.float32)
    one, other = learn_describer(maps), learn_describer(maps[:1])
    assert np.array_equal(one.operator, other.operator)
    assert np.isfinite(one.ask(maps)).all()
