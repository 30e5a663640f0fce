"""Where studies may be sent to, for a page that has none yet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from medlens.serve.access.caller import Caller
from medlens.serve.access.loopback import is_local
from medlens.serve.settings import ServeSettings
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1/intake", tags=["operation"])
STOW_PATH = "/dicom-web/studies"
UPLOAD_PATH = "/api/v1/uploads"


class DicomNode(BaseModel):
    """The DICOM node that takes C-STORE."""

    ae_title: str = Field(examples=["MEDLENS"])
    host: str = Field(
        description="address that it is bound to; empty where it answers at every "
        "address of its machine",
        examples=["10.0.3.7"],
    )
    port: int = Field(examples=[11112])
    is_local: bool = Field(description="this machine alone can reach it")
    is_tls: bool = Field(description="it speaks TLS alone")
    is_closed: bool = Field(description="it takes nodes alone that the settings name")


class IntakeView(BaseModel):
    """Every way in; nothing of a patient."""

    dicom: DicomNode | None = Field(description="null where no listener was started")
    dicomweb: str = Field(
        description="STOW-RS, behind the service's address", examples=[STOW_PATH]
    )
    uploads: str = Field(
        description="files and archives, behind the service's address",
        examples=[UPLOAD_PATH],
    )
    upload_mb: int = Field(description="largest upload or STOW request")


@router.get("", response_model=IntakeView)
def read_intake(
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> IntakeView:
    """Where studies may be sent to."""
    del caller
    return intake_of(service.settings)


def intake_of(settings: ServeSettings) -> IntakeView:
    """The ways in that a service of these settings has."""
    return IntakeView(
        dicom=_node_of(settings) if settings.dicom_port >= 0 else None,
        dicomweb=STOW_PATH,
        uploads=UPLOAD_PATH,
        upload_mb=settings.limits.upload_mb,
    )


def _node_of(settings: ServeSettings) -> DicomNode:
    bound = settings.dicom_host
    return DicomNode(
        ae_title=settings.ae_title,
        host="" if bound in ("", "0.0.0.0", "::") else bound,
        port=settings.dicom_port,
        is_local=is_local(bound),
        is_tls=settings.tls_certificate is not None,
        is_closed=bool(settings.peers),
    )
