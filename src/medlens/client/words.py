"""What readers say of findings, what they draw, and the data sets made of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from medlens.client.connection import API, Connection
from medlens.client.errors import ClientError
from medlens.client.models import build

Box = tuple[float, float, float, float]
Place = tuple[str, int | None]  # SOP Instance UID, frame counted from 1 or None


@dataclass(frozen=True)
class Word:
    """One word of one reader on one finding.

    Attributes:
        id: grows with time.
        assessment, finding: what it is about; a finding that was added is "+17".
        verdict: "accept", "reject", "correct" or "add".
        label, box, image, mask: what it says of them, where it does.
        comment: for colleagues.
        reader: name of who said it.
        at: ISO 8601.
        counts: it is the reader's last word on this finding.
    """

    id: int
    assessment: int
    finding: str
    verdict: str
    label: str = ""
    box: Mapping[str, float] | None = None
    image: Mapping[str, Any] | None = field(default=None, repr=False)
    mask: str = field(default="", repr=False)
    comment: str = field(default="", repr=False)
    reader: str = field(default="", repr=False)
    at: str = ""
    counts: bool = True


@dataclass(frozen=True)
class ReaderObject:
    """A DICOM object that was made of what a reader did.

    Attributes:
        object_id: its number here.
        sop_uid: SOP Instance UID, of an instance of the study.
    """

    object_id: int
    sop_uid: str = field(repr=False)


@dataclass(frozen=True)
class Export:
    """An archive without identity.

    Attributes:
        id: number of its job.
        state: of the job.
        error: why it failed.
        images, patients, series: what is in it.
        cases: answers in labels.csv, None where it is no data set.
        held_count, failed_count, left_out_count: what is not.
        may_remove: by the caller: they asked for it, or administer.
        held, failed, left_out: the same with reasons; empty in lists.
    """

    id: int
    state: str
    error: str = ""
    images: int = 0
    patients: int = 0
    series: int = 0
    cases: int | None = None
    held_count: int = 0
    failed_count: int = 0
    left_out_count: int = 0
    may_remove: bool = False
    held: tuple[Mapping[str, Any], ...] = ()
    failed: tuple[Mapping[str, str], ...] = ()
    left_out: tuple[Mapping[str, str], ...] = ()


class WordCalls(Connection):
    __doc__ = Connection.__doc__

    def feedback(self, result: int) -> list[Word]:
        """Every word on a result, the oldest first."""
        return [
            build(Word, said) for said in self._get(f"/results/{result:d}/feedback")
        ]

    def judge(
        self,
        result: int,
        finding: str,
        verdict: str,
        *,
        assessment: int = 0,
        label: str = "",
        box: Box | None = None,
        image: Place | None = None,
        mask: str = "",
        comment: str = "",
    ) -> Word:
        """Say a word on a finding, or add one that the bundle missed.

        Args:
            result: its number.
            finding: its `id`, or the name of one that was added; "" to add one.
            verdict: "accept", "reject", "correct" or "add".
            assessment: index in the diagnosis.
            label: what it is (instead).
            box: (left, top, right, bottom) in pixels of the image.
            image: that the box lies in; None for the finding's own.
            mask: `sop_uid` of what `draw_mask` gave.
            comment: for colleagues; never exported.
        """
        body: dict[str, Any] = {
            "assessment": assessment,
            "finding": finding,
            "verdict": verdict,
            "label": label,
            "mask": mask,
            "comment": comment,
        }
        if box is not None:
            names = ("left", "top", "right", "bottom")
            body["box"] = dict(zip(names, box, strict=True))
        if image is not None:
            body["image"] = {"sop_uid": image[0], "frame": image[1]}
        return build(Word, self._post(f"/results/{result:d}/feedback", body))

    def draw_mask(
        self,
        result: int,
        planes: Mapping[int, bytes],
        *,
        finding: str = "",
        assessment: int = 0,
        label: str = "",
    ) -> ReaderObject:
        """Keep a mask as a DICOM segmentation of the study.

        Args:
            result: its number.
            planes: slice (index among the assessment's images) → PNG of the image's
                size, above 0 inside.
            finding: that it is of; "" for one to be added, which wants a label.
            assessment: index in the diagnosis.
            label: what it is; the finding's own where empty.
        """
        body = {
            "assessment": assessment,
            "finding": finding,
            "label": label,
            "slices": [
                {"slice": d, "png": base64.b64encode(png).decode()}
                for d, png in planes.items()
            ],
        }
        return build(ReaderObject, self._post(f"/results/{result:d}/masks", body))

    def maps(self, result: int) -> dict[str, Any]:
        """Which findings have an evidence map, which assessments a mask, and where."""
        found: dict[str, Any] = self._get(f"/results/{result:d}/maps")
        return found

    def evidence(
        self, result: int, finding: str, slice_index: int = 0, *, assessment: int = 0
    ) -> bytes:
        """One slice of a finding's evidence map as a PNG."""
        name = quote(finding, safe="")
        return self._picture(result, f"evidence/{assessment:d}/{name}/{slice_index:d}")

    def mask(self, result: int, slice_index: int = 0, *, assessment: int = 0) -> bytes:
        """One slice of a bundle's mask as a PNG of label indices."""
        return self._picture(result, f"masks/{assessment:d}/{slice_index:d}")

    def keep_corrections(self, result: int) -> ReaderObject:
        """Keep what readers said of a result as a DICOM SR of the study."""
        return build(ReaderObject, self._post(f"/results/{result:d}/corrections"))

    def download_corrections(self, result: int, path: str | Path) -> Path:
        """Write that DICOM SR to a file, whole or not at all."""
        what = f"result {result}: its corrections"
        return self._fetch(f"/results/{result:d}/corrections/sr", path, what=what)

    def ask_for_export(
        self,
        *,
        studies: Sequence[int] = (),
        bundle: str = "",
        keep: Mapping[str, Any] | None = None,
        released: Sequence[int] = (),
    ) -> Export:
        """Make an archive without identity.

        Args:
            studies: all their images; with `bundle` the studies that are meant.
            bundle: digest: a data set of its answers as readers corrected them.
            keep: "dates", "patient", "device", as docs/deidentify.md has them.
            released: numbers of held images that a person has looked at.
        """
        body: dict[str, Any] = {"studies": list(studies), "released": list(released)}
        body |= {"bundle": bundle} if bundle else {}
        body |= {"keep": dict(keep)} if keep else {}
        return build(Export, self._post("/exports", body))

    def exports(self) -> Iterator[Export]:
        """Exports of the last days, the newest first."""
        return self._pages("/exports", Export)

    def export(self, number: int) -> Export:
        """One export with everything that is not in it, and why."""
        return build(Export, self._get(f"/exports/{number:d}"))

    def wait_for_export(self, number: int, *, timeout_s: float = 3600.0) -> Export:
        """Wait until an archive is there.

        Raises:
            ClientError: it failed, was cancelled, or the time was up.
        """
        what = f"export {number}"
        found = self._wait(
            lambda: self.export(number),
            until=("done", "parked", "cancelled"),
            what=what,
            timeout_s=timeout_s,
        )
        if found.state != "done":
            raise ClientError(f"{what} is {found.state}: {found.error}")
        return found

    def download_export(self, number: int, path: str | Path) -> Path:
        """Write an archive to a file, whole or not at all."""
        what = f"export {number}: its archive"
        return self._fetch(f"/exports/{number:d}/file", path, what=what)

    def remove_export(self, number: int) -> None:
        """Take an export back, with its archive: one's own; an administrator any."""
        self._http.ask("DELETE", f"{API}/exports/{number:d}")

    def _picture(self, result: int, name: str) -> bytes:
        reply = self._http.ask("GET", f"{API}/results/{result:d}/maps/{name}")
        return reply.content
