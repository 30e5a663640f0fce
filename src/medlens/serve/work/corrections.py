"""What readers said of a result → the report of their corrections."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from medlens.core.diagnosis import Assessment, Diagnosis, Finding, ImageRef
from medlens.core.terms import Lang
from medlens.serve.monitor.feedback import (
    Word,
    is_present,
    last_words,
    read_words,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, users
from medlens.serve.work.inputs import Study
from medlens.serve.work.reader_objects import read_headers
from medlens.write.corrections import Said, to_corrections_report
from medlens.write.stamp import to_bytes

GUEST = "guest"


@dataclass(frozen=True)
class Corrections:
    """The last words on a result.

    Attributes:
        key: of their report: the same words have the same one.
        words: of each reader on each finding the last, in order.
        names: number of a reader → their name.
        masks: SOP Instance UID → digest of each segmentation that they name.
    """

    key: str
    words: tuple[Word, ...]
    names: Mapping[int | None, str] = field(repr=False)
    masks: Mapping[str, str] = field(repr=False)


def read_corrections(connection: sa.Connection, result: int) -> Corrections:
    """What counts of all that was said of a result; no words where nobody spoke."""
    words = tuple(last_words(read_words(connection, [result])))
    content = "\n".join(str(word.id) for word in words)
    digest = hashlib.sha256(content.encode()).hexdigest()
    readers = {word.reader for word in words if word.reader is not None}
    named = connection.execute(
        sa.select(users.c.id, users.c.name).where(users.c.id.in_(readers))
    )
    uids = {word.correction.mask for word in words} - {""}
    masks = connection.execute(
        sa.select(instances.c.sop_uid, instances.c.digest).where(
            instances.c.sop_uid.in_(uids)
        )
    )
    return Corrections(
        key=f"corrections:{result}:{digest}",
        words=words,
        names={None: GUEST, **{int(number): str(name) for number, name in named}},
        masks={str(uid): str(digest) for uid, digest in masks},
    )


def write_corrections(
    store: Store, study: Study, diagnosis: Diagnosis, found: Corrections, *, lang: Lang
) -> bytes:
    """The report as a file; the same words always give the same bytes.

    Raises:
        ReadError: an image that they speak of is not in the study any more.
        UsageError: nobody said anything.
    """
    said = [_said(store, diagnosis, found, word) for word in found.words]
    headers = read_headers(study, _images(diagnosis, said))
    newest = max((word.at for word in found.words), default=0.0)
    report = to_corrections_report(
        diagnosis,
        said,
        headers,
        key=found.key,
        lang=lang,
        when=datetime.fromtimestamp(newest, UTC),
    )
    return to_bytes(report)


def _images(diagnosis: Diagnosis, said: Sequence[Said]) -> Iterator[str]:
    """UIDs of the images that are spoken of."""
    for word in said:
        yield diagnosis.assessments[word.assessment].images[0].sop_instance_uid
        if word.image is not None:
            yield word.image.sop_instance_uid


def _said(store: Store, diagnosis: Diagnosis, found: Corrections, word: Word) -> Said:
    assessment = diagnosis.assessments[word.assessment]
    finding = next((f for f in assessment.findings if f.id == word.finding), None)
    box, image = _place(assessment, finding, word)
    return Said(
        assessment=word.assessment,
        finding=word.finding,
        verdict=word.verdict,
        label=word.correction.label or (finding.label if finding else ""),
        is_present=_is_there(finding, word),
        reader=found.names.get(word.reader, "") or "-",
        at=datetime.fromtimestamp(word.at, UTC),
        image=image,
        box=box,
        mask=_mask(store, found.masks.get(word.correction.mask, "")),
    )


def _is_there(finding: Finding | None, word: Word) -> bool:
    """Whether what the reader calls it is there."""
    if finding is None or word.verdict == "correct":
        return word.verdict != "reject"
    return is_present(finding, word)


def _place(
    assessment: Assessment, finding: Finding | None, word: Word
) -> tuple[tuple[float, float, float, float] | None, ImageRef | None]:
    """The reader's box and its image; an accepted finding has its own."""
    box, plane = word.correction.box, word.correction.image
    if plane is not None:
        named = [image for image in assessment.images if plane.is_of(image)]
        return box, (named[0] if named else None)
    if finding is None or (box is None and word.verdict != "accept"):
        return None, None
    return box or finding.place.box, finding.place.image


def _mask(store: Store, digest: str) -> Any:
    """A segmentation without its pixels; None where there is none."""
    if not digest:
        return None
    from pydicom import dcmread

    return dcmread(io.BytesIO(store.blobs.read(digest)), stop_before_pixels=True)
