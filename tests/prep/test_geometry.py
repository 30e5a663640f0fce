"""A pixel keeps its place in the patient through any chain of steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array, Geometry, Image, PrepError
from medlens.prep import geometry as g

from .phantoms import disc, image_of, windowed

# an oblique plane, off the axes by some degrees, pixels 0.7 × 0.4 mm
_TURN = np.linalg.qr(np.array([[0.1, 0.2, 1.0], [0.05, 1.0, -0.2], [1.0, -0.1, 0.1]]))[
    0
]
OBLIQUE = Geometry.from_parts(
    spacing=(5.0, 0.7, 0.4), origin=(-120.0, 33.0, 812.0), direction=_TURN
)


def coordinate_image(height: int, width: int) -> tuple[Image, Array]:
    """Three channels whose values are a pixel's own patient x, y, z over 1000.

    Interpolation keeps linear functions, so that wherever a step takes a pixel,
    its value says where it must lie.
    """
    index = np.zeros((height, width, 3))
    index[..., 1], index[..., 2] = np.mgrid[:height, :width]
    points = OBLIQUE.to_patient(index)
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    room = np.maximum(high - low, 1e-9)
    unit = 0.25 + 0.5 * (points - low) / room  # away from 0, which padding brings
    image = windowed(np.moveaxis(unit, -1, 0), geometry=OBLIQUE)
    return image, np.stack([low, room])


STEPS: list[Callable[[Image, st.DataObject], Image]] = [
    lambda i, d: g.resize(
        i,
        height=d.draw(st.integers(40, 160)),
        width=d.draw(st.integers(40, 160)),
        mode=d.draw(st.sampled_from(["stretch", "fit", "cover"])),
        filter=d.draw(st.sampled_from(["linear", "cubic"])),
    ),
    lambda i, d: g.crop(
        i, **{k: d.draw(st.integers(0, 5)) for k in ("top", "bottom", "left", "right")}
    ),
    lambda i, d: g.pad(i, height=d.draw(st.integers(0, 150)), width=150),
    lambda i, d: g.crop_center(i, height=d.draw(st.integers(50, 90)), width=60),
    lambda i, d: g.flip(i, axis=d.draw(st.sampled_from(["width", "height"]))),
    lambda i, d: g.resample(i, spacing=d.draw(st.floats(0.3, 1.5))),
]


@given(
    h=st.integers(70, 140),
    w=st.integers(70, 140),
    chain=st.lists(st.sampled_from(range(len(STEPS))), min_size=1, max_size=4),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_any_chain_keeps_patient_coordinates(
    h: int, w: int, chain: list[int], data: st.DataObject
) -> None:
    image, (low, room) = coordinate_image(h, w)
    covered = image.with_array(np.ones_like(image.array[:1]))
    for k in chain:
        if min(image.array.shape[2:]) < 24:
            break
        image = STEPS[k](image, replay := Recorder(data))
        covered = STEPS[k](covered, Player(replay.drawn))
    found = (np.moveaxis(image.array[:, 0], 0, -1) - 0.25) / 0.5 * room + low
    index = np.zeros((*image.array.shape[2:], 3))
    index[..., 1], index[..., 2] = np.mgrid[tuple(map(slice, image.array.shape[2:]))]
    claimed = image.geometry.to_patient(index)
    # away from what padding or the repeated edge of an enlargement has touched
    sure = eroded(covered.array[0, 0] > 0.999, 11)
    if sure.any():  # nothing is left to judge after a harsh chain of crops
        apart = np.linalg.norm(found - claimed, axis=-1)[sure]
        assert apart.max() < 0.01  # mm


class Recorder:
    """Draws from hypothesis and remembers, so that a step can be done twice."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.drawn = data, []

    def draw(self, strategy: st.SearchStrategy) -> object:
        self.drawn.append(self.data.draw(strategy))
        return self.drawn[-1]


class Player:
    """Hands out what a Recorder has drawn."""

    def __init__(self, drawn: list) -> None:
        self.drawn = list(drawn)

    def draw(self, strategy: st.SearchStrategy) -> object:  # noqa: ARG002
        return self.drawn.pop(0)


def eroded(mask: Array, pixels: int) -> Array:
    """True where everything within `pixels` is True and inside the image."""
    import cv2

    framed = np.pad(mask.astype(np.uint8), 1)
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return cv2.erode(framed, kernel, borderValue=0)[1:-1, 1:-1] > 0


def test_a_marker_is_found_where_it_was_put() -> None:
    y, x = np.mgrid[:200, :150]
    marker = np.array([0.0, 120.3, 60.8])
    blob = np.exp(-((y - marker[1]) ** 2 + (x - marker[2]) ** 2) / (2 * 4.0**2))
    image = windowed(blob, geometry=OBLIQUE)
    for mode in ("stretch", "fit", "cover"):
        small = g.resize(g.flip(image), height=64, width=64, mode=mode)
        weight = small.array[0, 0] / small.array.sum()
        rows, columns = np.mgrid[:64, :64]
        at = np.array([0.0, (weight * rows).sum(), (weight * columns).sum()])
        apart = small.geometry.to_patient(at) - OBLIQUE.to_patient(marker)
        assert np.linalg.norm(apart) < 0.01


def test_flipping_twice_is_the_same() -> None:
    image = windowed(disc(16)[:, :11], geometry=OBLIQUE)
    for axis in ("width", "height"):
        back = g.flip(g.flip(image, axis=axis), axis=axis)
        np.testing.assert_array_equal(back.array, image.array)
        np.testing.assert_allclose(back.geometry.affine, OBLIQUE.affine, atol=1e-9)


def test_padding_then_cropping_is_the_same() -> None:
    image = windowed(disc(32)[:, 3:20], geometry=OBLIQUE)
    back = g.crop_center(g.pad(image, height=60, width=51), height=32, width=17)
    np.testing.assert_array_equal(back.array, image.array)
    np.testing.assert_allclose(back.geometry.affine, OBLIQUE.affine, atol=1e-9)


def test_modes_by_hand() -> None:
    # a 20×40 image of ones into 40×40
    image = windowed(np.ones((20, 40)))
    fit = g.resize(image, height=40, width=40, mode="fit").array[0, 0]
    assert fit.sum() == 800
    assert fit[10:30].all()
    assert g.resize(image, height=40, width=40, mode="cover").array.min() == 1
    assert g.resize(image, height=40, width=40).array.min() == 1


def test_cover_keeps_the_middle() -> None:
    columns = windowed(np.tile(np.linspace(0, 1, 80), (40, 1)))
    found = g.resize(columns, height=40, width=40, mode="cover").array[0, 0, 0]
    np.testing.assert_allclose(found, np.linspace(0, 1, 80)[20:60], atol=1e-6)


def test_resample_by_hand() -> None:
    image = windowed(disc(70), geometry=Geometry.from_parts(spacing=(1, 0.5, 0.5)))
    found = g.resample(image, spacing=1.0)
    assert found.array.shape == (1, 1, 35, 35)
    assert found.geometry.spacing == pytest.approx((1, 1, 1))
    # the field starts half a pixel before the first centre, and still does
    assert found.geometry.origin == pytest.approx((0.25, 0.25, 0))


def test_padding_is_black_in_the_images_own_unit() -> None:
    ct = image_of(np.full((4, 4), 50, np.int16), stage="rescaled", bits_stored=16)
    ct = ct.with_array(ct.array.copy())
    ct.array[0, 0, 0, 0] = -1000
    padded = g.pad(ct, height=6, width=6)
    assert padded.array[0, 0, 0, 0] == -1000
    assert padded.array.dtype == np.int16
    assert g.pad(windowed(disc(4)), height=8, width=8, fill=1.0).array[0, 0, 0, 0] == 1


def test_a_volume_is_changed_slice_by_slice() -> None:
    one, two = disc(32), disc(32)[::-1] * 0.5
    volume = windowed(np.stack([one, two])[None])
    both = g.resize(volume, height=20, width=20)
    assert both.array.shape == (1, 2, 20, 20)
    for k, plane in enumerate((one, two)):
        alone = g.resize(windowed(plane), height=20, width=20)
        np.testing.assert_array_equal(both.array[:, k : k + 1], alone.array)


def test_resample_needs_a_physical_size() -> None:
    with pytest.raises(PrepError, match="case 1: step 'resample' needs pixel spacing"):
        g.resample(windowed(disc(8)))


def test_resample_refuses_a_huge_grid() -> None:
    image = windowed(disc(64), geometry=Geometry.from_parts(spacing=(1, 900.0, 1.0)))
    with pytest.raises(PrepError, match=r"would make 5760000×6400 pixels"):
        g.resample(image, spacing=0.01)


def test_crop_refuses_to_leave_nothing() -> None:
    with pytest.raises(PrepError, match=r"takes 8 of 8 rows and 0 of 8 columns"):
        g.crop(windowed(disc(8)), top=5, bottom=3)
