"""A mask as a NIfTI-1 file; the one place where LPS becomes RAS."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, Geometry, ResourceError, UsageError

LEVEL = 1
"""Of gzip: labels shrink a hundredfold as it is; higher levels take three times as
long for a tenth less."""

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# NIfTI's (i, j, k) is our (w, h, d): in memory both have W closest together.
_REVERSED = np.eye(4)[[2, 1, 0, 3]]
LONGEST_SIDE = 32767  # dim is int16
_SCANNER, _UNKNOWN = 1, 0  # sform_code, qform_code


def write_nifti(path: Path, mask: Array, geometry: Geometry) -> None:
    """Write labels where they lie in the patient, slice by slice.

    Args:
        path: of the file, ".nii.gz" or ".nii"; whole or not there.
        mask: (D, H, W) uint8; may be memory-mapped.
        geometry: of its grid. Without a physical size there is no affine in the
            file, as NIfTI foresees it (sform_code and qform_code 0).

    Raises:
        UsageError: another shape or dtype.
        ResourceError: the disk is full or cannot be written.
    """
    if mask.ndim != 3 or mask.dtype != np.uint8 or not mask.size:
        raise UsageError(
            f"{path.name}: the mask is {mask.dtype} of shape {mask.shape}; wanted "
            "uint8 (D, H, W)"
        )
    if max(mask.shape) > LONGEST_SIDE:
        raise UsageError(
            f"{path.name}: {max(mask.shape)} voxels along one side; NIfTI-1 holds "
            f"{LONGEST_SIDE}"
        )
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with _opened(unfinished, is_packed=path.suffix == ".gz") as file:
            file.write(_header(mask, geometry))
            for plane in mask:
                file.write(np.ascontiguousarray(plane).data)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ResourceError(
            f"{path.name}: cannot be written ({error.strerror}); free some disk space "
            "or choose another --out"
        ) from error


@contextmanager
def _opened(path: Path, *, is_packed: bool) -> Iterator[IO[bytes]]:
    with path.open("wb") as raw:
        if not is_packed:
            yield raw
            return
        # Without name and time, so that equal masks give equal files.
        with gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed:
            buffered = io.BufferedWriter(packed, 1 << 20)
            yield buffered
            buffered.flush()


def _header(mask: Array, geometry: Geometry) -> bytes:
    from nibabel.nifti1 import Nifti1Header

    header = Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(mask.shape[::-1])
    header.set_slope_inter(1, 0)
    header["vox_offset"] = 352
    affine: NDArray[np.float64] = _LPS_TO_RAS @ geometry.affine @ _REVERSED
    d, h, w = geometry.spacing
    header.set_zooms((w, h, d))
    if geometry.is_calibrated:
        header.set_xyzt_units("mm")
        header.set_sform(affine, _SCANNER)
        if _is_upright(affine):  # a quaternion holds no shear
            header.set_qform(affine, _SCANNER)
    else:
        header["pixdim"][1:4] = 0  # no size: 1 would be read as 1 mm
    return bytes(header.binaryblock) + b"\0\0\0\0"


def _is_upright(affine: NDArray[np.float64]) -> bool:
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() < 1e-5)
