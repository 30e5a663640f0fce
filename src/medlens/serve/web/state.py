"""What every route may reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store


@dataclass(frozen=True)
class Service:
    """One running web side.

    Attributes:
        store: files and index.
        settings: as the service was started with.
    """

    store: Store
    settings: ServeSettings


def service_of(request: Request) -> Service:
    """The service that a request came to (a FastAPI dependency)."""
    return cast(Service, request.app.state.service)
