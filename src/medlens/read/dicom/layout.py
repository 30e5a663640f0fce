"""The Image Pixel module as checked numbers (PS3.3 C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass

from medlens.core import ReadError
from medlens.read import limits
from medlens.read.dicom.header import DicomHeader
from medlens.read.dicom.numbers import number, text, whole

GREY = ("MONOCHROME1", "MONOCHROME2")
_SAMPLES = {"MONOCHROME1": 1, "MONOCHROME2": 1, "PALETTE COLOR": 1}
COLOUR = (
    "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420",
    "YBR_ICT", "YBR_RCT",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How the pixels of one frame are stored.

    Attributes:
        rows, columns, frames: sizes.
        samples: per pixel, 1 or 3.
        photometric: Photometric Interpretation.
        bits_allocated, bits_stored, high_bit: as in the header; for floating
            point pixels all follow from the element.
        signed: Pixel Representation is 1.
        planar: Planar Configuration is 1 (RRR…GGG…BBB…).
        is_float: Float or Double Float Pixel Data.
        little_endian: order of native pixels.
        syntax: Transfer Syntax UID.
    """

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: bool
    is_float: bool
    little_endian: bool
    syntax: str

    @property
    def is_subsampled(self) -> bool:
        """Chroma of native pixels is shared by pairs of columns (C.7.6.3.1.2)."""
        return self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame."""
        samples = 2 if self.samples == 3 and self.is_subsampled else self.samples
        return self.rows * self.columns * samples * self.bits_allocated


def read_layout(header: DicomHeader, case: str) -> Layout:
    """The layout, with every number checked against the standard.

    Raises:
        ReadError: a value is missing, contradicts another, or is too large.
    """
    data = header.data
    is_float = header.keyword != "PixelData"
    rows, columns = _wanted(data, "Rows", case), _wanted(data, "Columns", case)
    photometric = text(data, "PhotometricInterpretation") or "MONOCHROME2"
    samples = _read_samples(header, photometric, case)
    frames = _read_frames(header, case)
    allocated = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(
        header.keyword
    ) or _wanted(data, "BitsAllocated", case)
    stored = allocated if is_float else _wanted(data, "BitsStored", case, allocated)
    high = whole(data, "HighBit", stored - 1)
    high = stored - 1 if is_float or high is None else high
    if not is_float and (
        allocated not in (1, 8, 16, 32) or not 1 <= stored <= allocated
    ):
        raise ReadError(
            f"{case}: Bits Allocated (0028,0100) is {allocated} and Bits Stored "
            f"(0028,0101) {stored}; wanted 1, 8, 16 or 32 with no more bits stored"
        )
    if not stored - 1 <= high < allocated:
        high = stored - 1
    limits.check_size(
        case,
        rows=rows,
        columns=columns,
        bytes_per_pixel=samples * max(1, allocated // 8),
    )
    full = rows * columns * samples * frames * allocated // 8
    if photometric == "YBR_FULL_422" and header.length in (full, full + full % 2):
        # Decompressed and not renamed: every pixel has chroma of its own.
        photometric = "YBR_FULL"
    return Layout(
        rows, columns, frames, samples, photometric, allocated,
        stored, high, whole(data, "PixelRepresentation", 0) == 1,
        whole(data, "PlanarConfiguration", 0) == 1, is_float,
        header.little_endian, header.transfer_syntax,
    )  # fmt: skip


_TAGS = {
    "Rows": "(0028,0010)",
    "Columns": "(0028,0011)",
    "BitsAllocated": "(0028,0100)",
    "BitsStored": "(0028,0101)",
    "SamplesPerPixel": "(0028,0002)",
    "NumberOfFrames": "(0028,0008)",
}


def _wanted(data: object, keyword: str, case: str, default: int | None = None) -> int:
    """A whole number of 1 or above."""
    value = whole(data, keyword, default)
    if value is None or value < 1:
        found = "missing" if keyword not in data else "no number above 0"  # type: ignore[operator]
        raise ReadError(
            f"{case}: {keyword} {_TAGS[keyword]} is {found}; wanted a whole number "
            "of 1 or above; the DICOM file is damaged"
        )
    return value


def _read_samples(header: DicomHeader, photometric: str, case: str) -> int:
    if photometric not in (*_SAMPLES, *COLOUR):
        raise ReadError(
            f"{case}: Photometric Interpretation (0028,0004) "
            f"'{photometric[:16]}' is not read; wanted one of "
            f"{', '.join((*_SAMPLES, *COLOUR))}"
        )
    expected = _SAMPLES.get(photometric, 3)
    samples = _wanted(header.data, "SamplesPerPixel", case, expected)
    if samples != expected:
        raise ReadError(
            f"{case}: Samples per Pixel (0028,0002) is {samples}, but Photometric "
            f"Interpretation {photometric} has {expected}; the header is wrong"
        )
    return samples


def _read_frames(header: DicomHeader, case: str) -> int:
    frames = 1
    if number(header.data, "NumberOfFrames") is not None:
        frames = whole(header.data, "NumberOfFrames", 1) or 1
    # Each encapsulated frame needs an item of at least 8 bytes.
    most = max(1, header.size // 8) if header.length is None else header.length * 8
    if not 1 <= frames <= min(max(1, most), limits.MAX_MEMBERS):
        raise ReadError(
            f"{case}: Number of Frames (0028,0008) is {frames}, which {header.size:,} "
            "bytes cannot hold; the DICOM file is damaged"
        )
    return frames
