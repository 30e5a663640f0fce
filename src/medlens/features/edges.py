"""Edges: gradients, Canny, orientations, histograms of oriented gradients."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.features.names import HOG_BINS, HOG_CELLS, ORIENTATION_BINS
from medlens.features.region import Region
from medlens.features.texture import entropy

Plane = NDArray[np.float64]

CANNY_LOW, CANNY_HIGH = 0.02, 0.05
"""Gradients in shares of the intensity range (P1 to P99) per pixel."""

_GRADIENT_SUM = {"sobel": 8.0, "scharr": 32.0}


def gradient(grey: Plane, kernel: str) -> tuple[Plane, Plane]:
    """Change of intensity per pixel along rows and along columns.

    Args:
        grey: (H, W) float64.
        kernel: "sobel" or "scharr", 3 × 3.

    Returns:
        d/dw and d/dh; a ramp of slope 1 gives 1. Edges are mirrored.
    """
    operator = cv2.Sobel if kernel == "sobel" else cv2.Scharr
    scale = 1 / _GRADIENT_SUM[kernel]
    along_w = operator(grey, cv2.CV_64F, 1, 0, scale=scale)
    along_h = operator(grey, cv2.CV_64F, 0, 1, scale=scale)
    return along_w, along_h


def measure_edges(region: Region) -> dict[str, float]:
    """Gradient, Canny and orientation features of a region.

    All filters see the whole image; their answers are taken inside the mask.
    """
    values: dict[str, float] = {}
    centred = region.grey - region.inside.mean()
    for kernel in ("sobel", "scharr"):
        along_w, along_h = gradient(centred, kernel)
        magnitude = region.pick(_length(along_w, along_h))
        p50, p90 = np.percentile(magnitude, [50, 90])
        values |= {
            f"edge_{kernel}_mean": float(magnitude.mean()),
            f"edge_{kernel}_std": float(magnitude.std()),
            f"edge_{kernel}_percentile_50": float(p50),
            f"edge_{kernel}_percentile_90": float(p90),
            f"edge_{kernel}_maximum": float(magnitude.max()),
        }
    for sigma in (2, 4):
        along = gradient(cv2.GaussianBlur(centred, (0, 0), sigma), "scharr")
        values[f"edge_gaussian{sigma}_mean"] = float(
            region.pick(_length(*along)).mean()
        )
    laplacian = region.pick(cv2.Laplacian(centred, cv2.CV_64F, ksize=1))
    values["edge_laplacian_std"] = float(laplacian.std())
    values["edge_canny_density"] = float(region.pick(find_canny(region)).mean())
    # along_w, along_h are Scharr's here, the rounder of both kernels.
    return values | _orientations(region.pick(along_w), region.pick(along_h))


def find_canny(region: Region) -> NDArray[np.bool_]:
    """(H, W) edges after a Gaussian of σ = 1 px (Canny 1986).

    Hysteresis thresholds are 2 % and 5 % per pixel of the range between the
    1st and 99th percentile of the region, so that brightness and contrast of
    the whole image do not matter. Values further out than one such range are
    held there, or a single hot pixel would drown its neighbours.
    """
    low, high = np.percentile(region.inside, [1, 99])
    if high <= low:
        low, high = region.inside.min(), region.inside.max()
    if high <= low:
        return np.zeros(region.mask.shape, dtype=bool)
    reach = high - low
    held = np.clip(region.grey, low - reach, high + reach)
    blurred = cv2.GaussianBlur((held - low) / reach, (0, 0), 1.0)
    steps = 8192.0
    along = gradient(blurred, "sobel")
    fixed = [np.clip(np.rint(part * steps), -32767, 32767) for part in along]
    edges = cv2.Canny(
        fixed[0].astype(np.int16),
        fixed[1].astype(np.int16),
        CANNY_LOW * steps,
        CANNY_HIGH * steps,
        L2gradient=True,
    )
    return np.asarray(edges) > 0


def hog(grey: Plane, *, cells: int = HOG_CELLS, bins: int = HOG_BINS) -> Plane:
    """Histogram of oriented gradients with one block over the image.

    Unsigned orientations, central differences (0 at the border), mean magnitude
    per bin and cell, L2-Hys over all cells (Dalal and Triggs 2005). Rows and
    columns that do not divide by `cells` are left out at the end.

    Args:
        grey: (H, W); sides under `cells` pixels are enlarged by repetition.
        cells: cells along each side.
        bins: orientations in 0…180°.

    Returns:
        (cells, cells, bins), 0…1; all 0 for a constant image.
    """
    for axis, side in enumerate(grey.shape):
        if side < cells:
            grey = np.repeat(grey, -(-cells // side), axis=axis)
    along_h, along_w = np.zeros_like(grey), np.zeros_like(grey)
    along_h[1:-1] = grey[2:] - grey[:-2]
    along_w[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    magnitude = _length(along_h, along_w)
    angle = np.degrees(np.arctan2(along_h, along_w)) % 180
    step = np.minimum((angle * (bins / 180)).astype(np.int64), bins - 1)
    height, width = (side // cells for side in grey.shape)
    cell = np.add.outer(
        np.repeat(np.arange(cells), height) * cells,
        np.repeat(np.arange(cells), width),
    )
    keys = cell * bins + step[: height * cells, : width * cells]
    weights = magnitude[: height * cells, : width * cells]
    block = np.bincount(
        keys.ravel(), weights=weights.ravel(), minlength=cells * cells * bins
    )
    return _normalise_block(block / (height * width)).reshape(cells, cells, bins)


def measure_hog(region: Region) -> dict[str, float]:
    """HOG of the mask's bounding box, 3 × 3 cells of 8 orientations."""
    rows = np.flatnonzero(region.mask.any(axis=1))
    columns = np.flatnonzero(region.mask.any(axis=0))
    box = region.grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    found = hog(box - box.mean())
    return {
        f"hog_r{row}c{column}_{step}": float(value)
        for (row, column, step), value in np.ndenumerate(found)
    }


def _length(along_w: Plane, along_h: Plane) -> Plane:
    """Length of the gradient; `read_region` keeps its square finite."""
    length: Plane = np.sqrt(along_w * along_w + along_h * along_h)
    return length


def _normalise_block(block: Plane) -> Plane:
    """L2-Hys: unit length, clipped at 0.2, unit length again."""
    largest = block.max()
    if largest <= 0:
        return block
    block = block / largest
    block = np.minimum(block / np.linalg.norm(block), 0.2)
    clipped: Plane = block / np.linalg.norm(block)
    return clipped


def _orientations(along_w: Plane, along_h: Plane) -> dict[str, float]:
    """Where gradients point, weighted by their magnitude."""
    names = [f"edge_orientation_{step}" for step in range(ORIENTATION_BINS)]
    largest = max(np.abs(along_w).max(), np.abs(along_h).max())
    if largest <= 0:
        return dict.fromkeys(
            [*names, "edge_orientation_entropy", "edge_coherence"], 0.0
        )
    along_w, along_h = along_w / largest, along_h / largest
    turn = np.arctan2(along_h, along_w) * (ORIENTATION_BINS / np.pi)
    step = np.rint(turn).astype(np.int64) % ORIENTATION_BINS
    weights = _length(along_w, along_h)
    shares = np.bincount(step, weights=weights, minlength=ORIENTATION_BINS)
    shares = shares / shares.sum()
    # Sums, not dot products: BLAS threads cost more than they save here.
    ww, hh = (along_w * along_w).sum(), (along_h * along_h).sum()
    wh = (along_w * along_h).sum()
    return dict(zip(names, shares.tolist(), strict=True)) | {
        "edge_orientation_entropy": entropy(shares),
        "edge_coherence": float(np.hypot(ww - hh, 2 * wh) / (ww + hh)),
    }
