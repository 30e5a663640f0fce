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
    return Addresses((public or _own(request)) + ROOT)


def _own(request: Request) -> str:
    """Where the request came to; a Host header without its port is made whole.

    Some clients leave the port out (dicomweb-client does), and would ask for large
    values at port 80 then.
    """
    url, server = request.base_url, request.scope.get("server")
    own = {"localhost", "127.0.0.1", "::1", server[0] if server else ""}
    if url.port is None and server and server[1] and url.hostname in own:
        url = url.replace(port=server[1])
    return str(url).rstrip("/")
