"""Every feature of an image: its name, IBSI code, unit and meaning. Constants only.

Names are stable: a table written today has the same columns tomorrow. Features
that the Image Biomarker Standardisation Initiative defines have its code, all
others "". `FEATURES` is what `measure` gives for an image, `VOLUME_FEATURES`
what `measure_volume` gives.
"""

from __future__ import annotations

from medlens.features.names_ibsi import INTENSITY, TEXTURE, VOLUME_FEATURES, Feature

__all__ = ["FEATURES", "VOLUME_FEATURES", "Feature"]

HOG_CELLS, HOG_BINS = 3, 8
ORIENTATION_BINS = 8
LBP_POINTS = 8
GABOR_WAVELENGTHS = (4, 8, 16)
GABOR_ANGLES = (0, 45, 90, 135)
WAVELET_LEVELS = 4
OPENING_RADII = (1, 2, 4, 8, 16)


def _colour() -> dict[str, Feature]:
    table = {}
    for channel in ("red", "green", "blue", "saturation"):
        for moment, unit in (("mean", "intensity"), ("std", "intensity")):
            unit = "1" if channel == "saturation" else unit
            table[f"colour_{channel}_{moment}"] = Feature(
                "", unit, f"{channel.capitalize()}: {moment}; grey images: R = G = B"
            )
        table[f"colour_{channel}_skewness"] = Feature(
            "", "1", f"{channel.capitalize()}: skewness"
        )
    return table


def _edges() -> dict[str, Feature]:
    table = {}
    for kernel in ("sobel", "scharr"):
        for part, text in (
            ("mean", "mean"),
            ("std", "standard deviation"),
            ("percentile_50", "median"),
            ("percentile_90", "90th percentile"),
            ("maximum", "maximum"),
        ):
            table[f"edge_{kernel}_{part}"] = Feature(
                "", "intensity/px", f"{kernel.capitalize()} gradient magnitude: {text}"
            )
    table |= {
        f"edge_gaussian{scale}_mean": Feature(
            "", "intensity/px", f"Mean gradient after a Gaussian of σ = {scale} px"
        )
        for scale in (2, 4)
    }
    table["edge_laplacian_std"] = Feature(
        "", "intensity/px²", "Standard deviation of the Laplacian (sharpness)"
    )
    table["edge_canny_density"] = Feature(
        "", "1", "Share of the region on Canny edges (σ = 1 px)"
    )
    table |= {
        f"edge_orientation_{step}": Feature(
            "",
            "1",
            f"Share of gradient magnitude around {step * 180 / ORIENTATION_BINS:g}°",
        )
        for step in range(ORIENTATION_BINS)
    }
    table["edge_orientation_entropy"] = Feature("", "bit", "Entropy of these shares")
    table["edge_coherence"] = Feature(
        "", "1", "Structure tensor anisotropy: 1 one direction, 0 none"
    )
    return table


def _patterns() -> dict[str, Feature]:
    table = {
        f"lbp_{ones}": Feature("", "1", f"Share of uniform patterns with {ones} ones")
        for ones in range(LBP_POINTS + 1)
    }
    table["lbp_other"] = Feature("", "1", "Share of patterns that are not uniform")
    table["lbp_entropy"] = Feature("", "bit", "Entropy of these shares")
    for wavelength in GABOR_WAVELENGTHS:
        table |= {
            f"gabor_{wavelength}px_{angle}": Feature(
                "",
                "1",
                f"Gabor energy over variance, wavelength {wavelength} px, {angle}°",
            )
            for angle in GABOR_ANGLES
        }
    for level in range(1, WAVELET_LEVELS + 1):
        for band in ("horizontal", "vertical", "diagonal"):
            table[f"wavelet_{level}_{band}"] = Feature(
                "", "1", f"Haar energy over variance, level {level}, {band} detail"
            )
    return table


def _hog() -> dict[str, Feature]:
    return {
        f"hog_r{row}c{column}_{step}": Feature(
            "",
            "1",
            f"HOG: cell row {row}, column {column} of 3 × 3, "
            f"from {step * 180 / HOG_BINS:g}°",
        )
        for row in range(HOG_CELLS)
        for column in range(HOG_CELLS)
        for step in range(HOG_BINS)
    }


def _shape() -> dict[str, Feature]:
    table = {
        "shape_area": Feature("", "mm²", "Area of the foreground"),
        "shape_area_share": Feature("", "1", "Area over the area of the image"),
        "shape_perimeter": Feature("", "mm", "Perimeter (Crofton, 4 directions)"),
        "shape_circularity": Feature("", "1", "4π area / perimeter²; 1 for a disc"),
        "shape_major_axis": Feature("", "mm", "Major axis of the ellipse of inertia"),
        "shape_minor_axis": Feature("", "mm", "Minor axis of the ellipse of inertia"),
        "shape_eccentricity": Feature("", "1", "Eccentricity of that ellipse"),
        "shape_elongation": Feature("", "1", "Minor over major axis"),
        "shape_feret_maximum": Feature("", "mm", "Largest caliper diameter"),
        "shape_feret_minimum": Feature("", "mm", "Smallest caliper diameter"),
        "shape_convex_area": Feature("", "mm²", "Area of the convex hull"),
        "shape_solidity": Feature("", "1", "Area over convex area"),
        "shape_extent": Feature("", "1", "Area over area of the bounding box"),
        "shape_bounding_height": Feature("", "mm", "Height of the bounding box"),
        "shape_bounding_width": Feature("", "mm", "Width of the bounding box"),
        "shape_euler_number": Feature("", "1", "Components minus holes"),
        "shape_components": Feature("", "1", "8-connected components"),
        "shape_largest_share": Feature("", "1", "Share of the largest component"),
        "shape_thickness_maximum": Feature("", "px", "Largest distance to the edge"),
    }
    table |= {
        f"shape_opening_{radius}": Feature(
            "", "1", f"Share removed by a disc of {radius} px, not by the one before"
        )
        for radius in OPENING_RADII
    }
    table["shape_opening_rest"] = Feature("", "1", "Share that the last disc leaves")
    return table


FEATURES: dict[str, Feature] = (
    INTENSITY | TEXTURE | _colour() | _edges() | _patterns() | _hog() | _shape()
)
"""Name → meaning of everything `measure` gives, in the order of the columns."""
