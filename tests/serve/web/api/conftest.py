"""Clients of the API, one for each role, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from medlens.serve.settings import Peer, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.web.app import create_app
from tests.serve.http import client_for
from tests.serve.people import token_of

PEERS = (
    Peer("pacs", ae_title="PACS", host="127.0.0.1", port=1),
    Peer("web", url="http://127.0.0.1:1/dicom-web"),
    Peer("sender", ae_title="CT1"),
)


@pytest.fixture
def app(store: Store, tmp_path: Path) -> FastAPI:
    """The application over the store."""
    settings = ServeSettings(data=tmp_path / "service", peers=PEERS)
    return create_app(store, settings)


@pytest.fixture
def as_role(app: FastAPI, store: Store) -> Iterator[Callable[[str], httpx.Client]]:
    """Role → client with a token of that role."""
    made: list[httpx.Client] = []

    def client(role: str) -> httpx.Client:
        made.append(client_for(app, headers=token_of(store, role)))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def viewer(as_role: Callable[[str], httpx.Client]) -> httpx.Client:
    """Somebody who may look."""
    return as_role("viewer")


@pytest.fixture
def reader(as_role: Callable[[str], httpx.Client]) -> httpx.Client:
    """Somebody who may start work."""
    return as_role("reader")


@pytest.fixture
def administrator(as_role: Callable[[str], httpx.Client]) -> httpx.Client:
    """Somebody who may do all."""
    return as_role("administrator")
