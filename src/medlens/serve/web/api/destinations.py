"""Where results go, and whether anybody is there."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from medlens.serve.access.caller import Caller
from medlens.serve.settings import Peer
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1/destinations", tags=["destinations"])


class DestinationView(BaseModel):
    """One destination, as the settings describe it."""

    name: str = Field(examples=["pacs"])
    protocol: Literal["C-STORE", "STOW-RS"]
    ae_title: str
    host: str
    port: int
    url: str
    tls: bool


def destinations_of(service: Service) -> list[Peer]:
    """Peers that results can be sent to."""
    return [peer for peer in service.settings.peers if peer.port or peer.url]


def peer_named(service: Service, name: str) -> Peer:
    """The destination of a name.

    Raises:
        Problem: 404.
    """
    for peer in destinations_of(service):
        if peer.name == name:
            return peer
    raise Problem(
        404, "there is no such destination; /api/v1/destinations lists all of them"
    )


@router.get("", response_model=list[DestinationView])
def list_destinations(
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> list[DestinationView]:
    """All destinations; they are described in the settings of the service."""
    del caller
    return [
        DestinationView(
            name=peer.name,
            protocol="STOW-RS" if peer.url else "C-STORE",
            ae_title=peer.ae_title,
            host=peer.host,
            port=peer.port,
            url=peer.url,
            tls=peer.tls or peer.url.startswith("https:"),
        )
        for peer in destinations_of(service)
    ]
