"""Morphology in the plane: size, outline, ellipse, calipers, granulometry."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.features.names import OPENING_RADII

Mask = NDArray[np.bool_]
Spacing = tuple[float, float]


def find_foreground(
    grey: NDArray[np.float64], mask: Mask | None = None
) -> NDArray[np.bool_]:
    """Pixels brighter than Otsu's threshold (Otsu 1979, 256 bins).

    Args:
        grey: (H, W), finite.
        mask: pixels to look at; default all.

    Returns:
        (H, W); everything looked at when it is constant.
    """
    inside = np.ones(grey.shape, dtype=bool) if mask is None else mask
    values = grey[inside]
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return inside.copy()
    step = np.minimum(((grey - low) / (high - low) * 256).clip(0, 255), 255)
    step = step.astype(np.int64)
    share = np.bincount(step[inside], minlength=256) / values.size
    below = share.cumsum()[:-1]
    mean_below = (share * np.arange(256)).cumsum()
    total = mean_below[-1]
    product = below * (1 - below)
    between = np.where(
        product > 0,
        (total * below - mean_below[:-1]) ** 2 / np.maximum(product, 1e-12),
        0,
    )
    foreground: Mask = inside & (step > between.argmax())
    return foreground


def measure_shape(mask: Mask, *, spacing: Spacing = (1.0, 1.0)) -> dict[str, float]:
    """Size, outline and form of all True pixels together.

    A pixel is a rectangle of the spacing's size; beyond the image there is
    background. Openings and thickness are counted in pixels.

    Args:
        mask: (H, W), at least one True.
        spacing: mm between rows and between columns.

    Returns:
        name → value with prefix "shape_".
    """
    height, width = spacing
    padded = np.pad(mask, 1)
    area = float(mask.sum()) * height * width
    perimeter = measure_perimeter(padded, spacing)
    rows, columns = np.nonzero(mask)
    box = (np.ptp(rows) + 1) * height, (np.ptp(columns) + 1) * width
    n_components, labels = cv2.connectedComponents(mask.astype(np.uint8))
    sizes = np.bincount(labels[mask])
    values = {
        "shape_area": area,
        "shape_area_share": float(mask.mean()),
        "shape_perimeter": perimeter,
        "shape_circularity": 4 * np.pi * area / perimeter**2,
        "shape_extent": area / float(box[0] * box[1]),
        "shape_bounding_height": float(box[0]),
        "shape_bounding_width": float(box[1]),
        "shape_euler_number": float(count_euler(padded)),
        "shape_components": float(n_components - 1),
        "shape_largest_share": float(sizes.max() / sizes.sum()),
    }
    values |= _measure_ellipse(rows * height, columns * width, spacing)
    values |= _measure_hull(mask, area, spacing)
    return values | _measure_openings(padded)


def measure_perimeter(padded: Mask, spacing: Spacing) -> float:
    """Perimeter by Crofton's formula with lines in four directions.

    Counts where lines enter the region and weighs each direction with its
    share of the half circle and the distance of its lines (Legland 2007); right
    on average over orientations, unlike the length of a pixel contour.

    Args:
        padded: (H, W) mask with an empty border.
        spacing: mm between rows and between columns.
    """
    height, width = spacing
    enters = [
        np.count_nonzero(padded[:, 1:] & ~padded[:, :-1]),
        np.count_nonzero(padded[1:, :] & ~padded[:-1, :]),
        np.count_nonzero(padded[1:, 1:] & ~padded[:-1, :-1]),
        np.count_nonzero(padded[1:, :-1] & ~padded[:-1, 1:]),
    ]
    diagonal = height * width / np.hypot(height, width)
    angle = np.arctan2(height, width)
    along_w, along_h = angle, np.pi / 2 - angle
    return float(
        enters[0] * height * along_w
        + enters[1] * width * along_h
        + (enters[2] + enters[3]) * diagonal * np.pi / 4
    )


def count_euler(padded: Mask) -> int:
    """Components minus holes, 8-connected, from 2 × 2 blocks (Gray 1971).

    Args:
        padded: (H, W) mask with an empty border.
    """
    cell = padded.astype(np.int64)
    block = cell[:-1, :-1] + 2 * cell[:-1, 1:] + 4 * cell[1:, :-1] + 8 * cell[1:, 1:]
    n = np.bincount(block.ravel(), minlength=16)
    one, three = n[[1, 2, 4, 8]].sum(), n[[7, 11, 13, 14]].sum()
    return int(one - three - 2 * n[[6, 9]].sum()) // 4


def _measure_ellipse(
    y: NDArray[Any], x: NDArray[Any], spacing: Spacing
) -> dict[str, float]:
    """Ellipse with the region's second moments; each pixel is a rectangle."""
    moments = np.array(
        [
            [y.var() + spacing[0] ** 2 / 12, ((y - y.mean()) * (x - x.mean())).mean()],
            [0.0, x.var() + spacing[1] ** 2 / 12],
        ]
    )
    least, most = np.linalg.eigvalsh(moments, UPLO="U")
    least = max(least, 0.0)
    return {
        "shape_major_axis": 4 * float(np.sqrt(most)),
        "shape_minor_axis": 4 * float(np.sqrt(least)),
        "shape_eccentricity": float(np.sqrt(1 - least / most)),
        "shape_elongation": float(np.sqrt(least / most)),
    }


def _measure_hull(mask: Mask, area: float, spacing: Spacing) -> dict[str, float]:
    """Convex hull of the pixels' corners, and its calipers."""
    corners = np.pad(mask, ((0, 1), (0, 1)))
    corners[1:] |= np.pad(mask, ((0, 0), (0, 1)))
    corners[:, 1:] |= corners[:, :-1].copy()
    rows = np.flatnonzero(corners.any(axis=1))
    first = corners[rows].argmax(axis=1)
    last = corners.shape[1] - 1 - corners[rows, ::-1].argmax(axis=1)
    points = np.stack((np.tile(rows, 2), np.concatenate((first, last))), axis=1)
    hull = cv2.convexHull(points.astype(np.int32)).reshape(-1, 2)
    hull = hull.astype(np.float64) * np.asarray(spacing)
    following = np.roll(hull, -1, axis=0)
    convex = abs(float(_cross(hull, following).sum())) / 2
    edge = following - hull
    normal = edge[:, ::-1] * (-1, 1) / np.linalg.norm(edge, axis=1, keepdims=True)
    widths = np.ptp(normal @ hull.T, axis=1)
    gaps = hull[:, None, :] - hull[None, :, :]
    return {
        "shape_feret_maximum": float(np.sqrt((gaps**2).sum(axis=2).max())),
        "shape_feret_minimum": float(widths.min()),
        "shape_convex_area": convex,
        "shape_solidity": area / convex,
    }


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product


def _measure_openings(padded: Mask) -> dict[str, float]:
    """Pattern spectrum: what openings by growing discs take away (Maragos 1989)."""
    distance = _distance(padded)
    total = float(padded.sum())
    values, before = {}, 1.0
    for radius in OPENING_RADII:
        core = distance > radius
        left = 0.0
        if core.any():
            reached = _distance(~core) <= radius
            left = float(np.count_nonzero(reached & padded)) / total
        values[f"shape_opening_{radius}"] = before - left
        before = left
    return values | {
        "shape_opening_rest": before,
        "shape_thickness_maximum": float(distance.max()),
    }


def _distance(mask: Mask) -> NDArray[np.float32]:
    """Distance in pixels to the nearest False pixel."""
    found = cv2.distanceTransform(
        mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    # OpenCV's roots are off by 7e-8, which decides "beyond 5 pixels" by chance;
    # squares of distances between pixels are whole numbers.
    exact: NDArray[np.float32] = np.sqrt(np.rint(np.square(found)))
    return exact
