"""Every router of the web side, in the order in which addresses are looked for."""

from __future__ import annotations

from fastapi import APIRouter


def all_routers() -> tuple[APIRouter, ...]:
    """Routers of DICOMweb, the REST API and the pages."""
    from medlens.serve.web import health

    return (health.router,)
