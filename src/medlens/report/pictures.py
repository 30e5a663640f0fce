"""Example images and their evidence as compact data URIs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import MedlensError
from medlens.report.example import Example
from medlens.report.quantity import chance_text
from medlens.report.values import clean_text

SIDE = 352
"""Longest side of a picture in the page, in pixels."""
SMALL = 64
"""Sources up to this side are enlarged with their pixels left visible."""
PICTURES_EACH = 12
"""Pictures of right cases, and of wrong ones, at most."""
BYTES = 1_900_000
"""Bytes that all pictures may take as data URIs."""
OPACITY = 0.6
"""Opacity of the overlay where evidence is strongest."""


@dataclass(frozen=True)
class Picture:
    """An example as the page shows it.

    Attributes:
        plain, overlay: data URIs; overlay is "" without evidence.
        width, height: in pixels, of both.
    """

    case: str
    plain: str
    overlay: str
    width: int
    height: int
    reference: str
    predicted: str
    probability: str
    is_right: bool
    note: str


def to_pictures(examples: Sequence[Example]) -> tuple[tuple[Picture, ...], str]:
    """Pictures that fit into the page, and a sentence when some do not.

    Wrong cases come first: they teach more. The order is otherwise kept.
    """
    wrong = [example for example in examples if not example.is_right]
    right = [example for example in examples if example.is_right]
    chosen = wrong[:PICTURES_EACH] + right[:PICTURES_EACH]
    pictures: list[Picture] = []
    spent = 0
    for example in chosen:
        picture = _picture(example)
        spent += len(picture.plain) + len(picture.overlay)
        if spent > BYTES:
            break
        pictures.append(picture)
    left = len(examples) - len(pictures)
    note = f"{left} more were handed over and left out to keep the page small."
    return tuple(pictures), note if left else ""


def _picture(example: Example) -> Picture:
    image = _fit(example.image)
    height, width = image.shape[:2]
    overlay = ""
    if example.evidence is not None:
        overlay = to_uri(_overlay(image, example.evidence))
    share = min(max(float(example.probability), 0.0), 1.0)
    return Picture(
        case=clean_text(example.case, limit=120),
        plain=to_uri(image),
        overlay=overlay,
        width=width,
        height=height,
        reference=clean_text(example.reference, limit=80) or "none",
        predicted=clean_text(example.predicted, limit=80) or "none",
        probability=chance_text(share) if np.isfinite(share) else "–",
        is_right=example.is_right,
        note=clean_text(example.note),
    )


def _fit(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image as BGR with its longest side at most SIDE, small ones enlarged."""
    if image.ndim == 2:
        colour = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR)
    else:
        colour = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    height, width = colour.shape[:2]
    longest = max(height, width)
    if longest <= SMALL:
        factor = max(1, SIDE // longest)
        size = (width * factor, height * factor)
        return _as_bytes(cv2.resize(colour, size, interpolation=cv2.INTER_NEAREST))
    if longest <= SIDE:
        return _as_bytes(colour)
    scale = SIDE / longest
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return _as_bytes(cv2.resize(colour, size, interpolation=cv2.INTER_AREA))


def _overlay(
    image: NDArray[np.uint8], evidence: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """The image under its evidence, with a line where evidence is 0.5.

    Opacity grows with evidence, so the image stays readable where nothing was
    seen; the line carries the same message without colour.
    """
    height, width = image.shape[:2]
    clean = np.nan_to_num(np.asarray(evidence, dtype=np.float32), posinf=1.0)
    strong = cv2.resize(clean, (width, height), interpolation=cv2.INTER_CUBIC)
    strong = np.clip(strong, 0.0, 1.0)
    colours = _colours()[(strong * 255).round().astype(np.uint8)]
    opacity = (OPACITY * strong)[:, :, None]
    mixed = image * (1 - opacity) + colours * opacity
    canvas = np.ascontiguousarray(mixed.round().astype(np.uint8))
    mask = (strong >= 0.5).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    # A dark rim below the light line keeps it visible on bone and on air.
    cv2.drawContours(canvas, outlines, -1, (20, 20, 20), 3, cv2.LINE_AA)
    cv2.drawContours(canvas, outlines, -1, (255, 255, 255), 1, cv2.LINE_AA)
    return _as_bytes(canvas)


@cache
def _colours() -> NDArray[np.uint8]:
    """(256, 3) BGR of the plasma map: lightness grows steadily with evidence.

    Designed for matplotlib by Smith and van der Walt (2015) to be perceptually
    uniform and readable with the common colour-vision deficiencies.
    """
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    return _as_bytes(cv2.applyColorMap(ramp, cv2.COLORMAP_PLASMA)[:, 0])


def legend_stops() -> tuple[tuple[str, str], ...]:
    """Offset and colour of the legend's gradient, over mid grey as in overlays."""
    stops = []
    for step in range(11):
        share = step / 10
        blue, green, red = _colours()[round(share * 255)]
        mixed = [
            round(128 * (1 - OPACITY * share) + part * OPACITY * share)
            for part in (int(red), int(green), int(blue))
        ]
        stops.append((f"{10 * step}%", "#{:02x}{:02x}{:02x}".format(*mixed)))
    return tuple(stops)


def to_uri(image: NDArray[np.uint8]) -> str:
    """The smaller of lossless PNG and WebP at quality 82, as a data URI."""
    done, lossy = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, 82])
    if not done:
        raise MedlensError(
            "report: an example image cannot be encoded as WebP; this build of "
            "OpenCV lacks it: install opencv-python-headless"
        )
    best, kind = lossy.tobytes(), "webp"
    flat, plain = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if flat and plain.size < lossy.size:
        best, kind = plain.tobytes(), "png"
    return f"data:image/{kind};base64,{base64.b64encode(best).decode('ascii')}"


def _as_bytes(array: object) -> NDArray[np.uint8]:
    return np.asarray(array, dtype=np.uint8)
