"""Features of the Image Biomarker Standardisation Initiative. Constants only.

Codes are those of the reference manual (IBSI 1, arXiv:1612.07003).
"""

from __future__ import annotations

from typing import NamedTuple


class Feature(NamedTuple):
    """What a column of the feature table means.

    Attributes:
        code: IBSI feature code, or "".
        unit: "intensity" (that of the image), "level" (grey level from 1),
            "px", "mm", "mm²", "mm³" (pixels where the spacing is unknown),
            "bit", "°", a power of these, or "1" for a plain number.
        meaning: one line.
    """

    code: str
    unit: str
    meaning: str


_DESCRIBED = {
    "mean": ("Q4LE", "X6K6", "{}", "mean"),
    "variance": ("ECT3", "CH89", "{}²", "population variance"),
    "skewness": ("KE2A", "88K1", "1", "skewness; 0 where constant"),
    "kurtosis": ("IPH6", "C3I7", "1", "excess kurtosis; 0 where constant"),
    "median": ("Y12H", "WIFQ", "{}", "median"),
    "minimum": ("1GSF", "1PR8", "{}", "minimum"),
    "percentile_10": ("QG58", "1PR", "{}", "10th percentile"),
    "percentile_90": ("8DWT", "GPMT", "{}", "90th percentile"),
    "maximum": ("84IY", "3NCY", "{}", "maximum"),
    "interquartile_range": ("SALO", "WR0O", "{}", "75th minus 25th percentile"),
    "range": ("2OJQ", "5Z3W", "{}", "maximum minus minimum"),
    "mean_absolute_deviation": (
        "4FUA",
        "D2ZX",
        "{}",
        "mean distance from the mean",
    ),
    "robust_mean_absolute_deviation": (
        "1128",
        "WRZB",
        "{}",
        "the same between 10th and 90th percentile",
    ),
    "median_absolute_deviation": (
        "N72L",
        "4RNL",
        "{}",
        "mean distance from the median",
    ),
    "coefficient_of_variation": (
        "7TET",
        "CWYJ",
        "1",
        "standard deviation over mean; 0 where the mean is 0",
    ),
    "quartile_dispersion": (
        "9S40",
        "SLWD",
        "1",
        "(P75 − P25) / (P75 + P25); 0 where that sum is 0",
    ),
}


def _statistics() -> dict[str, Feature]:
    table = {
        f"stat_{name}": Feature(code, unit.format("intensity"), f"Intensity: {text}")
        for name, (code, _, unit, text) in _DESCRIBED.items()
    }
    return table | {
        "stat_energy": Feature("N8CA", "intensity²", "Sum of squared intensities"),
        "stat_root_mean_square": Feature("5ZWQ", "intensity", "Root mean square"),
    }


def _histogram() -> dict[str, Feature]:
    table = {
        f"ih_{name}": Feature(code, unit.format("level"), f"Grey levels: {text}")
        for name, (_, code, unit, text) in _DESCRIBED.items()
    }
    return table | {
        "ih_mode": Feature("AMMC", "level", "Most frequent grey level"),
        "ih_entropy": Feature("TLU2", "bit", "Entropy of the grey levels"),
        "ih_uniformity": Feature("BJ5W", "1", "Sum of squared level shares"),
        "ih_maximum_gradient": Feature("12CE", "px", "Steepest rise of the histogram"),
        "ih_maximum_gradient_level": Feature("8E6O", "level", "Level of that rise"),
        "ih_minimum_gradient": Feature("VQB3", "px", "Steepest fall of the histogram"),
        "ih_minimum_gradient_level": Feature("RHQZ", "level", "Level of that fall"),
    }


_VOLUME_HISTOGRAM = {
    "ivh_volume_at_10": Feature(
        "BC2M_10", "1", "Share of the region above 10 % of its intensity range"
    ),
    "ivh_volume_at_90": Feature(
        "BC2M_90", "1", "Share of the region above 90 % of its intensity range"
    ),
    "ivh_intensity_at_10": Feature(
        "GBPN_10", "level", "Lowest level that at most 10 % of the region reach"
    ),
    "ivh_intensity_at_90": Feature(
        "GBPN_90", "level", "Lowest level that at most 90 % of the region reach"
    ),
    "ivh_volume_difference": Feature(
        "DDTU", "1", "ivh_volume_at_10 minus ivh_volume_at_90"
    ),
    "ivh_intensity_difference": Feature(
        "CNV2", "level", "ivh_intensity_at_10 minus ivh_intensity_at_90"
    ),
}

_COOCCURRENCE = {
    "joint_maximum": ("GYBY", "1", "largest cell"),
    "joint_average": ("60VM", "level", "mean level"),
    "joint_variance": ("UR99", "level²", "variance of the level"),
    "joint_entropy": ("TU9B", "bit", "entropy of the pairs"),
    "difference_average": ("TF7R", "level", "mean level difference"),
    "difference_variance": ("D3YU", "level²", "variance of the difference"),
    "difference_entropy": ("NTRS", "bit", "entropy of the difference"),
    "sum_average": ("ZGXS", "level", "mean sum of both levels"),
    "sum_variance": ("OEEB", "level²", "variance of the sum"),
    "sum_entropy": ("P6QZ", "bit", "entropy of the sum"),
    "angular_second_moment": ("8ZQL", "1", "sum of squared cells (energy)"),
    "contrast": ("ACUI", "level²", "mean squared difference"),
    "dissimilarity": ("8S9J", "level", "mean difference"),
    "inverse_difference": ("IB1Z", "1", "mean of 1 / (1 + difference)"),
    "inverse_difference_normalised": ("NDRX", "1", "the same, difference / levels"),
    "inverse_difference_moment": ("WF0Z", "1", "homogeneity: 1 / (1 + difference²)"),
    "inverse_difference_moment_normalised": (
        "1QCO",
        "1",
        "the same, difference / levels",
    ),
    "inverse_variance": ("E8JP", "1", "mean of 1 / difference² of unequal pairs"),
    "correlation": ("NI2N", "1", "correlation of the pair; 1 for one level"),
    "autocorrelation": ("QWB0", "level²", "mean product of both levels"),
    "cluster_tendency": ("DG8W", "level²", "2nd moment of the centred sum"),
    "cluster_shade": ("7NFM", "level³", "3rd moment of the centred sum"),
    "cluster_prominence": ("AE86", "level⁴", "4th moment of the centred sum"),
    "information_correlation_1": ("R8DG", "1", "mutual information, signed ratio"),
    "information_correlation_2": ("JN9H", "1", "mutual information, 0 to 1"),
}

_SIZE_CODES = {
    "glrlm": "22OV W4KF V3SW G3QZ HTZT GD3A IVPO 3KUM "
    "R5YN OVBL W92Y IC23 9ZK5 8CE5 SXLW HJ9O",
    "glszm": "P001 48P8 XMSY 5GN9 5RAI HW1V YH51 J17V "
    "JNSA Y1RO 4JP3 VB3A P30P BYLV 3NSA GU8N",
    "gldzm": "0GBI MB4I S1RA K26C RUVG DKNJ A7WM KLTH "
    "VFT7 7HP3 V294 IATH VIWW QK93 7WT1 GBDU",
    "ngldm": "SODN IMOQ TL9H OAE7 EQ3F JA6D NBZI 9QMG "
    "FP8K 5SPA Z87G OKJI 6XV8 1PFV DNX2 FCBV CAS9",
}


class _SizeWords(NamedTuple):
    """The words that make the names of a size matrix's features."""

    thing: str
    small: str
    large: str
    plain: str
    joint: str
    entry: str
    size: str
    percentage: str
    entropy: str


_RUN = _SizeWords(
    "run", "short", "long", "runs_", "run_", "run", "run_length", "run", "run"
)
_ZONE = _SizeWords(
    "zone", "small", "large", "zone_", "zone_", "zone", "zone_size", "zone", "zone_size"
)
_DISTANCE = _SizeWords(
    "zone",
    "small_distance",
    "large_distance",
    "",
    "",
    "zone",
    "zone_distance",
    "zone",
    "zone_distance",
)
_DEPENDENCE = _SizeWords(
    "dependence",
    "low_dependence",
    "high_dependence",
    "",
    "",
    "count",
    "dependence_count",
    "dependence_count",
    "dependence_count",
)
_SIZE_WORDS = {
    "glrlm": _RUN,
    "glszm": _ZONE,
    "gldzm": _DISTANCE,
    "ngldm": _DEPENDENCE,
}


def _size_names(words: _SizeWords) -> tuple[str, ...]:
    names = (
        f"{words.small}_{words.plain}emphasis",
        f"{words.large}_{words.plain}emphasis",
        f"low_grey_level_{words.entry}_emphasis",
        f"high_grey_level_{words.entry}_emphasis",
        f"{words.small}_{words.joint}low_grey_level_emphasis",
        f"{words.small}_{words.joint}high_grey_level_emphasis",
        f"{words.large}_{words.joint}low_grey_level_emphasis",
        f"{words.large}_{words.joint}high_grey_level_emphasis",
        "grey_level_nonuniformity",
        "grey_level_nonuniformity_normalised",
        f"{words.size}_nonuniformity",
        f"{words.size}_nonuniformity_normalised",
        f"{words.percentage}_percentage",
        "grey_level_variance",
        f"{words.size}_variance",
        f"{words.entropy}_entropy",
    )
    return (*names, f"{words.size}_energy") if words is _DEPENDENCE else names


SIZE_FAMILIES = {family: _size_names(word) for family, word in _SIZE_WORDS.items()}
"""Feature names of the four size matrices, in the order of their formulas."""


def _sizes(family: str) -> dict[str, Feature]:
    thing, size = _SIZE_WORDS[family].thing, _SIZE_WORDS[family].size.replace("_", " ")
    texts = (
        ("1", f"mean of 1 / {size}²"),
        ("1", f"mean of {size}²"),
        ("level⁻²", "mean of 1 / level²"),
        ("level²", "mean of level²"),
        ("level⁻²", f"mean of 1 / (level · {size})²"),
        ("level²", f"mean of (level / {size})²"),
        ("level⁻²", f"mean of ({size} / level)²"),
        ("level²", f"mean of (level · {size})²"),
        ("1", "sum of squared counts by level, over all counts"),
        ("1", "the same over all counts squared"),
        ("1", f"sum of squared counts by {size}, over all counts"),
        ("1", "the same over all counts squared"),
        ("1", f"{thing}s over voxels"),
        ("level²", "variance of the level"),
        ("1", f"variance of the {size}"),
        ("bit", f"entropy of level and {size}"),
        ("1", f"sum of squared shares of level and {size}"),
    )
    codes = _SIZE_CODES[family].split()
    return {
        f"{family}_{name}": Feature(code, unit, f"{family.upper()}: {text}")
        for name, code, (unit, text) in zip(
            SIZE_FAMILIES[family], codes, texts, strict=False
        )
    }


_TONE = {
    "ngtdm_coarseness": Feature(
        "QCDE", "level⁻¹", "NGTDM: 1 / mean tone difference; at most 1e6"
    ),
    "ngtdm_contrast": Feature("65HE", "level³", "NGTDM: dynamic range times change"),
    "ngtdm_busyness": Feature("NQ30", "1", "NGTDM: rapid change between neighbours"),
    "ngtdm_complexity": Feature("HDEZ", "level²", "NGTDM: many sharp primitives"),
    "ngtdm_strength": Feature("1X9X", "level", "NGTDM: distinct, coarse primitives"),
}

_LOCAL = {
    "peak_local": Feature(
        "VJGA", "intensity", "Mean in 1 cm³ around the brightest voxel"
    ),
    "peak_global": Feature("0F91", "intensity", "Highest mean in 1 cm³ in the region"),
}

TEXTURE: dict[str, Feature] = (
    {
        f"glcm_{name}": Feature(code, unit, f"GLCM: {text}")
        for name, (code, unit, text) in _COOCCURRENCE.items()
    }
    | _sizes("glrlm")
    | _sizes("glszm")
    | _sizes("gldzm")
    | _TONE
    | _sizes("ngldm")
)
INTENSITY: dict[str, Feature] = _statistics() | _histogram() | _VOLUME_HISTOGRAM

SHAPE_VOLUME: dict[str, Feature] = {
    "morph_volume": Feature("RNU0", "mm³", "Volume of the surface mesh"),
    "morph_volume_counted": Feature("YEKZ", "mm³", "Voxels times voxel volume"),
    "morph_surface_area": Feature("C0JK", "mm²", "Area of the surface mesh"),
    "morph_surface_to_volume": Feature("2PR5", "mm⁻¹", "Surface over volume"),
    "morph_compactness_1": Feature("SKGS", "1", "V / (√π · A^1.5)"),
    "morph_compactness_2": Feature("BQWJ", "1", "36π V² / A³"),
    "morph_spherical_disproportion": Feature("KRCK", "1", "1 / sphericity"),
    "morph_sphericity": Feature("QCFX", "1", "Surface of an equal sphere over A"),
    "morph_asphericity": Feature("25C7", "1", "Spherical disproportion minus 1"),
    "morph_centre_shift": Feature(
        "KLMA", "mm", "Centre of the voxels to centre of their intensity"
    ),
    "morph_maximum_diameter": Feature("L0JK", "mm", "Largest distance in the mesh"),
    "morph_major_axis": Feature("TDIC", "mm", "4 √λ of the largest component"),
    "morph_minor_axis": Feature("P9VJ", "mm", "4 √λ of the second component"),
    "morph_least_axis": Feature("7J51", "mm", "4 √λ of the smallest component"),
    "morph_elongation": Feature("Q3CK", "1", "Minor over major axis"),
    "morph_flatness": Feature("N17B", "1", "Least over major axis"),
    "morph_volume_density_box": Feature("PBX1", "1", "Volume over bounding box"),
    "morph_area_density_box": Feature("R59B", "1", "Surface over that of the box"),
    "morph_volume_density_ellipsoid": Feature(
        "6BDE", "1", "Volume over that of the ellipsoid of the axes"
    ),
    "morph_area_density_ellipsoid": Feature(
        "RDD2", "1", "Surface over that of this ellipsoid"
    ),
    "morph_volume_density_hull": Feature("R3ER", "1", "Volume over convex hull"),
    "morph_area_density_hull": Feature("7T7F", "1", "Surface over convex hull"),
    "morph_integrated_intensity": Feature(
        "99N0", "intensity·mm³", "Mean intensity times volume"
    ),
    "morph_moran": Feature("N365", "1", "Moran's I, weights 1 / distance"),
    "morph_geary": Feature("NPT7", "1", "Geary's C, weights 1 / distance"),
}

VOLUME_FEATURES: dict[str, Feature] = SHAPE_VOLUME | _LOCAL | INTENSITY | TEXTURE
"""Name → meaning of everything `measure_volume` gives."""
