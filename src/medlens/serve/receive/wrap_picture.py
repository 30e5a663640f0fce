"""PNG, JPEG, TIFF, BMP and WebP pictures as Secondary Capture, upright."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from medlens.core import Array, Image
from medlens.read import list_members, open_image
from medlens.read.source import Source
from medlens.serve.receive.wrap import WrapError, Wrapping, begin_dataset
from medlens.serve.receive.wrap_values import choose_stored

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def wrap_picture(
    source: Source, wrapping: Wrapping, *, most_pages: int, most_bytes: int
) -> Iterator[Any]:
    """Data sets of all pages of a picture.

    Args:
        source: of kind "png", "jpeg", "tiff", "bmp" or "webp".
        wrapping: its names and details.
        most_pages, most_bytes: limits on what they become, all together.

    Raises:
        WrapError: larger than the limits.
        ReadError: it cannot be read.
    """
    members = list_members(source.path)
    if len(members) > most_pages:
        raise WrapError(
            f"{source.case}: {len(members):,} pages; the limit is {most_pages:,}; "
            "split the file"
        )
    total = 0
    for index, member in enumerate(members):
        image = open_image(source.path, member=member, case=source.case)
        total += image.array.nbytes
        if total > most_bytes:
            raise WrapError(
                f"{source.case}: its pixels are larger than {most_bytes >> 20:,} MiB; "
                "scale it down or split it"
            )
        yield _wrap_page(image, wrapping, index, source)


def _wrap_page(image: Image, wrapping: Wrapping, index: int, source: Source) -> Any:
    data = begin_dataset(
        wrapping,
        sop_class=SECONDARY_CAPTURE,
        series=0,
        instance=index,
        modality=wrapping.details.modality or "OT",
    )
    data.ImageType = ["DERIVED", "SECONDARY"]
    data.ConversionType, data.PatientOrientation = "WSD", ""
    data.DerivationDescription = f"converted from {source.kind.upper()} by medlens"
    if source.kind == "jpeg":
        data.LossyImageCompression = "01"
        data.LossyImageCompressionMethod = "ISO_10918_1"
        ratio = max(1.0, image.array.nbytes / max(1, source.size))
        data.LossyImageCompressionRatio = f"{ratio:.2f}"
    pixels = image.array[:, 0]
    _add_colour(data, pixels, image) if image.is_colour else _add_grey(
        data, pixels, image
    )
    return data


def _add_colour(data: Any, pixels: Array, image: Image) -> None:
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise WrapError(
            f"{image.case}: is a colour picture of type {pixels.dtype}; wanted 8 or 16 "
            "bits a sample; convert it"
        )
    data.SamplesPerPixel, data.PhotometricInterpretation = 3, "RGB"
    data.PlanarConfiguration = 0
    # (3, H, W) -> (H, W, 3)
    _put(data, np.moveaxis(pixels, 0, -1), image.bits_stored)


def _add_grey(data: Any, pixels: Array, image: Image) -> None:
    plane = pixels[0]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    if plane.dtype.kind in "iu" and plane.dtype.itemsize <= 2:
        _put(data, plane, image.bits_stored)
        return
    coding = choose_stored(lambda: (plane,))
    stored = np.frombuffer(coding.pack(plane), coding.dtype).reshape(plane.shape)
    _put(data, stored, 16)
    data.RescaleIntercept, data.RescaleSlope = coding.intercept, coding.slope
    data.RescaleType = "US"
    if coding.step:
        data.DerivationDescription += f"; values are right to {coding.step:.3g}"


def _put(data: Any, pixels: Array, bits_stored: int) -> None:
    allocated = pixels.dtype.itemsize * 8
    stored = min(max(bits_stored, 1), allocated)
    data.Rows, data.Columns = pixels.shape[:2]
    data.BitsAllocated, data.BitsStored, data.HighBit = allocated, stored, stored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    little = pixels.dtype.newbyteorder("<")
    data.PixelData = pixels.astype(little).tobytes()
    if len(data.PixelData) % 2:
        data.PixelData += b"\0"
    data["PixelData"].VR = "OB" if allocated == 8 else "OW"
