"""Outlines of reference and answer over a plane, and pictures for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import MedlensError
from medlens.report.mask_example import MaskExample
from medlens.report.pictures import BYTES, SIDE, to_uri
from medlens.report.values import clean_text

Bytes = NDArray[np.uint8]

# Blue-green and orange of Okabe and Ito (2008), told apart with the common
# colour-vision deficiencies; the answer is dashed, so colour is not alone.
REFERENCE = (0x56, 0xE0, 0xC8)
ANSWER = (0xFF, 0xA8, 0x2E)
_RIM = (16, 16, 16)
_DASH, _GAP = 11, 8
_WIDTH = 2
PICTURES = 12
_RANKS = {"worst": "Among the worst", "median": "In the middle", "best": "The best"}


@dataclass(frozen=True)
class MaskPicture:
    """An example as the page shows it; `plain` and `drawn` are data URIs."""

    case: str
    title: str
    plain: str
    drawn: str
    width: int
    height: int
    dice: tuple[tuple[str, str], ...]
    place: str
    note: str
    kind: str


def draw_outlines(
    plane: Bytes,
    reference: NDArray[np.integer],
    predicted: NDArray[np.integer],
    *,
    spacing: tuple[float, float] = (1.0, 1.0),
) -> bytes:
    """PNG of a plane with the outlines of reference (solid) and answer (dashed).

    Args:
        plane: uint8, (H, W) grey or (H, W, 3) RGB.
        reference, predicted: (H, W) label indices, 0 the background; every label
            has an outline of its own.
        spacing: (row, column) side of a pixel; pixels are drawn square.
    """
    drawn = _draw(_fit(plane, spacing), reference, predicted)
    done, data = cv2.imencode(".png", drawn, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise MedlensError(
            "report: a picture cannot be encoded as PNG; reinstall "
            "opencv-python-headless"
        )
    return bytes(data.tobytes())


def to_mask_pictures(
    examples: Sequence[MaskExample],
) -> tuple[tuple[MaskPicture, ...], str]:
    """Pictures that fit into the page, worst first, and a sentence if some do not."""
    order = {"worst": 0, "median": 1, "best": 2}
    chosen = sorted(examples, key=lambda example: order.get(example.rank, 3))
    pictures: list[MaskPicture] = []
    spent = 0
    for example in chosen[:PICTURES]:
        picture = _picture(example)
        spent += len(picture.plain) + len(picture.drawn)
        if spent > BYTES:
            break
        pictures.append(picture)
    left = len(examples) - len(pictures)
    note = f"{left} more were handed over and left out to keep the page small."
    return tuple(pictures), note if left else ""


def _picture(example: MaskExample) -> MaskPicture:
    plain = _fit(example.plane, example.spacing)
    drawn = _draw(plain, example.reference, example.predicted)
    height, width = plain.shape[:2]
    known = [value for value in example.dice.values() if value is not None]
    mean = f": Dice {sum(known) / len(known):.2f}" if known else ""
    place = ""
    if example.slices > 1:
        place = f"slice {example.slice_index + 1} of {example.slices}"
    return MaskPicture(
        case=clean_text(example.case, limit=120),
        title=_RANKS.get(example.rank, "Case") + mean,
        plain=to_uri(plain),
        drawn=to_uri(drawn),
        width=width,
        height=height,
        dice=tuple(
            (clean_text(label, limit=60), "in neither" if d is None else f"{d:.3f}")
            for label, d in list(example.dice.items())[:12]
        ),
        place=place,
        note=clean_text(example.note),
        kind="wrong" if example.rank == "worst" else "mid",
    )


def _fit(plane: Bytes, spacing: tuple[float, float]) -> Bytes:
    """The plane as BGR with square pixels and its longest side near SIDE.

    Small planes are enlarged with soft steps: a hippocampus of 35 × 50 voxels has
    to be seen, and hard blocks would hide its border under the outline.
    """
    kind = cv2.COLOR_GRAY2BGR if plane.ndim == 2 else cv2.COLOR_RGB2BGR
    colour = cv2.cvtColor(np.ascontiguousarray(plane), kind)
    height = colour.shape[0] * spacing[0] / min(spacing)
    width = colour.shape[1] * spacing[1] / min(spacing)
    scale = SIDE / max(height, width)
    # A needle of a plane keeps at least a tenth of the longer side to be seen.
    size = tuple(int(max(round(s * scale), SIDE // 10)) for s in (width, height))
    shrinks = size[0] < colour.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(colour, size, interpolation=way), dtype=np.uint8)


def _draw(
    image: Bytes, reference: NDArray[np.integer], predicted: NDArray[np.integer]
) -> Bytes:
    canvas = image.copy()
    for mask, colour, dashed in (
        (reference, REFERENCE, False),
        (predicted, ANSWER, True),
    ):
        bgr = (colour[2], colour[1], colour[0])
        parts = [
            part.reshape(-1, 1, 2)
            for line in _find_lines(mask, (image.shape[1], image.shape[0]))
            for part in (_dashes(line) if dashed else [np.vstack([line, line[:1]])])
        ]
        # A dark rim below keeps the line visible on bone and on air.
        cv2.polylines(canvas, parts, False, _RIM, _WIDTH + 2, cv2.LINE_AA)
        cv2.polylines(canvas, parts, False, bgr, _WIDTH, cv2.LINE_AA)
    return canvas


def _find_lines(
    mask: NDArray[np.integer], size: tuple[int, int]
) -> list[NDArray[np.int32]]:
    """(n, 2) closed lines around every piece of every label, as (x, y)."""
    lines: list[NDArray[np.int32]] = []
    for label in np.unique(mask)[:64]:
        if label == 0:
            continue
        own = (mask == label).astype(np.uint8)
        large = cv2.resize(own, size, interpolation=cv2.INTER_NEAREST)
        found, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        lines += [np.asarray(line[:, 0], dtype=np.int32) for line in found[:500]]
    return lines


def _dashes(line: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    """The line cut into dashes; points of a contour lie one pixel apart."""
    closed = np.vstack([line, line[:1]])
    step = _DASH + _GAP
    return [closed[k : k + _DASH] for k in range(0, len(closed), step)]
