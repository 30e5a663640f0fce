"""Find what to keep: borders without content, the body, the lung field.

All of them are careful: where no clear answer is found the whole image stays.
"""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array, Image
from medlens.prep.colour import rgb_to_grey
from medlens.prep.geometry import crop_box
from medlens.prep.intensity import linear, percentiles
from medlens.prep.resample import resize_plane

Box = tuple[int, int, int, int]
"""top, left, bottom, right; the ends are not included."""

WORKING_SIDE = 256
"""The search runs on a copy whose longer side has so many pixels."""

LEAST_SHARE = 0.1
"""A box with less of the image's area than this is not believed."""


def crop_border(image: Image, *, tolerance: float = 0.04, margin: float = 0.0) -> Image:
    """The image without even black or white borders.

    A row or column at the edge goes while 99 % of its pixels differ by no more
    than `tolerance` from the corner's colour.

    Args:
        image: any stage.
        tolerance: as a share of the range between the 0.5th and 99.5th
            percentile.
        margin: kept around the content, as a share of the image's side.
    """
    return _crop(image, border_box(_working_copy(image), tolerance=tolerance), margin)


def crop_lungs(image: Image, *, margin: float = 0.05) -> Image:
    """A frontal chest radiograph or an axial chest CT, cropped to the lungs.

    The lungs are the two largest dark regions inside the body; where they are
    not found side by side, or too small or large for lungs, the image is
    cropped to the body instead.

    Args:
        image: any stage.
        margin: kept around the lungs, as a share of the image's side.
    """
    small = _working_copy(image)
    return _crop(image, lung_box(small) or body_box(small), margin)


def border_box(plane: Array, *, tolerance: float) -> Box | None:
    """Box of the content of a plane in 0..1, None where borders take it all."""
    height, width = plane.shape
    box = [0, 0, height, width]
    # twice round, because a wide border at one side hides the next one's colour
    for side in (0, 1, 2, 3, 0, 1, 2, 3):
        box[side] = _trim(plane, box, side, tolerance)
        if box[0] >= box[2] or box[1] >= box[3]:
            return None
    return box[0], box[1], box[2], box[3]


def body_box(plane: Array) -> Box | None:
    """Box of the body in a plane of 0..1, None where the background is unclear."""
    background = _background(plane)
    if background is None:
        return None
    distance = np.abs(plane - np.float32(background))
    codes = (distance * 255).astype(np.uint8)
    otsu, _ = cv2.threshold(codes, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # a quarter of Otsu's threshold: faint skin and fat belong to the body
    mask = (distance > max(0.04, 0.25 * otsu / 255)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    return _around(stats[1:][areas >= 0.1 * areas.max()])


def lung_box(plane: Array) -> Box | None:
    """Box of two lungs in a plane of 0..1, None where they are not plain to see."""
    height, width = plane.shape
    smooth = cv2.GaussianBlur(plane, (0, 0), max(height, width) / 64)
    codes = (np.clip(smooth, 0, 1) * 255).astype(np.uint8)
    body = _filled_body(codes)
    if body.mean() < 0.2:
        return None
    inside = codes[body > 0]
    otsu, _ = cv2.threshold(inside, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return _two_lungs(((codes <= otsu) & (body > 0)).astype(np.uint8))


def _two_lungs(dark: Array) -> Box | None:
    """Box of the two largest regions of a mask, if they lie as lungs do."""
    height, width = dark.shape
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, _, stats, centres = cv2.connectedComponentsWithStats(dark, connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA] / dark.size
    lungs = [
        k
        for k in range(1, len(stats))
        if 0.025 <= areas[k] <= 0.35 and not _touches_edge(stats[k], dark.shape)
    ]
    lungs = sorted(lungs, key=lambda k: -areas[k])[:2]
    if len(lungs) < 2:
        return None
    (x1, y1), (x2, y2) = centres[lungs]
    beside = abs(x1 - x2) > 0.2 * width and abs(y1 - y2) < 0.15 * height
    middle = abs((x1 + x2) / 2 - width / 2) < 0.2 * width
    alike = areas[lungs[1]] > 0.35 * areas[lungs[0]]
    top, left, bottom, right = _around(stats[lungs])
    # two to one across is the flattest a pair of lungs comes
    if not (beside and middle and alike) or bottom - top < 0.5 * (right - left):
        return None
    # the bases fade away behind the diaphragm and the breast
    return top, left, min(height, bottom + (bottom - top) // 4), right


def _working_copy(image: Image) -> Array:
    """(h, w) float32 0..1: grey, slices at their brightest, small, stretched."""
    plane = rgb_to_grey(image.array[:3] if image.is_colour else image.array[:1])
    return working_copy(plane[0].max(axis=0) if plane.shape[1] > 1 else plane[0, 0])


def working_copy(plane: Array) -> Array:
    """(h, w) float32 0..1 of a plane (H, W): small, stretched."""
    scale = min(1.0, WORKING_SIDE / max(plane.shape))
    height, width = (max(1, round(n * scale)) for n in plane.shape)
    small = resize_plane(plane, height=height, width=width, kernel="area")
    low, high = percentiles(small, (0.5, 99.5))
    return linear(small, low=low, high=high)


def _crop(image: Image, box: Box | None, margin: float) -> Image:
    """The image cropped to a box of the working copy, if the box is believable."""
    rows, columns = image.array.shape[2:]
    whole = (0, 0, rows, columns)
    found = believable(box, (rows, columns), margin)
    return image if found == whole else crop_box(image, found)


def believable(box: Box | None, shape: tuple[int, int], margin: float) -> Box:
    """A box of the working copy in pixels of the plane; all of it where in doubt."""
    rows, columns = shape
    if box is None:
        return 0, 0, rows, columns
    scale = min(1.0, WORKING_SIDE / max(rows, columns))
    height, width = (max(1, round(n * scale)) for n in (rows, columns))
    top = int(np.floor((box[0] / height - margin) * rows))
    left = int(np.floor((box[1] / width - margin) * columns))
    bottom = int(np.ceil((box[2] / height + margin) * rows))
    right = int(np.ceil((box[3] / width + margin) * columns))
    top, left = max(top, 0), max(left, 0)
    bottom, right = min(bottom, rows), min(right, columns)
    share = (bottom - top) * (right - left) / (rows * columns)
    if share < LEAST_SHARE:
        return 0, 0, rows, columns
    return top, left, bottom, right


def _trim(plane: Array, box: list[int], side: int, tolerance: float) -> int:
    """New position of one side of the box: 0 top, 1 left, 2 bottom, 3 right."""
    part = plane[box[0] : box[2], box[1] : box[3]]
    lines = part if side in (0, 2) else part.T
    if side >= 2:
        lines = lines[::-1]
    colour = np.median(lines[0])
    if tolerance < colour < 1 - tolerance:  # a border is black or white, not grey
        return box[side]
    even = (np.abs(lines - colour) <= tolerance).mean(axis=1) >= 0.99
    gone = len(even) if even.all() else int(np.argmin(even))
    return box[side] + gone if side < 2 else box[side] - gone


def _background(plane: Array) -> float | None:
    """Grey value of the corners, None where fewer than three of four agree."""
    h, w = (max(1, round(0.04 * n)) for n in plane.shape)
    corners = [plane[:h, :w], plane[:h, -w:], plane[-h:, :w], plane[-h:, -w:]]
    levels = np.array([float(np.median(corner)) for corner in corners])
    middle = float(np.median(levels))
    agree = int((np.abs(levels - middle) < 0.06).sum())
    # bright tissue may fill the corners of a radiograph; paper white has no texture
    even = np.median([np.ptp(np.percentile(corner, [5, 95])) for corner in corners])
    plain = middle < 0.15 or (middle > 0.95 and even < 0.02)
    return middle if agree >= 3 and plain else None


def _filled_body(codes: Array) -> Array:
    """uint8 mask of the body with its holes; everything where it fills the image."""
    box = body_box(codes.astype(np.float32) / 255)
    mask = np.zeros_like(codes)
    if box is None:
        mask[:] = 1
        return mask
    top, left, bottom, right = box
    mask[top:bottom, left:right] = 1
    outside = (codes <= 10).astype(np.uint8)
    _, labels = cv2.connectedComponents(outside, connectivity=4)
    edge = np.unique(np.r_[labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    mask[np.isin(labels, edge[edge > 0])] = 0
    return mask


def _touches_edge(stat: Array, shape: tuple[int, ...]) -> bool:
    """True for regions that reach an edge (outside air, neck, collimation)."""
    x, y, w, h = stat[:4]
    return bool(x <= 0 or y <= 0 or x + w >= shape[1] or y + h >= shape[0])


def _around(stats: Array) -> Box:
    """Box around connected components' statistics rows."""
    x, y, w, h = stats[:, :4].T
    return int(y.min()), int(x.min()), int((y + h).max()), int((x + w).max())
