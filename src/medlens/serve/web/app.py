"""The web side, put together from its routers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from medlens import __version__
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.web.bounds import Bounds
from medlens.serve.web.counts import Counts
from medlens.serve.web.errors import add_error_handlers
from medlens.serve.web.events import Events
from medlens.serve.web.headers import SecureHeaders
from medlens.serve.web.metrics import Meter
from medlens.serve.web.record import Record
from medlens.serve.web.routers import all_routers
from medlens.serve.web.state import Service


def create_app(store: Store, settings: ServeSettings) -> FastAPI:
    """The application for an ASGI server.

    Every failure of it is a problem document (RFC 9457). Its routers are listed in
    `web/routers.py`.
    """
    app = FastAPI(
        title="medlens",
        version=__version__,
        lifespan=_lifespan,
        # The schema and its page are routes of our own: no page asks another host.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = Service(store, settings)
    app.state.meter = Meter(store)
    app.state.counts = Counts(store)
    app.state.events = Events(store, settings.limits)
    add_error_handlers(app)
    for router in all_routers():
        app.include_router(router)
    # The last one that is added is the first that a request comes to.
    app.add_middleware(Bounds, limits=settings.limits)
    app.add_middleware(SecureHeaders, settings=settings)
    app.add_middleware(Record, meter=app.state.meter)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.events.close()
