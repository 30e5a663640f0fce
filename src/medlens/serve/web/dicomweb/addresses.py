"""Absolute addresses of what is stored, as answers name them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from medlens.serve.web.state import service_of

ROOT = "/dicom-web"


@dataclass(frozen=True)
class Addresses:
    """Makes addresses below one root.

    Attributes:
        root: "https://host/dicom-web".
    """

    root: str

    def study(self, study: str) -> str:
        """Of a study."""
        return f"{self.root}/studies/{study}"

    def series(self, study: str, series: str) -> str:
        """Of a series."""
        return f"{self.study(study)}/series/{series}"

    def instance(self, study: str, series: str, sop: str) -> str:
        """Of an instance."""
        return f"{self.series(study, series)}/instances/{sop}"


def addresses_of(request: Request) -> Addresses:
    """Addresses as the client of a request can reach them.

    `public_url` of the settings counts where it is set: behind a proxy, the Host
    header is anybody's word.
    """
    public = service_of(request).settings.public_url.rstrip("/")
    return Addresses((public or str(request.base_url).rstrip("/")) + ROOT)
