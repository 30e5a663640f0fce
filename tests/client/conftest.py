"""A whole service: web side and worker over one small bundle, no account needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from medlens.serve.settings import Limits, Peer, ServeSettings
from medlens.serve.store.store import open_store
from medlens.serve.work.worker import run_worker
from tests.serve.web.live import live_server
from tests.serve.work.studies import of_study, put_bundle, with_level
from tests.write.dicom_sources import file_bytes, radiograph

pytest.importorskip("onnx")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a service that answers; it runs until the last test ends."""
    folder = tmp_path_factory.mktemp("client")
    settings = ServeSettings(
        data=folder / "service",
        bundles=(put_bundle(folder / "bundle"),),
        demo=True,
        quiet_s=600,  # so that an answer must be asked for
        limits=Limits(free_mb=1),
        peers=(Peer("pacs", ae_title="PACS", host="127.0.0.1", port=1),),
    )
    open_store(settings.data).close()
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(settings, "work-1", stop))
    worker.start()
    try:
        with live_server(settings) as url:
            yield url
    finally:
        stop.set()
        worker.join(60)
    assert not worker.is_alive()


@pytest.fixture
def radiograph_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A bright chest radiograph, of a study of its own for each test."""
    number = 1 + sum(request.node.nodeid.encode())
    path = tmp_path / "chest.dcm"
    path.write_bytes(file_bytes(of_study(with_level(radiograph(), 0.9), number)))
    return path
