"""Evidence and masks of a result as pictures that a page lays over its images.

One archive beside the DICOM objects of a result holds `maps.json` and a PNG for each
slice. It is made slice by slice: a volume's mask or map need not lie in memory.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, release
from medlens.core.diagnosis import Assessment, Evidence
from medlens.predict.diagnose import RESAMPLED
from medlens.serve.work.look import Looked

ZIP = "application/zip"
SCHEMA = "medlens/maps/1"
INDEX = "maps.json"
LARGEST_SIDE = 256
"""Pixels of a map's longer side; the map that a network gives is far coarser."""
MOST_BYTES = 64 << 20
"""Of one archive; beyond it maps are left out, those of absent findings first."""
_TIME = (1980, 1, 1, 0, 0, 0)  # the same answer has the same bytes
_HELD = 64  # small slices that are kept between two passes over a map
_RELEASED_EVERY = 32  # slices of a mapped array


@dataclass(frozen=True)
class EvidenceMap:
    """What speaks for a finding.

    Attributes:
        assessment: index among the diagnosis' assessments.
        finding: its `id`.
        slices: indices among the assessment's images that have a picture.
        grid: rows and columns at which it was computed, where that is coarser than the
            image since the source is large; else None.
    """

    assessment: int
    finding: str
    slices: tuple[int, ...]
    grid: tuple[int, int] | None = None


@dataclass(frozen=True)
class MaskMap:
    """A mask.

    Attributes:
        assessment: as above.
        labels: what the values of its pixels mean, the background first.
        slices: as above.
    """

    assessment: int
    labels: tuple[str, ...]
    slices: tuple[int, ...]


@dataclass(frozen=True)
class Maps:
    """What an archive holds.

    Attributes:
        evidence: 8-bit grey, 0 for no support or support against, 255 for the strongest
            support of the finding anywhere; edge to edge of the image, smaller.
        masks: 8-bit, index of `labels`, at the image's size.
    """

    evidence: tuple[EvidenceMap, ...] = ()
    masks: tuple[MaskMap, ...] = ()


def pack_maps(looked: Sequence[Looked]) -> bytes | None:
    """An archive of all maps and masks; None where there is none.

    Left out are slices without support or without a label, and series that were
    interpolated, whose slices are no image's.

    Args:
        looked: in the order of the diagnosis' assessments.
    """
    packing = _Packing()
    for at, item in enumerate(looked):
        if item.assessment.status == "assessed":
            packing.add_mask(at, item.assessment, item.evidence)
    for at, item in enumerate(looked):
        if item.assessment.status == "assessed":
            packing.add_evidence(at, item.assessment, item.evidence)
    return packing.finish()


def read_maps(path: Path) -> Maps:
    """What an archive of ours holds."""
    with zipfile.ZipFile(path) as archive:
        said = json.loads(archive.read(INDEX))
    return Maps(
        tuple(
            EvidenceMap(
                each["assessment"],
                each["finding"],
                tuple(each["slices"]),
                _grid_of(each.get("grid")),
            )
            for each in said["evidence"]
        ),
        tuple(
            MaskMap(each["assessment"], tuple(each["labels"]), tuple(each["slices"]))
            for each in said["masks"]
        ),
    )


def _grid_of(said: list[int] | None) -> tuple[int, int] | None:
    """None of archives that were made before there were coarser maps."""
    return None if said is None else (int(said[0]), int(said[1]))


def read_evidence(
    path: Path, *, assessment: int, finding: str, slice_index: int
) -> bytes | None:
    """The PNG of one slice of a finding's map, None where there is none."""
    for at, each in enumerate(read_maps(path).evidence):
        if (each.assessment, each.finding) == (assessment, finding):
            return _read(path, _evidence_name(at, slice_index), slice_index, each)
    return None


def read_mask(path: Path, *, assessment: int, slice_index: int) -> bytes | None:
    """The PNG of one slice of a mask, None where there is none."""
    for at, each in enumerate(read_maps(path).masks):
        if each.assessment == assessment:
            return _read(path, _mask_name(at, slice_index), slice_index, each)
    return None


def _read(
    path: Path, name: str, slice_index: int, found: EvidenceMap | MaskMap
) -> bytes | None:
    if slice_index not in found.slices:
        return None
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def _evidence_name(at: int, slice_index: int) -> str:
    return f"evidence/{at}/{slice_index}.png"


def _mask_name(at: int, slice_index: int) -> str:
    return f"masks/{at}/{slice_index}.png"


@dataclass
class _Packing:
    evidence: list[EvidenceMap] = field(default_factory=list)
    masks: list[MaskMap] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._file = io.BytesIO()
        # PNG is packed already.
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)

    def add_mask(self, at: int, assessment: Assessment, evidence: Evidence) -> None:
        """The mask of an assessment, if it drew one."""
        mask = evidence.mask
        if mask is None or not _is_on_images(assessment, 0, len(mask)):
            return
        number = len(self.masks)
        held = []
        for d, plane in enumerate(_planes(mask)):
            if plane.any():
                self._write(_mask_name(number, d), plane.astype(np.uint8, copy=False))
                held.append(d)
        if held:
            self.masks.append(MaskMap(at, tuple(evidence.labels), tuple(held)))

    def add_evidence(self, at: int, assessment: Assessment, evidence: Evidence) -> None:
        """A map for each finding that has one, the present ones first."""
        for finding in assessment.findings:
            found = evidence.maps.get(finding.id)
            first = evidence.first_slice
            is_placed = found is not None and _is_on_images(
                assessment, first, len(found)
            )
            if found is None or not is_placed or self._file.tell() > MOST_BYTES:
                continue
            number = len(self.evidence)
            held = []
            for d, plane in _grey(found):
                self._write(_evidence_name(number, first + d), plane)
                held.append(first + d)
            if held:
                self.evidence.append(
                    EvidenceMap(at, finding.id, tuple(held), evidence.grid)
                )

    def finish(self) -> bytes | None:
        """The archive."""
        if not self.evidence and not self.masks:
            return None
        said: dict[str, Any] = {"schema": SCHEMA} | asdict(
            Maps(tuple(self.evidence), tuple(self.masks))
        )
        self._add(INDEX, json.dumps(said).encode())
        self._zip.close()
        return self._file.getvalue()

    def _write(self, name: str, plane: NDArray[np.uint8]) -> None:
        is_done, packed = cv2.imencode(".png", plane, [cv2.IMWRITE_PNG_COMPRESSION, 4])
        assert is_done
        self._add(name, packed.tobytes())

    def _add(self, name: str, data: bytes) -> None:
        entry = zipfile.ZipInfo(name, _TIME)
        entry.external_attr = 0o600 << 16
        self._zip.writestr(entry, data)


def _is_on_images(assessment: Assessment, first: int, depth: int) -> bool:
    """Whether each slice is one of the assessment's images."""
    return (
        RESAMPLED not in assessment.notes
        and first >= 0
        and first + depth <= len(assessment.images)
    )


def _planes(array: Array) -> Iterator[Array]:
    for d in range(len(array)):
        yield np.asarray(array[d])
        if d % _RELEASED_EVERY == _RELEASED_EVERY - 1:
            release(array)


def _grey(found: Array) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Slices with support, of a map (D, H, W) in logit units."""
    smalls: Iterable[NDArray[np.float32]] = map(_small, _planes(found))
    if len(found) <= _HELD:
        smalls = list(smalls)
    top = max((float(plane.max()) for plane in smalls), default=0.0)
    if not top > 0:
        return
    if len(found) > _HELD:
        smalls = map(_small, _planes(found))
    for d, plane in enumerate(smalls):
        grey = np.rint(plane * (255.0 / top)).astype(np.uint8)
        if grey.any():
            yield d, grey


def _small(plane: Array) -> NDArray[np.float32]:
    """Support with its longer side at most `LARGEST_SIDE`.

    Shrunk first: what speaks against a finding next to what speaks for it weighs in.
    """
    values = np.asarray(plane, dtype=np.float32)
    rows, columns = values.shape
    share = LARGEST_SIDE / max(rows, columns)
    if share < 1:
        size = max(1, round(columns * share)), max(1, round(rows * share))
        values = np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))
    return np.nan_to_num(np.maximum(values, 0), posinf=0.0)
