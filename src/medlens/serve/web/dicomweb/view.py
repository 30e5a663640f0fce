"""How a rendered image is asked for: window, viewport, quality (PS3.18 8.3.5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from medlens.core import Array, Image, Voi
from medlens.prep import build_pipeline
from medlens.read.dicom.voi import mirror_voi
from medlens.recipe.settings import Step
from medlens.serve.web.errors import Problem

MAX_SIDE = 8192
"""Pixels of one side of a rendered image."""

_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}


@dataclass(frozen=True)
class View:
    """What a request says of the image it wants.

    Attributes:
        voi: a window in the unit of the file's rescaled values, None for its own.
        size: (width, height) that the image is fitted into, None for its own.
        region: (left, top, width, height) in pixels of the source; None for all. A
            negative width or height flips.
        quality: 1..100, of a JPEG.
    """

    voi: Voi | None = None
    size: tuple[int, int] | None = None
    region: tuple[float, float, float, float] | None = None
    quality: int = 90


def parse_view(query: Mapping[str, str]) -> View:
    """The view of a query string.

    Raises:
        Problem: 400, a value that makes no sense.
    """
    size, region = _parse_viewport(query.get("viewport"))
    quality = query.get("quality", "90")
    if not quality.isdecimal() or len(quality) > 3 or not 1 <= int(quality) <= 100:
        raise Problem(400, "quality: wanted a whole number from 1 to 100")
    return View(_parse_window(query.get("window")), size, region, int(quality))


def _parse_window(text: str | None) -> Voi | None:
    if text is None:
        return None
    center, width, function = (*text.split(","), "", "", "")[:3]
    name = _FUNCTIONS.get(function.strip().lower() or "linear")
    numbers = _numbers([center, width])
    if text.count(",") > 2 or numbers is None or name is None:
        raise Problem(
            400, "window: wanted center,width,linear|linear-exact|sigmoid; numbers"
        )
    if numbers[1] < (1 if name == "LINEAR" else 1e-12):
        raise Problem(400, "window: the width is too small; linear wants 1 or more")
    return Voi(numbers[0], numbers[1], name)  # type: ignore[arg-type]


def _parse_viewport(
    text: str | None,
) -> tuple[tuple[int, int] | None, tuple[float, float, float, float] | None]:
    if text is None:
        return None, None
    pieces = text.split(",")
    numbers = _numbers(pieces[:2])
    if numbers is None or len(pieces) not in (2, 6):
        raise Problem(400, "viewport: wanted width,height or six numbers")
    width, height = int(numbers[0]), int(numbers[1])
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise Problem(400, f"viewport: wanted sides of 1 to {MAX_SIDE:,} pixels")
    if len(pieces) == 2:
        return (width, height), None
    source = _numbers([piece or "nan" for piece in pieces[2:]], allow_nan=True)
    if source is None:
        raise Problem(400, "viewport: wanted width,height or six numbers")
    left, top, wide, high = source
    return (width, height), (left, top, wide, high)


def _numbers(pieces: list[str], *, allow_nan: bool = False) -> list[float] | None:
    try:
        found = [float(piece) for piece in pieces]
    except ValueError:
        return None
    fits = all((allow_nan and math.isnan(x)) or abs(x) < 1e9 for x in found)
    return found if fits and len(found) == len(pieces) else None


def render(image: Image, view: View) -> Array:
    """(H, W, 3) uint8 in OpenCV's order B, G, R, as the view asks.

    The file's own VOI LUT or window counts where none is given; larger is brighter
    also where the file is MONOCHROME1, which looks as its header says.
    """
    if view.voi is not None and not image.is_colour:
        image = image.with_array(image.array, voi=_in_image(view.voi, image))
    image = image.with_array(image.array[..., *_crop(view, image)])
    shown = build_pipeline((Step("display"), Step("to_rgb")))(image).array[:, 0]
    picture = np.rint(shown[::-1].transpose(1, 2, 0) * 255.0).astype(np.uint8)
    return _fit(_flip(picture, view), view.size)


def _in_image(voi: Voi, image: Image) -> Voi:
    """A window of the file's values in those of the image (MONOCHROME1 is turned)."""
    facts = image.provenance.facts
    if facts.get("PhotometricInterpretation") != "MONOCHROME1":
        return voi
    if image.valid_min is None or image.valid_max is None:
        total = float(image.array.min()) + float(image.array.max())
    else:
        total = image.valid_min + image.valid_max
    return mirror_voi(voi, total) or voi


def _crop(view: View, image: Image) -> tuple[slice, slice]:
    rows, columns = image.array.shape[2:]
    if view.region is None:
        return slice(0, rows), slice(0, columns)
    left, top, wide, high = view.region
    across = _span(left, abs(wide), columns)
    down = _span(top, abs(high), rows)
    return down, across


def _span(start: float, length: float, size: int) -> slice:
    first = 0 if math.isnan(start) else int(np.clip(round(start), 0, size - 1))
    count = size if math.isnan(length) else max(1, round(length))
    return slice(first, min(size, first + count))


def _flip(picture: Array, view: View) -> Array:
    if view.region is None:
        return picture
    if view.region[2] < 0:
        picture = picture[:, ::-1]
    return picture[::-1] if view.region[3] < 0 else picture


def _fit(picture: Array, size: tuple[int, int] | None) -> Array:
    """The picture scaled to fit, its sides in their ratio (PS3.18 8.3.5.1.3)."""
    picture = np.ascontiguousarray(picture)
    if size is None:
        return picture
    rows, columns = picture.shape[:2]
    scale = min(size[0] / columns, size[1] / rows)
    new = max(1, round(columns * scale)), max(1, round(rows * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted: Array = cv2.resize(picture, new, interpolation=how)
    return fitted


def encode(picture: Array, media_type: str, quality: int) -> bytes:
    """A picture as PNG or JPEG.

    Args:
        picture: (H, W, 3) uint8, B, G, R; grey ones are written as grey.
        media_type: "image/png" or "image/jpeg".
        quality: of JPEG.
    """
    if (picture[..., :1] == picture).all():
        picture = np.ascontiguousarray(picture[..., 0])
    suffix, flags = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 3]
    if media_type == "image/jpeg":
        suffix, flags = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(suffix, picture, flags)
    if not done:
        raise Problem(422, "the image cannot be written in this form; try another")
    return bytes(data)
