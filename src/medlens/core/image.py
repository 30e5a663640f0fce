"""The image that every room hands to the next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from numpy.typing import NDArray

from medlens.core.geometry import Geometry

Array = NDArray[Any]
Stage = Literal["stored", "rescaled", "windowed"]
"""stored values → rescaled values (HU for CT) → windowed values (0..1)."""


@dataclass(frozen=True)
class Voi:
    """How the file asks for its values to be shown (DICOM PS3.3 C.11.2).

    Either a window (`center`, `width`, `function`) or a table: `lut` holds the
    output for input values `lut_first`, `lut_first` + 1, …, scaled to 0..1.
    Values are in the unit of `Image.array`, after any MONOCHROME1 inversion.
    """

    center: float = 0.0
    width: float = 0.0
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"] = "LINEAR"
    lut: Array | None = None
    lut_first: float = 0.0


@dataclass(frozen=True)
class Provenance:
    """Where an image came from. `uids` never appear in messages or repr.

    Attributes:
        case: local key; the only name of an image that a message may carry.
        format: "dicom", "nifti", "png", "jpeg", "tiff", "npz", …
        uids: DICOM keyword → UID, for writers of results.
        facts: technical header values that an audit may look at (Manufacturer,
            PhotometricInterpretation, TransferSyntaxUID, BitsStored,
            ViewPosition, BodyPartExamined, Laterality, …); nothing that names
            a person.
    """

    case: str = ""
    format: str = ""
    uids: dict[str, str] = field(default_factory=dict, repr=False)
    facts: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Image:
    """Pixels with their place in the patient; knows nothing of files.

    Attributes:
        array: (C, D, H, W); a radiograph has D = 1; C is 1 (grey) or 3 (RGB).
            Larger is brighter: MONOCHROME1 is already inverted.
        geometry: index (d, h, w) → patient mm.
        modality: DICOM Modality ("CT", "MR", "DX", "US", …) or "" if unknown.
        stage: what the values are; see `Stage`.
        bits_stored: significant bits of the stored values (8, 12, 16, …).
        voi: how the file wants to be shown, or None.
        valid_min, valid_max: range that stored values could take, in the unit
            of `array`; used where no VOI is given. None for floating point.
        provenance: where it came from.
    """

    array: Array
    geometry: Geometry
    modality: str = ""
    stage: Stage = "stored"
    bits_stored: int = 8
    voi: Voi | None = None
    valid_min: float | None = None
    valid_max: float | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        if self.array.ndim != 4:
            raise ValueError(
                f"Image.array has {self.array.ndim} axes; wanted 4: (C, D, H, W)"
            )

    @property
    def case(self) -> str:
        """The local key, for messages."""
        return self.provenance.case or "image"

    @property
    def is_colour(self) -> bool:
        """True when there are three channels, in order R, G, B."""
        return bool(self.array.shape[0] == 3)

    def with_array(self, array: Array, **changes: Any) -> Image:
        """The same image with other pixels (and other fields, if named)."""
        return replace(self, array=array, **changes)
