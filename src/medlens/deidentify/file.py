"""A DICOM file without the patient's identity: the preamble and the head, too."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medlens.core import ReadError
from medlens.core.quiet import quiet
from medlens.deidentify.codestream import blank_items
from medlens.deidentify.dataset import IdentityError, deidentify_dataset
from medlens.deidentify.options import Keep
from medlens.deidentify.pixels import clean_pixels, has_hidden_overlay
from medlens.deidentify.risk import why_held
from medlens.deidentify.secret import Secret

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

IMPLEMENTATION_UID = "2.25.226817284962154374187240293713829263465"
IMPLEMENTATION_NAME = "MEDLENS"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
MAX_BYTES = 4 << 30


@dataclass(frozen=True)
class Freed:
    """One file, freed or held.

    Attributes:
        data: bytes of the new file, b"" where it is held.
        held: why a person must look first, or "".
        pseudonym, series_uid, sop_uid: of the new file, "" where it is held.
    """

    data: bytes = field(repr=False)
    held: str = ""
    pseudonym: str = ""
    series_uid: str = ""
    sop_uid: str = ""


def deidentify_file(
    raw: bytes,
    secret: Secret,
    *,
    case: str = "file",
    keep: Keep | None = None,
    allow_burned_in: bool = False,
) -> Freed:
    """The file with nothing left that could name the patient.

    Args:
        raw: a whole Part 10 file.
        secret: of the key.
        case: local key, for messages.
        keep: options of the profile.
        allow_burned_in: free files, too, that a person should look at first. Reports
            and documents stay held: their text is what they are.

    Raises:
        ReadError: it is no DICOM file, or is damaged.
        IdentityError: it cannot be looked through.
    """
    with quiet():
        return _free(raw, secret, case, keep, allow_burned_in)


def _free(
    raw: bytes, secret: Secret, case: str, keep: Keep | None, allow_burned_in: bool
) -> Freed:
    source = _read(raw, case)
    held = why_held(source)
    if held and (not allow_burned_in or _is_document(held)):
        return Freed(b"", held)
    try:
        clean = deidentify_dataset(source, secret, keep=keep)
        _blank_pixels(clean, source)
        data = _write(clean, source)
    except (IdentityError, ReadError) as error:
        raise type(error)(f"{case}: {error}") from None
    except Exception as error:  # a library's words may quote a value
        raise ReadError(
            f"{case}: cannot be written again ({type(error).__name__}); leave it out"
        ) from None
    return Freed(
        data,
        pseudonym=str(clean.get("PatientID") or ""),
        series_uid=str(clean.get("SeriesInstanceUID") or ""),
        sop_uid=str(clean.get("SOPInstanceUID") or ""),
    )


def _is_document(held: str) -> bool:
    return held.startswith(("holds a document", "is a report"))


def _read(raw: bytes, case: str) -> FileDataset:
    import pydicom

    if len(raw) > MAX_BYTES:
        raise ReadError(f"{case}: has {len(raw) >> 20} MB; wanted at most 4,096")
    try:
        # Files older than Part 10 have no preamble; reading starts right away.
        is_bare = raw[128:132] != b"DICM" and raw[:2] in (b"\x08\0", b"\x02\0")
        source = pydicom.dcmread(io.BytesIO(raw), force=is_bare)
        _name_syntax(source)
        source.SOPInstanceUID, source.SOPClassUID  # noqa: B018
    except AttributeError:
        raise ReadError(
            f"{case}: has no SOP class or instance UID; wanted a whole DICOM file"
        ) from None
    except (Exception, RecursionError) as error:
        raise ReadError(
            f"{case}: cannot be read as DICOM ({type(error).__name__}); leave it out"
        ) from None
    syntax = str(source.file_meta.TransferSyntaxUID)
    if syntax == DEFLATED and len(raw) > 64 << 20:
        raise ReadError(f"{case}: is deflated and large; wanted at most 64 MB")
    return source


def _name_syntax(source: FileDataset) -> None:
    """A file without a head is in the encoding that it was read in."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian
    from pydicom.uid import ImplicitVRLittleEndian as Implicit

    if getattr(source, "file_meta", None) is None:
        source.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in source.file_meta:
        is_implicit, is_little = source.original_encoding[:2]
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        source.file_meta.TransferSyntaxUID = Implicit if is_implicit else explicit


def _blank_pixels(clean: Dataset, source: FileDataset) -> None:
    """Comments of compressed frames go, and what native ones hide."""
    from pydicom.uid import UID

    syntax = UID(str(source.file_meta.TransferSyntaxUID))
    if not syntax.is_transfer_syntax:
        raise IdentityError("its transfer syntax is not known; convert it first")
    if "PixelData" not in clean or not syntax.is_encapsulated:
        clean_pixels(clean, is_little=source.original_encoding[1] is not False)
        return
    if has_hidden_overlay(source):
        raise IdentityError(
            "an overlay lies in unused bits of its compressed pixels, and may hold "
            "text; convert the file to uncompressed pixels first"
        )
    element = clean["PixelData"]
    element.value = blank_items(bytes(element.value or b""), is_rle=syntax == RLE)
    element.VR = "OB"
    element.is_undefined_length = True


def _write(clean: Dataset, source: FileDataset) -> bytes:
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset

    syntax = str(source.file_meta.TransferSyntaxUID)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = clean.SOPClassUID
    meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    meta.ImplementationClassUID = pydicom.uid.UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    file = FileDataset("", clean, preamble=bytes(128), file_meta=meta)
    # Native pixels were read in the source's byte order and stand in it.
    file.set_original_encoding(*source.original_encoding[:2])
    buffer: Any = io.BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return bytes(buffer.getvalue())
