"""Bundles of a service, and how they do on a set of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medlens.client.connection import API, Connection
from medlens.client.errors import ClientError
from medlens.client.models import build

ZIP = {"Content-Type": "application/zip"}
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class ServedBundle:
    """A bundle of the service.

    Attributes:
        digest: SHA-256 that names it.
        name: given when it was made.
        role: "active", "shadow" or "retired".
        shadow_of: digest that it runs beside, "" for none.
    """

    digest: str
    name: str
    role: str
    shadow_of: str = ""


@dataclass(frozen=True)
class Evaluation:
    """A bundle on an uploaded set.

    Attributes:
        id, job_id: numbers.
        bundle: digest.
        title: for people.
        state: "waiting", "running", "done", "failed" or "cancelled".
        progress: 0..1.
        problem: why it failed.
        failed_count: cases that gave no answer.
        has_report: there is a page.
        may_remove: by the caller: they asked for it, or administer.
        summary: figures that stand first, with intervals; None until it is done.
        curves: schema medlens/curves/1; None in lists.
        failed: cases that gave no answer, each with "case" and "reason"; for readers.
    """

    id: int
    job_id: int
    bundle: str
    title: str
    state: str
    progress: float = 0.0
    problem: str = field(default="", repr=False)
    failed_count: int = 0
    has_report: bool = False
    may_remove: bool = False
    summary: Mapping[str, Any] | None = field(default=None, repr=False)
    curves: Mapping[str, Any] | None = field(default=None, repr=False)
    failed: tuple[Mapping[str, str], ...] | None = field(default=None, repr=False)

    @property
    def has_ended(self) -> bool:
        """True when it changes no more."""
        return self.state in ENDED


class BundleCalls(Connection):
    __doc__ = Connection.__doc__

    def bundles(self) -> list[ServedBundle]:
        """All bundles, the newest first."""
        return [build(ServedBundle, said) for said in self._get("/bundles")]

    def bundle(self, digest: str) -> dict[str, Any]:
        """What a bundle tells of itself, as docs/models.md lists it."""
        found: dict[str, Any] = self._get(f"/bundles/{_checked(digest)}")
        return found

    def add_bundle(self, path: str | Path, *, role: str = "retired") -> ServedBundle:
        """Add a ZIP archive of a bundle folder; the same twice is one.

        Args:
            path: of the archive.
            role: "active" lets its answers count from now on.
        """
        return build(ServedBundle, self._send("/bundles", path, {"role": role}))

    def evaluate(
        self,
        bundle: str,
        path: str | Path,
        *,
        title: str,
        labels: str = "",
        label_column: str = "",
        patient_column: str = "",
    ) -> Evaluation:
        """Ask a bundle to look at a labelled set; the same twice is one.

        Args:
            bundle: digest.
            path: of a ZIP archive of the set.
            title: for people.
            labels: name of the table of labels in it, "" to find it.
            label_column, patient_column: "" to find them.

        Raises:
            ClientError: the archive is not taken, or many wait already.
        """
        asked = {
            "bundle": bundle,
            "title": title,
            "labels": labels,
            "label_column": label_column,
            "patient_column": patient_column,
        }
        return build(Evaluation, self._send("/evaluations", path, asked))

    def evaluations(self, *, bundle: str = "") -> Iterator[Evaluation]:
        """All evaluations, or those of a bundle, the newest first."""
        wanted = {"bundle": bundle} if bundle else {}
        return self._pages("/evaluations", Evaluation, **wanted)

    def evaluation(self, number: int) -> Evaluation:
        """One evaluation with its curves."""
        return build(Evaluation, self._get(f"/evaluations/{number:d}"))

    def wait_for_evaluation(
        self, number: int, *, timeout_s: float = 3600.0
    ) -> Evaluation:
        """Wait until an evaluation is done.

        Raises:
            ClientError: it failed, was cancelled, or the time was up.
        """
        what = f"evaluation {number}"
        found = self._wait(
            lambda: self.evaluation(number),
            until=ENDED,
            what=what,
            timeout_s=timeout_s,
        )
        if found.state != "done":
            raise ClientError(f"{what} is {found.state}: {found.problem}")
        return found

    def download_evaluation_report(self, number: int, path: str | Path) -> Path:
        """Write the page of an evaluation to a file, whole or not at all."""
        what = f"evaluation {number}: its page"
        return self._fetch(f"/evaluations/{number:d}/report", path, what=what)

    def remove_evaluation(self, number: int) -> None:
        """Take an evaluation back, with its page: one's own; an administrator any."""
        self._http.ask("DELETE", f"{API}/evaluations/{number:d}")

    def _send(self, address: str, path: str | Path, query: dict[str, str]) -> Any:
        """Send a file as the body; it is done once by its digest."""
        with ExitStack() as opened:

            def content() -> dict[str, Any]:
                return {"content": opened.enter_context(Path(path).open("rb"))}

            reply = self._http.ask(
                "POST", API + address, content=content, headers=ZIP, params=query
            )
        return reply.json()


def _checked(digest: str) -> str:
    """A digest, since nothing else may become part of an address."""
    if len(digest) != 64 or not digest.isalnum() or not digest.isascii():
        raise ClientError("bundle: wanted its digest of 64 hexadecimal digits")
    return digest
