"""The mask of an answer as its readers left it: accepted, drawn anew, added to.

A segmentation that a reader drew here holds one label and takes the place of that label
alone. One that was stored from elsewhere takes the place of the whole mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from medlens.core.diagnosis import Finding
from medlens.serve.monitor.feedback import ADDED, Word, added_label
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, reading_objects, result_objects
from medlens.serve.work.export_labels import Reviewed, UnclearError
from medlens.serve.work.export_masks import read_segmentation

Mask = NDArray[np.uint8]
GONE = "the segmentation is not in the store any more"
NOT_ACCEPTED = "readers did not accept the mask, and gave no other"


@dataclass(frozen=True)
class Drawn:
    """A mask that a reader gave.

    Attributes:
        word: that named it.
        is_own: drawn here, so that it holds one label.
    """

    word: Word
    is_own: bool


def reviewed_mask(store: Store, each: Reviewed, labels: Sequence[str]) -> Mask:
    """(D, H, W) indices of the bundle's labels, by the readers.

    Raises:
        UnclearError: they disagree, or do not say enough; says why.
    """
    given = _drawn(store, each)
    whole = [drawn for drawn in given if not drawn.is_own]

    def read(uid: str) -> Mask:
        return _read(store, each, labels, _digest_of(store, each, uid))

    if whole:
        mask = read(whole[-1].word.correction.mask)
        later = [d for d in given if d.is_own and d.word.id > whole[-1].word.id]
        return _paint(mask, later, each, labels, read)
    mask = _bundles_own(store, each, labels)
    for finding in each.assessment.findings:
        mask = _settle(mask, finding, each.words.get(finding.id, ()), labels)
    return _paint(mask, given, each, labels, read)


def _drawn(store: Store, each: Reviewed) -> list[Drawn]:
    """What readers gave, the oldest first; of what was added only what stands."""
    words = []
    for finding, said in each.words.items():
        if finding.startswith(ADDED):
            label = added_label(said)
            if label is None:
                raise UnclearError("readers disagree about a finding that was added")
            if label and not any(word.correction.mask for word in said):
                raise UnclearError("a finding was added without a mask")
            if not label:
                continue
        words += [word for word in said if word.correction.mask]
    uids = {word.correction.mask for word in words}
    query = sa.select(reading_objects.c.sop_uid).where(
        reading_objects.c.study_id == each.study_id,
        reading_objects.c.sop_uid.in_(uids),
    )
    with store.read() as connection:
        own = set(connection.execute(query).scalars())
    ordered = sorted(words, key=lambda word: word.id)
    return [Drawn(word, word.correction.mask in own) for word in ordered]


def _settle(
    mask: Mask, finding: Finding, said: Sequence[Word], labels: Sequence[str]
) -> Mask:
    """The bundle's own drawing of a label, as far as readers stand by it."""
    if not finding.is_present and not said:
        return mask
    verdicts = {word.verdict for word in said}
    if len(verdicts) > 1:
        raise UnclearError("readers disagree")
    if verdicts == {"correct"}:
        newest = max(said, key=lambda word: word.id).correction
        if newest.mask:
            return np.where(mask == labels.index(finding.label), 0, mask)
        if newest.label in labels:
            new = labels.index(newest.label)
            return np.where(mask == labels.index(finding.label), new, mask)
    if verdicts != {"accept"}:
        raise UnclearError(NOT_ACCEPTED)
    return mask


def _paint(
    mask: Mask,
    given: Sequence[Drawn],
    each: Reviewed,
    labels: Sequence[str],
    read: Callable[[str], Mask],
) -> Mask:
    """One label after the other; of the same finding the newest replaces the rest."""
    newest = {drawn.word.finding: drawn for drawn in given}
    names = {finding.id: finding.label for finding in each.assessment.findings}
    painted = mask.copy()
    for drawn in sorted(newest.values(), key=lambda d: d.word.id):
        word = drawn.word
        label = word.correction.label or names.get(word.finding, "")
        if label not in labels[1:]:
            if word.is_of_added:
                continue  # the bundle does not look for it
            raise UnclearError("the label of a drawn mask is none of the bundle's")
        drawing = read(word.correction.mask)
        painted[drawing > 0] = labels.index(label)
    return painted


def _bundles_own(store: Store, each: Reviewed, labels: Sequence[str]) -> Mask:
    """What the bundle drew; nothing where every label is empty, or it draws none."""
    query = sa.select(result_objects.c.digest).where(
        result_objects.c.result_id == each.result,
        result_objects.c.assessment == each.number,
        result_objects.c.kind == "SEG",
    )
    with store.read() as connection:
        digest = connection.execute(query).scalar()
    if digest is not None:
        return _read(store, each, labels, digest)
    if any(finding.is_present for finding in each.assessment.findings):
        raise UnclearError(GONE)
    return np.zeros((len(each.assessment.images), *_size(store, each)), np.uint8)


def _size(store: Store, each: Reviewed) -> tuple[int, int]:
    uid = each.assessment.images[0].sop_instance_uid if each.assessment.images else ""
    query = sa.select(instances.c.rows, instances.c.columns).where(
        instances.c.sop_uid == uid
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None or row.rows is None or row.columns is None:
        raise UnclearError("an image of it is not in the study any more")
    return int(row.rows), int(row.columns)


def _digest_of(store: Store, each: Reviewed, uid: str) -> str:
    query = sa.select(instances.c.digest).where(
        instances.c.sop_uid == uid, instances.c.study_id == each.study_id
    )
    with store.read() as connection:
        digest = connection.execute(query).scalar()
    if digest is None:
        raise UnclearError(GONE)
    return str(digest)


def _read(store: Store, each: Reviewed, labels: Sequence[str], digest: str) -> Mask:
    data = store.blobs.read(digest)
    return read_segmentation(data, each.assessment.images, labels)
