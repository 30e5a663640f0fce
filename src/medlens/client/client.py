"""The client: one method for each thing that a program wants of the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from medlens.client.bundles import BundleCalls
from medlens.client.connection import API
from medlens.client.errors import ClientError
from medlens.client.models import (
    Job,
    JobEvent,
    Result,
    ResultObject,
    Study,
    Upload,
    build,
    build_result,
    build_upload,
)
from medlens.client.reports import ReportCalls
from medlens.client.stream import read_events
from medlens.client.words import WordCalls

SILENCE_S = 45.0  # of an event stream, whose heartbeat is quicker


class Client(ReportCalls, WordCalls, BundleCalls):
    __doc__ = ReportCalls.__doc__

    def upload(
        self, *paths: str | Path, details: Mapping[str, str] | None = None
    ) -> Upload:
        """Send DICOM, ZIP, NIfTI or picture files; they are durable on return.

        The same file twice is one instance.

        Args:
            paths: of files.
            details: of files without a header: "patient_id", "study_description", …

        Raises:
            ClientError: nothing was taken; `errors` says why of each.
        """
        with ExitStack() as open_files:

            def content() -> dict[str, Any]:
                files = [open_files.enter_context(Path(p).open("rb")) for p in paths]
                return {
                    "data": dict(details or {}),
                    "files": [
                        ("file", (Path(path).name, file))
                        for path, file in zip(paths, files, strict=True)
                    ],
                }

            reply = self._http.ask("POST", f"{API}/uploads", content=content)
        return build_upload(reply.json())

    def studies(self, **filters: str | float | Sequence[str]) -> Iterator[Study]:
        """All studies that match, page by page as they are wanted.

        Args:
            filters: `state`, `modality`, `date_from`, `text`, `study_uid`,
                `order="urgent"`, … as docs/api.md lists them.
        """
        return self._pages("/studies", Study, **filters)

    def study(self, number: int) -> Study:
        """One study by its number here."""
        return build(Study, self._get(f"/studies/{number:d}"))

    def ask_for_answer(self, study: int, *, bundle: str | None = None) -> Job:
        """Let a study be answered now, without waiting for the quiet time.

        Args:
            study: its number here.
            bundle: name or digest of the only one that shall look, whatever the
                rules say.
        """
        body = {"bundle": bundle} if bundle is not None else None
        return build(Job, self._post(f"/studies/{study:d}/answers", body)["job"])

    def wait_for_result(self, study: int, *, timeout_s: float = 300.0) -> Result:
        """Wait until a study has its answer.

        Raises:
            ClientError: it failed, no bundle could answer it, or the time was up.
        """
        what = f"study {study}"
        found = self._wait(
            lambda: self.study(study),
            until=("answered", "refused", "failed"),
            what=what,
            timeout_s=timeout_s,
        )
        if found.state == "failed" or found.result_id is None:
            raise ClientError(f"{what} is {found.state}: {found.reason}")
        return self.result(found.result_id)

    def result(self, number: int) -> Result:
        """One result with its diagnosis."""
        return build_result(self._get(f"/results/{number:d}"))

    def text(self, result: int, *, lang: str = "en") -> str:
        """The diagnosis as text, "en" or "zh"."""
        path = f"{API}/results/{result:d}/text"
        return self._http.ask("GET", path, params={"lang": lang}).text

    def fhir(self, result: int) -> dict[str, Any]:
        """The result as a FHIR R4 Bundle."""
        found: dict[str, Any] = self._get(f"/results/{result:d}/fhir")
        return found

    def download(self, result: int, wanted: ResultObject, path: str | Path) -> Path:
        """Write an object of a result to a file, whole or not at all.

        Args:
            result: its number.
            wanted: one of `Result.objects`.
            path: of the file; it is replaced.

        Raises:
            ClientError: what came is not what was announced.
        """
        address = f"/results/{result:d}/objects/{wanted.id:d}"
        what = f"result {result}: the {wanted.kind} file"
        return self._fetch(address, path, what=what, digest=wanted.digest)

    def send(self, result: int, destination: str) -> Job:
        """Send the objects of a result to a destination of the service."""
        body = {"destination": destination}
        return build(Job, self._post(f"/results/{result:d}/sendings", body))

    def job(self, number: int) -> Job:
        """One job."""
        return build(Job, self._get(f"/jobs/{number:d}"))

    def cancel(self, job: int) -> Job:
        """Take a job out."""
        return build(Job, self._post(f"/jobs/{job:d}/cancel"))

    def retry(self, job: int) -> Job:
        """Let a job that was parked or cancelled start over."""
        return build(Job, self._post(f"/jobs/{job:d}/retry"))

    def events(self, *, job: int | None = None, last: str = "") -> Iterator[JobEvent]:
        """Changes of jobs and of lines of the worklist, while they happen.

        Args:
            job: only this one; the iterator ends with it. Otherwise it ends when the
                service ends the stream: go on with `last`.
            last: `id` of the last event that was seen.

        Raises:
            ClientError: the line broke; go on with `last`.
        """
        path = f"{API}/events" if job is None else f"{API}/jobs/{job:d}/events"
        headers = {"Last-Event-ID": last} if last else {}
        with self._http.stream(path, headers=headers, timeout_s=SILENCE_S) as reply:
            yield from read_events(reply.iter_lines())

    def status(self) -> dict[str, Any]:
        """How the service is doing."""
        found: dict[str, Any] = self._get("/status")
        return found
