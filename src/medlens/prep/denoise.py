"""Noise reduction: median, Gaussian, bilateral, non-local means and more.

All functions take (C, D, H, W), work slice by slice and return the dtype they
were given. Strengths are shares of the `span` (the values that stand for black
and white), so that a recipe means the same for 8 and 16 bits.
"""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array
from medlens.prep.planes import Span, each_plane, from_unit, to_unit

UNIT: Span = (0.0, 1.0)


def median(array: Array, *, size: int = 3) -> Array:
    """Median of a size × size window, exact at every depth.

    Args:
        array: (C, D, H, W).
        size: 3, 5, 7 or 9. 3 and 5 run in OpenCV; the larger ones in SciPy
            for 16 bits and floating point, a few hundred times slower.
    """

    def change(plane: Array) -> Array:
        if size <= 5 or plane.dtype == np.uint8:
            return np.asarray(cv2.medianBlur(plane, size))
        from scipy.ndimage import median_filter

        # "nearest" repeats the edge pixel, as OpenCV's median does
        return np.asarray(median_filter(plane, size=size, mode="nearest"))

    return each_plane(array, change)


def gaussian(array: Array, *, sigma: float = 1.0) -> Array:
    """Gaussian blur, mirrored at the edges (edge pixel not repeated).

    Args:
        array: (C, D, H, W).
        sigma: in pixels of this grid.
    """
    return each_plane(array, lambda plane: cv2.GaussianBlur(plane, (0, 0), sigma))


def bilateral(
    array: Array,
    *,
    span: Span = UNIT,
    size: int = 5,
    sigma_space: float = 2.0,
    sigma_value: float = 0.1,
) -> Array:
    """Bilateral filter (Tomasi and Manduchi, ICCV 1998): blur that stops at edges.

    Args:
        array: (C, D, H, W).
        span: black and white.
        size: side of the window in pixels.
        sigma_space: in pixels.
        sigma_value: as a share of the span.
    """

    def change(plane: Array) -> Array:
        unit = to_unit(plane, span)
        smooth = cv2.bilateralFilter(unit, size, sigma_value, sigma_space)
        return from_unit(smooth, span, plane.dtype)

    return each_plane(array, change)


def nl_means(
    array: Array,
    *,
    span: Span = UNIT,
    strength: float = 1.0,
    noise: float = 0.0,
    patch: int = 5,
    search: int = 11,
) -> Array:
    """Non-local means (Buades, Coll and Morel, CVPR 2005) on 16-bit values.

    OpenCV's filter with the L1 distance, which keeps 16 bits; floating-point
    input is quantised to 65,536 levels of the span on the way. On a phantom
    with 5 % noise it reaches 41.9 dB where scikit-image's reaches 43.5 dB in
    twice the time and OpenCV's 8-bit filter 42.4 dB after losing 8 bits.

    Args:
        array: (C, D, H, W); values outside the span are clipped.
        span: black and white.
        strength: how unlike two patches may be, in multiples of the noise.
        noise: standard deviation of the noise as a share of the span; 0
            estimates it for each slice (`noise_level`).
        patch: side of the patches that are compared, odd.
        search: side of the window that is searched, odd.
    """

    def change(plane: Array) -> Array:
        unit = np.clip(to_unit(plane, span), 0, 1)
        level = strength * (noise or noise_level(unit))
        if level < 1 / 65535:  # nothing that 16 bits could show
            return plane
        codes = np.rint(unit * np.float32(65535)).astype(np.uint16)
        smooth = cv2.fastNlMeansDenoising(
            codes, [level * 65535], None, patch, search, cv2.NORM_L1
        )
        return from_unit(smooth.astype(np.float32) / 65535, span, plane.dtype)

    return each_plane(array, change)


def total_variation(array: Array, *, span: Span = UNIT, weight: float = 0.05) -> Array:
    """Total-variation denoising (Chambolle, J Math Imaging Vis 20, 2004, 89–97).

    Args:
        array: (C, D, H, W).
        span: black and white.
        weight: larger is smoother; of the order of the noise as a share of the
            span.
    """
    from skimage.restoration import denoise_tv_chambolle

    def change(plane: Array) -> Array:
        smooth = denoise_tv_chambolle(to_unit(plane, span), weight=weight)
        return from_unit(smooth.astype(np.float32), span, plane.dtype)

    return each_plane(array, change)


def wavelet(
    array: Array, *, span: Span = UNIT, noise: float = 0.0, wavelet: str = "sym4"
) -> Array:
    """Soft wavelet shrinkage (BayesShrink; Chang, Yu and Vetterli, IEEE TIP 2000).

    Args:
        array: (C, D, H, W).
        span: black and white.
        noise: standard deviation of the noise as a share of the span; 0
            estimates it from the finest wavelet coefficients.
        wavelet: an orthogonal wavelet that PyWavelets knows.
    """
    from skimage.restoration import denoise_wavelet

    def change(plane: Array) -> Array:
        unit = to_unit(plane, span)
        level = noise or noise_level(unit)
        if level == 0:  # BayesShrink divides by the noise
            return plane
        smooth = denoise_wavelet(
            unit, sigma=level, wavelet=wavelet, mode="soft", method="BayesShrink"
        )
        return from_unit(smooth.astype(np.float32), span, plane.dtype)

    return each_plane(array, change)


def anisotropic(
    array: Array,
    *,
    span: Span = UNIT,
    iterations: int = 10,
    contrast: float = 0.1,
    rate: float = 0.2,
) -> Array:
    """Anisotropic diffusion (Perona and Malik, IEEE TPAMI 12, 1990, 629–639).

    Conductance exp(−(gradient/contrast)²); no flow over the image's edge, so
    that the mean is kept.

    Args:
        array: (C, D, H, W).
        span: black and white.
        iterations: time steps.
        contrast: difference between neighbours that counts as an edge, as a
            share of the span.
        rate: size of a time step; stable up to 0.25.
    """

    def change(plane: Array) -> Array:
        values = to_unit(plane, span).copy()
        for _ in range(iterations):
            down, right = np.diff(values, axis=0), np.diff(values, axis=1)
            down *= np.exp(-np.square(down / np.float32(contrast))) * np.float32(rate)
            right *= np.exp(-np.square(right / np.float32(contrast))) * np.float32(rate)
            values[:-1] += down
            values[1:] -= down
            values[:, :-1] += right
            values[:, 1:] -= right
        return from_unit(values, span, plane.dtype)

    return each_plane(array, change)


def noise_level(plane: Array) -> float:
    """Standard deviation of white noise (Immerkær, CVIU 64, 1996, 300–302).

    Args:
        plane: (H, W) of at least 3×3 pixels; smaller ones give 0.

    Returns:
        In the unit of the plane. Strong texture raises it.
    """
    height, width = plane.shape
    if height < 3 or width < 3:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    detail = cv2.filter2D(plane.astype(np.float32, copy=False), -1, kernel)
    mean = float(np.abs(detail[1:-1, 1:-1]).mean(dtype=np.float64))
    return mean * float(np.sqrt(np.pi / 2)) / 6
