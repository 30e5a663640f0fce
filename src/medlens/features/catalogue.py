"""The whole IBSI catalogue through mirp, an optional extra (EUPL-1.2).

`measure` and `measure_volume` need no extra and cover one way of each feature.
mirp, by the author of the IBSI reference values, knows every aggregation,
filter and perturbation; it is slower and licensed differently, so it is imported
only here, only when called.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medlens.core import Array, MissingExtraError, PrepError
from medlens.features.region import check_spacing

_DESCRIBING = ("image_", "sample_")
"""Columns of mirp that say where an image came from, not what it measures."""


def full_catalogue(
    array: Array,
    mask: Array,
    spacing: tuple[float, ...],
    *,
    bins: int = 32,
    bin_width: float | None = None,
    lower: float | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Every IBSI feature that mirp computes, under mirp's own column names.

    Directions are merged within a plane for (H, W), in space for (D, H, W), as
    in `measure` and `measure_volume`; no resampling.

    Args:
        array: (H, W) or (D, H, W), grey, finite.
        mask: same shape; nonzero counts.
        spacing: mm for each axis of array.
        bins: grey levels (fixed bin number), when bin_width is None.
        bin_width: width of a grey level (fixed bin size).
        lower: where level 1 starts for a fixed bin size; default the minimum
            inside the mask. Lower values are left out, as mirp re-segments.
        settings: further arguments of `mirp.extract_features`; they win.

    Returns:
        mirp's column name → value; NaN where mirp finds a feature undefined.

    Raises:
        MissingExtraError: mirp is not installed.
        PrepError: shapes do not fit, the mask is empty, or mirp gives no row.
        UsageError: spacing is out of range.
    """
    try:
        import mirp
    except ImportError as error:
        raise MissingExtraError("the full IBSI catalogue", "ibsi") from error

    values, inside = _check_arrays(array, mask)
    mm = check_spacing(spacing, values.ndim)
    options = _list_options(values.ndim)
    if bin_width is None:
        options["base_discretisation_method"] = "fixed_bin_number"
        options["base_discretisation_n_bins"] = bins
    else:
        start = float(values[inside].min()) if lower is None else lower
        options["base_discretisation_method"] = "fixed_bin_size"
        options["base_discretisation_bin_width"] = bin_width
        options["resegmentation_intensity_range"] = [start, math.nan]
    with tempfile.TemporaryDirectory() as folder:
        # Arrays handed over directly have no spacing in mirp; files have.
        names = Path(folder, "image.nii"), Path(folder, "mask.nii")
        _write_nifti(values, mm, names[0])
        _write_nifti(inside.astype(np.uint8), mm, names[1])
        rows = mirp.extract_features(
            image=str(names[0]),
            mask=str(names[1]),
            num_cpus=1,
            **(options | dict(settings or {})),
        )
    if not rows or not len(rows[0]):
        raise PrepError("catalogue: mirp gave no features; is the mask too small?")
    return _read_row(rows[0].iloc[0].to_dict())


def _check_arrays(array: Array, mask: Array) -> tuple[Array, Array]:
    values, inside = np.asarray(array), np.asarray(mask) != 0
    if values.ndim not in (2, 3) or inside.shape != values.shape:
        raise PrepError(
            f"catalogue: array has shape {values.shape}, mask {inside.shape}; wanted "
            "(H, W) or (D, H, W), equal for both"
        )
    if not inside.any():
        raise PrepError("catalogue: mask is empty; nothing to measure")
    return values.astype(np.float32), inside


def _list_options(ndim: int) -> dict[str, Any]:
    """mirp's arguments for merged directions, in a plane or in space."""
    directional, whole = (
        ("2d_slice_merge", "2d") if ndim == 2 else ("3d_volume_merge", "3d")
    )
    options: dict[str, Any] = {
        f"{family}_spatial_method": directional for family in ("glcm", "glrlm")
    }
    for family in ("glszm", "gldzm", "ngtdm", "ngldm"):
        options[f"{family}_spatial_method"] = whole
    return options | {
        "base_feature_families": "all",
        "by_slice": ndim == 2,
        "no_approximation": True,
    }


def _write_nifti(array: Array, spacing: tuple[float, ...], path: Path) -> None:
    import nibabel

    volume = array if array.ndim == 3 else array[None]
    depth, height, width = (1.0, *spacing)[-3:]
    image = nibabel.Nifti1Image(
        np.ascontiguousarray(volume.transpose(2, 1, 0)),
        np.diag([width, height, depth, 1.0]),
    )
    nibabel.save(image, path)


def _read_row(row: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of a row; a value that is none becomes NaN."""
    found = {}
    for name, value in row.items():
        if name.startswith(_DESCRIBING):
            continue
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            found[name] = math.nan
    return found
