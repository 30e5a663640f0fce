"""Small files that are uploaded in the tests, with contents known by hand."""

from __future__ import annotations

import gzip
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.serve.receive.wrap import Details, Wrapping, begin_dataset, to_part10

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def nifti(
    array: NDArray[Any],
    affine: NDArray[np.float64] | None,
    *,
    slope: float | None = None,
    intercept: float = 0.0,
    packed: bool = False,
) -> bytes:
    """A NIfTI-1 file written by nibabel; `array` is (i, j, k[, t]) as stored."""
    import nibabel

    image = nibabel.Nifti1Image(array, affine)
    if affine is None:
        image.header["pixdim"][1:4] = 0
    data = image.to_bytes()
    if slope is not None:
        data = data[:112] + struct.pack("<2f", slope, intercept) + data[120:]
    return gzip.compress(data, 1) if packed else data


def picture(array: NDArray[Any], suffix: str = ".png") -> bytes:
    """(H, W) or (H, W, 3) R, G, B as an encoded picture."""
    flipped = array[..., ::-1] if array.ndim == 3 else array
    done, data = cv2.imencode(suffix, flipped)
    assert done
    return bytes(data)


def dicom(number: int = 1, *, text: str = "one", rows: int = 4, **more: Any) -> bytes:
    """A small MR instance; equal arguments give equal bytes."""
    wrapping = Wrapping(f"{text}", Details(patient_id="P1", study=text))
    data = begin_dataset(
        wrapping,
        sop_class="1.2.840.10008.5.1.4.1.1.4",
        series=0,
        instance=number,
        modality="MR",
    )
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = rows, 4
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    pixels = np.arange(rows * 4, dtype="<u2") + number
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OW"
    for keyword, value in more.items():
        setattr(data, keyword, value)
    return to_part10(data)


def archive(entries: dict[str, bytes]) -> bytes:
    """A deflated ZIP archive."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in entries.items():
            packed.writestr(name, data)
    return out.getvalue()


def put(folder: Path, data: bytes, name: str = "file") -> Path:
    """Write bytes into a folder."""
    path = folder / name
    path.write_bytes(data)
    return path
