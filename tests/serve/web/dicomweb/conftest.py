"""A service on a loopback port, for clients that speak real HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn

from medlens.serve.receive.intake import Intake
from medlens.serve.receive.receipt import Receipt
from medlens.serve.run.check import bind
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.web.app import create_app

START_S = 20.0


@dataclass
class Served:
    """A running service.

    Attributes:
        url: "http://127.0.0.1:port".
        store: its store.
        client: of its DICOMweb root.
    """

    url: str
    store: Store
    client: httpx.Client

    def put(self, *files: bytes) -> list[Receipt]:
        """Take files into the store, past the web."""
        intake, receipts = Intake(self.store, Limits(free_mb=1)), []
        for data in files:
            with self.store.blobs.draft() as draft:
                draft.write(data)
                receipts.append(intake.take(draft, origin="stow"))
        return receipts


@contextmanager
def serving(store: Store, limits: Limits | None = None) -> Iterator[Served]:
    """Serve a store as a demo, so that no account is needed."""
    settings = ServeSettings(
        data=store.folder, demo=True, limits=limits or Limits(free_mb=1)
    )
    app = create_app(store, settings)
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
    with (
        run_server(config) as url,
        httpx.Client(base_url=f"{url}/dicom-web", timeout=30) as client,
    ):
        yield Served(url, store, client)


@contextmanager
def run_server(config: uvicorn.Config) -> Iterator[str]:
    """Run a server on a free loopback port in a thread; its address."""
    listener = bind("127.0.0.1", 0, option="--port")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        end = time.monotonic() + START_S
        while not server.started and time.monotonic() < end:
            time.sleep(0.01)
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """A service on an empty store, once on each database."""
    with serving(store) as running:
        yield running


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Served]:
    """A service on an empty SQLite store."""
    opened = open_store(tmp_path / "service")
    with serving(opened) as running:
        yield running
    opened.close()
