"""Pictures: right pixels, right place of evidence, a bounded page."""

from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medlens.core import UsageError
from medlens.report import Example
from medlens.report.pictures import BYTES, legend_stops, to_pictures

from .phantom_images import make_examples


def decode(uri: str) -> NDArray[np.uint8]:
    data = np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def plain(
    image: NDArray[np.uint8], evidence: NDArray[np.floating] | None = None
) -> Example:
    return Example("a.png", image, evidence, "x", "y", 0.9, False)


def test_colour_keeps_its_channels() -> None:
    red = np.zeros((80, 80, 3), np.uint8)
    red[..., 0] = 200
    (picture,), note = to_pictures([plain(red)])
    blue, green, shown = decode(picture.plain).reshape(-1, 3).mean(axis=0)
    assert shown > 190
    assert max(blue, green) < 15
    assert (picture.overlay, note) == ("", "")


def test_small_image_keeps_its_pixels() -> None:
    image = np.arange(28 * 28, dtype=np.int64).reshape(28, 28) % 256
    (picture,), _ = to_pictures([plain(image.astype(np.uint8))])
    assert picture.width == 28 * (352 // 28)
    assert np.abs(decode(picture.plain)[6::12, 6::12, 0] - image).mean() < 3


def test_evidence_lies_where_it_belongs() -> None:
    image = np.full((200, 100), 128, np.uint8)
    evidence = np.zeros((20, 10))
    evidence[2:5, 6:9] = 1.0
    (picture,), _ = to_pictures([plain(image, evidence)])
    change = np.abs(decode(picture.overlay).astype(int) - 128).sum(axis=2)
    rows, columns = np.indices(change.shape)
    weights = change * (change > 60)
    assert abs((rows * weights).sum() / weights.sum() - 34.5) < 4
    assert abs((columns * weights).sum() / weights.sum() - 74.5) < 4


def test_legend_gets_lighter_steadily() -> None:
    def lightness(colour: str) -> float:
        r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    tones = [lightness(colour) for _, colour in legend_stops()]
    # Evidence fades in over mid grey, so lightness may dip before it climbs.
    low = int(np.argmin(tones))
    assert (np.diff(tones[low:]) > 0).all()
    assert tones[-1] > tones[0] + 30


def test_wrong_cases_come_first_and_the_page_stays_small() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (400, 400, 3), dtype=np.uint8)
    many = [replace(e, image=noise) for e in make_examples(30)]
    pictures, note = to_pictures(many)
    assert sum(len(p.plain) + len(p.overlay) for p in pictures) <= BYTES
    assert not pictures[0].is_right
    assert note == (
        f"{30 - len(pictures)} more were handed over and left out to keep the page "
        "small."
    )


def test_rounding_never_makes_an_answer_certain() -> None:
    image = np.zeros((8, 8), np.uint8)
    shown = [
        to_pictures([replace(plain(image), probability=p)])[0][0].probability
        for p in (0.99996, 1.0, 0.471, float("nan"))
    ]
    assert shown == [">99.9%", "100.0%", "47.1%", "–"]


def test_a_map_of_nothing_but_nan_is_no_evidence() -> None:
    image = np.full((80, 80), 90, np.uint8)
    (picture,), _ = to_pictures([plain(image, np.full((4, 4), np.nan))])
    assert np.abs(decode(picture.overlay).astype(int) - 90).max() <= 2


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)],
)
def test_wrong_image_is_refused(image: NDArray[np.uint8]) -> None:
    with pytest.raises(UsageError, match=r"case a\.png: example image is"):
        plain(image)


def test_wrong_evidence_is_refused() -> None:
    with pytest.raises(UsageError, match="pick the map of one label"):
        plain(np.zeros((4, 4), np.uint8), np.zeros((2, 4, 4)))
