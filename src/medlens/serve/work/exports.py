"""A job of kind "export": images and labels without identity, as one archive.

The bytes are durable first; then one transaction ends the job, names the file and
writes the trail. A crash before it leaves a file that no row names.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from medlens.bundle import Bundle, load_bundle
from medlens.core import MedlensError, ReadError, ResourceError, reason_of
from medlens.deidentify import Keep, load_secret
from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.receive.committer import Committer
from medlens.serve.store.files import free_files
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles, exports, instances
from medlens.serve.work.answer import Workplace
from medlens.serve.work.candidates import find_candidates
from medlens.serve.work.export_drawn import reviewed_mask
from medlens.serve.work.export_labels import (
    Reviewed,
    UnclearError,
    box_text,
    label_columns,
    label_row,
    read_reviewed,
)
from medlens.serve.work.export_pack import MOST_LISTED, Pack, Place
from medlens.serve.work.heartbeat import Heartbeat
from medlens.serve.work.inputs import Input, Study, load_study
from medlens.serve.work.look import open_candidate
from medlens.serve.work.queue import Job, finish
from medlens.serve.work.refusal import FinalError
from medlens.serve.work.rule import Rule
from medlens.write import write_nifti

KEY = "deidentify.key"
KEPT_S = 7 * 86_400.0
SCHEMA = "medlens/export/1"
NOTICE = "Freed of identity under PS3.15 E.1; faces in volumes of heads are not."


@dataclass(frozen=True)
class Wanted:
    """What an export holds; the payload of its job.

    Attributes:
        studies: our own numbers; with a bundle () for all that it answered.
        bundle: digest whose answers, as readers corrected them, are a data set; ""
            for all images of the studies.
        dates, patient, device: of `Keep`.
        released: numbers of instances that a person has looked at.
        user_id, user: who asked.
    """

    studies: tuple[int, ...] = ()
    bundle: str = ""
    dates: str = "remove"
    patient: bool = False
    device: bool = False
    released: tuple[int, ...] = ()
    user_id: int | None = None
    user: str = field(default="", repr=False)

    @property
    def keep(self) -> Keep:
        """Options of the profile."""
        return Keep(self.dates, self.patient, self.device)  # type: ignore[arg-type]

    @classmethod
    def of(cls, payload: dict[str, Any]) -> Wanted:
        """From the payload of a job."""
        return cls(
            **payload
            | {
                "studies": tuple(payload.get("studies", ())),
                "released": tuple(payload.get("released", ())),
            }
        )


def export(place: Workplace, job: Job, beat: Heartbeat) -> None:
    """Do a job of kind "export".

    Raises:
        FinalError: the bundle is gone, or the key cannot be used.
        ResourceError: the disk is full.
        LostLeaseError: somebody else has the job.
    """
    wanted = Wanted.of(job.payload)
    store = place.store
    try:
        secret = load_secret(store.folder / KEY)
    except MedlensError as error:
        raise FinalError(f"the key of exports: {error}") from None
    released = frozenset(wanted.released)
    with store.blobs.draft() as draft:
        with Pack(draft, secret, keep=wanted.keep, released=released) as pack:
            work = _Export(store, pack, beat, place.settings.limits.free_mb)
            counts = work.data_set(wanted) if wanted.bundle else work.studies(wanted)
            report = _report(pack, counts)
            pack.add("export.json", _public(report, wanted.keep))
        size, digest = draft.size, draft.commit()
    _keep(store, job, wanted, digest, size, report, work.images)


class _Export:
    """One export on its way.

    Attributes:
        images: study → how many of its images went in.
    """

    def __init__(self, store: Store, pack: Pack, beat: Heartbeat, free_mb: int) -> None:
        self._store, self._pack, self._beat = store, pack, beat
        self._free_mb = free_mb
        self.images: Counter[int] = Counter()

    def studies(self, wanted: Wanted) -> dict[str, int]:
        """All images of some studies."""
        for at, number in enumerate(wanted.studies):
            study = load_study(self._store, number)
            if study is None:
                gone = (f"study {number}", "was removed")
                self._pack.tally.left_out.append(gone)
                continue
            numbers = self._numbers(study.id)
            for item in study.inputs:
                self._check(at / len(wanted.studies))
                self._add(study, item, numbers)
        return {}

    def data_set(self, wanted: Wanted) -> dict[str, int]:
        """What readers corrected of a bundle's answers, with its labels."""
        bundle = _bundle_of(self._store, wanted.bundle)
        with self._store.read() as connection:
            reviewed = read_reviewed(connection, wanted.bundle, among=wanted.studies)
        rows = []
        for at, each in enumerate(reviewed):
            self._check(at / len(reviewed))
            try:
                rows += list(self._rows(bundle, each))
            except UnclearError as error:
                self._pack.tally.left_out.append((each.case, str(error)))
        if bundle.form == "segment":
            named = {str(i): name for i, name in enumerate(bundle.labels)}
            self._pack.add("dataset.json", _json({"labels": named}))
        columns = ["image", "series", "patient", "site"]
        columns += [*label_columns(bundle), "mask", "boxes"]
        used = [name for name in columns if any(row.get(name) for row in rows)]
        self._pack.add_table("labels.csv", used or columns, [
            {name: row.get(name, "") for name in used or columns} for row in rows
        ])  # fmt: skip
        return {"cases": len({row["case"] for row in rows})}

    def _rows(self, bundle: Bundle, each: Reviewed) -> Iterator[dict[str, str]]:
        """Rows of labels.csv for one answer.

        Raises:
            UnclearError: there is none, with why.
        """
        study = load_study(self._store, each.study_id)
        if study is None:
            raise UnclearError("the study was removed")
        is_mask = bundle.form == "segment"
        told = {} if is_mask else label_row(bundle, each.assessment, each.words)
        mask = reviewed_mask(self._store, each, bundle.labels) if is_mask else None
        places = self._places(study, each)
        row = told | {
            "case": each.case,
            "patient": places[0].patient,
            "site": self._pack.site(each.site),
            "boxes": box_text(bundle, each.assessment, each.words),
        }
        if mask is not None:
            name = self._write_mask(study, each, mask)
            yield from (row | {"image": place.name, "mask": name} for place in places)
        elif len(each.assessment.images) == 1:
            yield row | {"image": places[0].name}
        else:
            yield row | {"series": places[0].folder}

    def _places(self, study: Study, each: Reviewed) -> list[Place]:
        """All images of an answer, freed; none where one cannot be."""
        by_uid = {item.sop_uid: item for item in study.inputs}
        numbers = self._numbers(study.id)
        uids = dict.fromkeys(i.sop_instance_uid for i in each.assessment.images)
        items = [by_uid[uid] for uid in uids if uid in by_uid]
        if not items or len(items) < len(uids):
            raise UnclearError("an image of it is not in the study any more")
        try:
            held = [self._is_held(study, item, numbers) for item in items]
        except ReadError:
            raise UnclearError("an image of it cannot be read") from None
        found = [] if any(held) else [self._add(study, i, numbers) for i in items]
        places = [place for place in found if place is not None]
        if len(places) < len(items):
            raise UnclearError("an image of it is held, or could not be freed")
        return places

    def _is_held(self, study: Study, item: Input, numbers: dict[str, int]) -> bool:
        number = numbers.get(item.sop_uid, 0)
        return self._pack.is_held(item, number, f"study {study.id}, {item.case}")

    def _add(self, study: Study, item: Input, numbers: dict[str, int]) -> Place | None:
        number = numbers.get(item.sop_uid, 0)
        before = len(self._pack.places)
        place = self._pack.add_image(item, number, f"study {study.id}, {item.case}")
        self.images[study.id] += len(self._pack.places) - before
        return place

    def _numbers(self, study_id: int) -> dict[str, int]:
        query = sa.select(instances.c.sop_uid, instances.c.id).where(
            instances.c.study_id == study_id
        )
        with self._store.read() as connection:
            return {uid: int(number) for uid, number in connection.execute(query)}

    def _write_mask(self, study: Study, each: Reviewed, mask: NDArray[np.uint8]) -> str:
        """Put a mask into the archive: a PNG for an image, NIfTI for a series."""
        images = each.assessment.images
        stem = f"masks/{self._pack.uid(images[0].sop_instance_uid)}"
        if len(images) == 1:
            is_done, packed = cv2.imencode(".png", mask[0])
            assert is_done
            self._pack.add(f"{stem}.png", packed.tobytes(), is_packed=True)
            return f"{stem}.png"
        wanted = [image.sop_instance_uid for image in images]
        for candidate in find_candidates(study).found:
            if [image.sop_instance_uid for image in candidate.images] == wanted:
                opened = open_candidate(candidate, Rule("export", uneven="keep"))
                break
        else:
            raise UnclearError("the series cannot be put together any more")
        path = self._store.blobs.incoming / f"{secrets.token_hex(16)}.nii.gz"
        try:
            write_nifti(path, mask, opened.geometry)
            self._pack.add(f"{stem}.nii.gz", path.read_bytes(), is_packed=True)
        finally:
            path.unlink(missing_ok=True)
        return f"{stem}.nii.gz"

    def _check(self, progress: float) -> None:
        self._beat.check(0.95 * progress)
        if shutil.disk_usage(self._store.folder).free < self._free_mb << 20:
            raise ResourceError(
                f"export: less than {self._free_mb} MB of disk space are left; free "
                "some"
            )


def remove_old_exports(store: Store, *, now: float) -> int:
    """Take away exports of more than a week ago; how many."""
    with store.begin() as connection:
        gone = connection.execute(
            sa.delete(exports)
            .where(exports.c.made_at < now - KEPT_S)
            .returning(exports.c.digest)
        ).scalars()
        digests = set(gone)
    if digests:
        free_files(store, digests)
    return len(digests)


def _keep(
    store: Store,
    job: Job,
    wanted: Wanted,
    digest: str,
    size: int,
    report: dict[str, Any],
    by_study: Mapping[int, int],
) -> None:
    who = Caller(wanted.user_id, wanted.user, "reader", frozenset())

    def write(connection: sa.Connection) -> None:
        now = time.time()
        finish(connection, job, now=now)
        connection.execute(
            sa.insert(exports).values(
                job_id=job.id, digest=digest, bytes=size, report=report, made_at=now
            )
        )
        for study, images in by_study.items():
            record(
                connection,
                who,
                "export study",
                study_id=study,
                detail={"job": job.id, "images": images},
            )

    Committer(store).write(write)


def _report(pack: Pack, counts: dict[str, int]) -> dict[str, Any]:
    tally, places = pack.tally, pack.places
    return {
        "images": len(places),
        "patients": len({place.patient for place in places}),
        "series": len({place.folder for place in places}),
        **counts,
        "held_count": len(tally.held),
        "failed_count": len(tally.failed),
        "left_out_count": len(tally.left_out),
        "held": [
            {"instance": number, "case": case, "reason": reason}
            for number, case, reason in tally.held[:MOST_LISTED]
        ],
        "failed": _told(tally.failed),
        "left_out": _told(tally.left_out),
    }


def _told(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"case": case, "reason": reason} for case, reason in pairs[:MOST_LISTED]]


def _public(report: dict[str, Any], keep: Keep) -> bytes:
    """Counts and methods: our numbers of studies stay with the service."""
    counts = {
        name: value for name, value in report.items() if isinstance(value, int)
    }  # fmt: skip
    methods = [f"{value} {meaning}" for value, meaning in keep.codes]
    return _json({"schema": SCHEMA, "notice": NOTICE, **counts, "methods": methods})


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


def _bundle_of(store: Store, digest: str) -> Bundle:
    with store.read() as connection:
        row = connection.execute(
            sa.select(bundles.c.folder).where(bundles.c.digest == digest)
        ).first()
    if row is None:
        raise FinalError("export: the bundle is no longer known; choose another one")
    try:
        return load_bundle(Path(row.folder))
    except MedlensError as error:
        raise FinalError(
            f"export: the bundle cannot be loaded: {reason_of(error)}"
        ) from None
