"""What every route may reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from medlens.serve.access.scribe import Scribe
from medlens.serve.receive.intake import Intake
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store


@dataclass(frozen=True)
class Service:
    """One running web side.

    Attributes:
        store: files and index.
        settings: as the service was started with.
        intake: takes instances into the store; one for all requests.
        scribe: writes lines of the trail; one for all requests.
    """

    store: Store
    settings: ServeSettings
    intake: Intake = field(init=False)
    scribe: Scribe = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "intake", Intake(self.store, self.settings.limits))
        object.__setattr__(self, "scribe", Scribe(self.store))


def service_of(request: Request) -> Service:
    """The service that a request came to (a FastAPI dependency)."""
    return cast(Service, request.app.state.service)
