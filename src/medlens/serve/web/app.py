"""The web side, put together from its routers."""

from __future__ import annotations

from fastapi import FastAPI

from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.web.state import Service


def create_app(store: Store, settings: ServeSettings) -> FastAPI:
    """The application for an ASGI server."""
    app = FastAPI(title="medlens")
    app.state.service = Service(store, settings)
    return app
