"""OHIF, prebuilt and unchanged, shows a study of the service in a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.web.app import create_app
from tests.serve.receive.files import nifti, put
from tests.serve.web.dicomweb.conftest import run_server

VERSION = "3.12.10"
CHROMIUM = shutil.which("chromium")
WAIT_MS = 240_000  # a busy machine takes its time
CONFIG = """
window.config = {
  routerBasename: null, extensions: [], modes: [], showStudyList: true,
  maxNumberOfWebWorkers: 1, showCPUFallbackMessage: false, showLoadingIndicator: true,
  showWarningMessageForCrossOrigin: false, strictZSpacingForVolumeViewport: true,
  defaultDataSourceName: 'medlens',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName: 'medlens',
    configuration: {
      friendlyName: 'medlens', name: 'medlens', wadoUriRoot: '/dicom-web',
      qidoRoot: '/dicom-web', wadoRoot: '/dicom-web', qidoSupportsIncludeField: true,
      imageRendering: 'wadors', thumbnailRendering: 'wadors', enableStudyLazyLoad: true,
      supportsFuzzyMatching: false, supportsWildcard: true, staticWado: true,
      singlepart: 'bulkdata,video', bulkDataURI: { enabled: true },
    },
  }],
};
"""


@pytest.fixture(scope="module")
def ohif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of OHIF's built pages, or a skip that says what is missing."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    pytest.importorskip("playwright")
    named = os.environ.get("MEDLENS_OHIF")
    archive = Path(named) if named else _pack(tmp_path_factory.mktemp("ohif"))
    folder = tmp_path_factory.mktemp("pages")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package" / "dist"


def _pack(folder: Path) -> Path:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed; or set MEDLENS_OHIF to ohif-app-….tgz")
    done = subprocess.run(
        ["npm", "pack", f"@ohif/app@{VERSION}", "--silent"],
        cwd=folder, capture_output=True, timeout=180, check=False,
    )  # fmt: skip
    found = list(folder.glob("*.tgz"))
    if done.returncode or not found:
        pytest.skip("@ohif/app could not be fetched from the package registry")
    return found[0]


def beside(service: Any, pages: Path) -> Any:
    """OHIF's pages and the service under one origin (an ASGI application)."""
    from starlette.responses import FileResponse, Response

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/dicom-web"):
            await service(scope, receive, send)
            return
        name = scope["path"].lstrip("/")
        if name == "app-config.js":
            reply: Any = Response(CONFIG, media_type="text/javascript")
        elif name and (pages / name).is_file():
            reply = FileResponse(pages / name)
        else:
            reply = FileResponse(pages / "index.html")
        await reply(scope, receive, send)

    return application


@contextmanager
def serving_with(pages: Path, store: Store) -> Iterator[str]:
    settings = ServeSettings(data=store.folder, demo=True, limits=Limits(free_mb=1))
    application = beside(create_app(store, settings), pages)
    config = uvicorn.Config(application, log_config=None, lifespan="off", ws="none")
    with run_server(config) as url:
        yield url


def fill(store: Store, folder: Path) -> str:
    """A CT of a bright ball in dark noise; the study's UID."""
    from medlens.serve.receive.intake import Intake
    from medlens.serve.receive.upload import take_upload
    from medlens.serve.receive.wrap import Details

    z, y, x = np.mgrid[-12:12, -64:64, -64:64]
    values = np.where(x**2 + y**2 + (3 * z) ** 2 < 40**2, 300, -900).astype(np.int16)
    data = nifti(values.transpose(2, 1, 0), np.diag([1.0, 1.0, 3.0, 1.0]))
    receipts = take_upload(
        Intake(store, Limits(free_mb=1)),
        put(folder, data, "ball.nii"),
        blobs=store.blobs,
        name="ball",
        peer="test",
        details=Details(patient_id="BALL", patient_name="Ball^Bright", modality="CT"),
    )
    assert {receipt.outcome for receipt in receipts} == {"stored"}
    return receipts[0].study_uid


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ohif_lists_and_shows_a_study(ohif: Path, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    store = open_store(tmp_path / "service")
    study = fill(store, tmp_path)
    failed: list[str] = []
    with serving_with(ohif, store) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-gl=swiftshader",
                "--enable-unsafe-swiftshader",
            ],
        )
        try:
            page = browser.new_page(viewport={"width": 1200, "height": 800})
            page.set_default_timeout(WAIT_MS)
            page.set_default_navigation_timeout(WAIT_MS)
            page.on(
                "response",
                lambda reply: (
                    failed.append(f"{reply.status} {reply.url}")
                    if "/dicom-web/" in reply.url and reply.status >= 400
                    else None
                ),
            )
            page.goto(url)
            page.get_by_text("BALL", exact=False).first.wait_for()
            page.goto(f"{url}/viewer?StudyInstanceUIDs={study}")
            canvas = page.locator("canvas.cornerstone-canvas").first
            canvas.wait_for()
            assert _has_ball(page, canvas)
        finally:
            browser.close()
    store.close()
    assert failed == []


def _has_ball(page: Any, canvas: Any) -> bool:
    """Whether the canvas shows a bright ball on black within two minutes."""
    import cv2

    for _ in range(240):
        shot = cv2.imdecode(np.frombuffer(canvas.screenshot(), np.uint8), 0)
        rows, columns = shot.shape
        middle = shot[
            rows // 2 - 10 : rows // 2 + 10, columns // 2 - 10 : columns // 2 + 10
        ]
        if middle.mean() > 150 and np.median(shot[:, :20]) < 60:
            return True
        page.wait_for_timeout(500)
    return False
