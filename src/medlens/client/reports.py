"""Readers' reports: read, suggested, signed, fetched as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from medlens.client.connection import Connection
from medlens.client.models import build

Form = Literal["pdf", "sr", "fhir", "text"]


@dataclass(frozen=True)
class ReportVersion:
    """One version of a study's report.

    Attributes:
        version: counts from 1.
        is_signed: False for what was kept without a signature.
        author: account that wrote or signed it.
        made_at: ISO 8601.
        lang: "en" or "zh".
        reason: why a signed version was changed.
        result_id: result that it was drafted from, or None.
        content: its words; None where only the line was asked for.
        objects: kind of each file of a signed version → its SHA-256.
    """

    version: int
    is_signed: bool
    author: str
    made_at: str
    lang: str
    reason: str = field(default="", repr=False)
    result_id: int | None = None
    content: Mapping[str, Any] | None = field(default=None, repr=False)
    objects: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Report:
    """The report of a study.

    Attributes:
        draft: the caller's own, with revision, saved_at and content; or None.
        versions: the newest first.
    """

    draft: Mapping[str, Any] | None = field(repr=False)
    versions: tuple[ReportVersion, ...] = ()


class ReportCalls(Connection):
    __doc__ = Connection.__doc__

    def report(self, study: int) -> Report:
        """The caller's draft and all versions of a study's report."""
        said = self._get(f"/studies/{study:d}/report")
        found = build(Report, said)
        lines = tuple(build(ReportVersion, each) for each in found.versions)
        return replace(found, versions=lines)

    def suggestion(self, study: int, *, lang: str = "en") -> dict[str, Any]:
        """A first draft of a report: its language, result and sections."""
        found: dict[str, Any] = self._get(
            f"/studies/{study:d}/report/suggestion", lang=lang
        )
        return found

    def sign(
        self,
        study: int,
        content: Mapping[str, Any],
        *,
        expected_version: int = 0,
        draft_revision: int = 0,
        reason: str = "",
    ) -> ReportVersion:
        """Sign a report; it is kept for good.

        Args:
            study: its number here.
            content: as `suggestion` gives it, with the words of who signs.
            expected_version: the newest that they saw, 0 for none.
            draft_revision: of their own draft, as they saw it; 0 for none.
            reason: why a signed version is changed.

        Raises:
            ClientError: of kind "report-changed" where somebody was quicker, or
                "draft-changed" where their own draft is newer.
        """
        body = {
            "content": dict(content),
            "sign": True,
            "reason": reason,
            "expected_version": expected_version,
            "draft_revision": draft_revision,
        }
        return _build(self._post(f"/studies/{study:d}/report/versions", body))

    def report_version(self, study: int, version: int) -> ReportVersion:
        """One version with its words and files."""
        return _build(self._get(f"/studies/{study:d}/report/versions/{version:d}"))

    def download_report(
        self, study: int, version: int, path: str | Path, *, form: Form = "pdf"
    ) -> Path:
        """Write a version to a file, whole or not at all.

        Args:
            study, version: which.
            path: of the file; it is replaced.
            form: "pdf", "sr", "fhir" or "text". Without a signature it says that it
                is a draft.

        Raises:
            ClientError: what came is not what was announced.
        """
        digest = self.report_version(study, version).objects.get(form.upper(), "")
        address = f"/studies/{study:d}/report/versions/{version:d}/{form}"
        what = f"study {study}: version {version} of its report"
        return self._fetch(address, path, what=what, digest=digest)


def _build(said: Any) -> ReportVersion:
    found = build(ReportVersion, said)
    files = {each["kind"]: each["digest"] for each in said.get("objects", ())}
    return replace(found, objects=files)
