"""Headers of DICOM, NIfTI and TIFF files: who, how many images, which kind."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medlens.core.quiet import quiet
from medlens.datasets.drafts import Draft, Entry, count_of
from medlens.datasets.manifest import Problem, ProblemKind
from medlens.datasets.walk import Tree, suffix_of
from medlens.read.sniff import describe, sniff

MAX_FRAMES = 10_000
_MAX_INFLATED = 256 * 2**20
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_UIDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
# Kept for subgroup tables; none of them names a person.
_FACTS = ("Modality", "Manufacturer", "ViewPosition", "BodyPartExamined", "PatientSex")
_TAGS = [
    *_UIDS,
    *_FACTS,
    "PatientID",
    "IssuerOfPatientID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SOPClassUID",
]
# PS3.4 B.5: storage classes whose pixels are no picture of a patient.
_NO_PICTURE = ("1.2.840.10008.5.1.4.1.1.66.", "1.2.840.10008.5.1.4.1.1.481.")


@dataclass(frozen=True, slots=True)
class Header:
    """What a data set needs from a DICOM header.

    Attributes:
        ids: DICOM keyword in lower case → value, for joining rows and grouping
            patients; never shown.
        frames: images in the file; 0 for an object that holds no picture.
        facts: technical values for subgroup tables.
    """

    ids: dict[str, str] = field(repr=False)
    frames: int
    facts: dict[str, str]


class HeaderError(Exception):
    """A header cannot be read; the text says why, without naming the file."""


def read_dicom_header(path: Path) -> Header | None:
    """Read the few tags that grouping needs, no pixels.

    Returns:
        The header, or None for an image of another kind under a DICOM name.

    Raises:
        HeaderError: no image, damaged, or larger than the limits.
    """
    import pydicom

    try:
        # pydicom quotes values of the header in what it warns and logs.
        with path.open("rb") as file, quiet():
            head = file.read(4096)
            kind = sniff(head)
            if not kind:
                raise HeaderError(f"is {describe(head)}; wanted DICOM")
            if kind != "dicom":
                return None
            # `force` reads files without a preamble, which `sniff` knows too.
            source = _bounded(file, head)
            header = pydicom.dcmread(
                source, stop_before_pixels=True, specific_tags=_TAGS, force=True
            )
            return _to_header(header)
    except HeaderError:
        raise
    except RecursionError:
        raise HeaderError("DICOM sequences are nested too deeply") from None
    except OSError as error:
        raise HeaderError(f"file cannot be opened ({error.strerror})") from None
    except Exception as error:  # pydicom raises whatever a bad value leads to
        raise HeaderError(
            f"DICOM header cannot be read ({type(error).__name__})"
        ) from None


def _bounded(file: Any, head: bytes) -> Any:
    """The file itself, once a deflated data set is known to stay in bounds."""
    file.seek(0)
    if _DEFLATED not in head:
        return file
    content = file.read()
    start = _meta_length(content)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    size = len(inflate.decompress(content[start:], _MAX_INFLATED))
    if size >= _MAX_INFLATED:
        raise HeaderError(f"inflates to more than {_MAX_INFLATED // 2**20} MB")
    return io.BytesIO(content)


def _meta_length(content: bytes) -> int:
    # PS3.10 7.1: (0002,0000) UL right after DICM gives the bytes that follow.
    if content[132:136] != b"\x02\x00\x00\x00":
        raise HeaderError("deflated DICOM without a group length")
    return 144 + int.from_bytes(content[140:144], "little")


def _to_header(header: Any) -> Header:
    ids = {}
    for keyword in (*_UIDS, "PatientID"):
        ids[keyword.lower()] = str(header.get(keyword) or "").strip()
    issuer = str(header.get("IssuerOfPatientID") or "").strip()
    if issuer and ids["patientid"]:
        ids["issuer"] = issuer
    sop_class = str(header.get("SOPClassUID") or "")
    facts = {}
    for keyword in _FACTS:
        text = str(header.get(keyword) or "").strip()
        if text and text.isprintable():
            facts[keyword] = text[:64]
    frames = int(header.get("NumberOfFrames") or 1)
    if not 1 <= frames <= MAX_FRAMES:
        raise HeaderError(f"header announces {frames:,} frames; at most {MAX_FRAMES:,}")
    has_pixels = "Rows" in header and "Columns" in header
    if not has_pixels or sop_class.startswith(_NO_PICTURE):
        frames = 0
    return Header(ids, frames, facts)


class Patients:
    """Local patient keys that do not give the patient away.

    A key is "patient-" and 8 hex digits of a keyed digest. The digest's key is
    made of all instance UIDs of the data set: the same data give the same
    keys, and whoever has only the keys cannot try out patient numbers.
    """

    def __init__(self, headers: dict[str, Header]) -> None:
        salt = hashlib.blake2b(b"medlens patients", digest_size=32)
        for uid in sorted(h.ids["sopinstanceuid"] for h in headers.values()):
            salt.update(uid.encode())
        self._salt = salt.digest()

    def key_of(self, header: Header) -> str:
        """Key of the patient; of the study where the patient has no number."""
        number = header.ids["patientid"]
        name = f"{header.ids.get('issuer', '')}\n{number}"
        if not number:
            study = header.ids["studyinstanceuid"]
            if not study:
                return ""
            name = f"study\n{study}"
        digest = hashlib.blake2b(name.encode(), key=self._salt, digest_size=4)
        return f"patient-{digest.hexdigest()}"


def read_headers(tree: Tree, files: list[str], draft: Draft) -> dict[str, Header]:
    """Headers of the DICOM files among some; the unreadable go to problems."""
    headers: dict[str, Header] = {}
    for name in files:
        if not tree.is_dicom(name):
            continue
        try:
            header = read_dicom_header(tree.root / name)
        except HeaderError as error:
            draft.problems.append(Problem(name, str(error), "unreadable"))
            continue
        if header is None:
            continue
        headers[name] = header
        if header.frames == 0:
            reason = "DICOM object without a picture (report, segmentation, plan, …)"
            draft.problems.append(Problem(name, reason, "not_an_image"))
    return headers


def apply_headers(
    draft: Draft,
    tree: Tree,
    headers: dict[str, Header] | None,
    *,
    takes_volumes: bool = False,
) -> None:
    """Add patients and facts from headers, and part files that hold several images.

    Entries whose file has no picture, cannot be read, or is a volume (unless
    `takes_volumes`) leave the draft for its problems.
    """
    known = headers
    if known is None:
        files = dict.fromkeys(entry.file for entry in draft.entries)
        known = read_headers(tree, list(files), draft)
    lost = {problem.case for problem in draft.problems}
    patients = Patients(known)
    kept: list[Entry] = []
    parted = 0
    sources: Counter[str] = Counter()
    for entry in draft.entries:
        if entry.file in lost:
            continue
        header = known.get(entry.file)
        if header is not None:
            sources[_add_facts(entry, header, patients)] += 1
        if header is None and takes_volumes and tree.is_nifti(entry.file):
            members = _nifti_volumes(entry, tree.root / entry.file, draft.problems)
        else:
            members = _members(entry, tree, header, draft.problems)
        parted += len(members) > 1
        kept.extend(_with_member(entry, member) for member in members)
    draft.entries = kept
    if parted:
        draft.notes.append(
            f"{count_of(parted, 'file')} with several frames: each frame is a case, "
            "frames of one file stay in one split"
        )
    draft.notes += _tell_patients(sources)


def _tell_patients(sources: Counter[str]) -> list[str]:
    """Notes on where patients come from, by the number of entries of each source."""
    notes = []
    if sources["number"]:
        notes.append(
            "patients by the PatientID of the DICOM headers, stored as a digest"
        )
    if sources["study"]:
        notes.append(
            f"{count_of(sources['study'], 'DICOM file')} without PatientID: each study "
            "counts as a patient; name patients in a CSV if one has several studies"
        )
    if sources["none"]:
        notes.append(
            f"{count_of(sources['none'], 'DICOM file')} without PatientID and "
            "StudyInstanceUID: their patients are unknown; name them in a CSV"
        )
    return notes


def _add_facts(entry: Entry, header: Header, patients: Patients) -> str:
    """Columns and patient of an entry; what of the header named the patient.

    Returns:
        "number", "study" or "none"; "given" where the patient was known before.
    """
    number = header.ids["patientid"]
    # A patient column that repeats the header's number says nothing new and
    # would show it in clear; a different one is the user's own grouping.
    is_new = not entry.patient or entry.patient == number
    if is_new:
        entry.patient = patients.key_of(header)
    for keyword, text in header.facts.items():
        entry.columns.setdefault(keyword, text)
    if not is_new:
        return "given"
    if number:
        return "number"
    return "study" if entry.patient else "none"


def _members(
    entry: Entry, tree: Tree, header: Header | None, problems: list[Problem]
) -> list[str]:
    """Images in the file of an entry: [""] for one, none when unusable."""
    if entry.member:
        return [entry.member]
    if header is not None:
        frames = header.frames
        return [""] if frames == 1 else [f"frame:{at}" for at in range(frames)]
    if tree.is_nifti(entry.file):
        return _nifti_members(entry, tree.root / entry.file, problems)
    if suffix_of(entry.file) in (".tif", ".tiff"):
        return _tiff_members(tree.root / entry.file)
    return [""]


def _tiff_members(path: Path) -> list[str]:
    from medlens.core import ReadError
    from medlens.read import list_members

    try:
        return list_members(path)[:MAX_FRAMES]
    except ReadError:
        return [""]  # The audit reads every pixel and says what is wrong.


def _nifti_members(entry: Entry, path: Path, problems: list[Problem]) -> list[str]:
    """[""] for a single slice; a volume or a broken header is a problem."""
    from medlens.core import ReadError
    from medlens.read.nifti import read_grid
    from medlens.read.source import open_source

    kind: ProblemKind = "unreadable"
    try:
        source = open_source(path, entry.key)
        if source.kind != "nifti":  # a picture under a wrong name
            return [""]
        volumes, depth, rows, columns = read_grid(source)
        if volumes == depth == 1:
            return [""]
        kind = "volume"
        many = f"{volumes:,} volumes" if volumes > 1 else "a volume"
        size = f"{columns} × {rows} × {depth}"
        reason = f"is {many} of {size} voxels; wanted a single slice"
    except ReadError as error:
        reason = str(error).removeprefix(f"{entry.key}: ")
    problems.append(Problem(entry.key, reason, kind))
    return []


def _nifti_volumes(entry: Entry, path: Path, problems: list[Problem]) -> list[str]:
    """Members of a NIfTI file, each a volume; [] with a problem where it is broken."""
    from medlens.core import ReadError
    from medlens.read import list_members

    try:
        return list_members(path)[:MAX_FRAMES]
    except ReadError as error:
        reason = str(error).removeprefix(f"{path.name}: ")
        problems.append(Problem(entry.key, reason, "unreadable"))
        return []


def _with_member(entry: Entry, member: str) -> Entry:
    if not member or member == entry.member:
        return entry
    return Entry(
        f"{entry.key}#{member}",
        entry.file,
        entry.values,
        member,
        entry.patient,
        entry.site,
        entry.split,
        dict(entry.columns),
        entry.mask,
    )
