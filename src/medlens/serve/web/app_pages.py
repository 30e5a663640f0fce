"""The browser app: one page for all its addresses, and the files that it is made of.

The files are built from `web/` and come with the package, so that nobody who runs
medlens needs Node. A developer may serve another build: `MEDLENS_WEB_FILES=FOLDER`.
"""

from __future__ import annotations

import functools
import gzip
import os
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from medlens.serve.web.errors import Problem

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parent.parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
TEXTS = (".css", ".html", ".js", ".json", ".svg")
FOR_EVER = "public, max-age=31536000, immutable"  # the name holds the content's digest
SMALLEST = 1024  # bytes from which compression is worth it


class _Count(Convertor[int]):
    """A number that a database can hold: Python refuses to read one of 5,000 digits."""

    regex = "[0-9]{1,19}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("count", _Count())


@router.get("/")
@router.get("/models")
@router.get("/models/{digest}")
@router.get("/evaluations/{evaluation:count}")
@router.get("/try")
def show_app(request: Request) -> Response:
    """The page; which part of it is seen, the page itself reads from its address."""
    return _send(request, "index.html", "no-cache")


@router.get("/studies/{study:count}")
def show_study(request: Request, study: int) -> Response:
    """The page, and what its viewer will ask for first.

    The browser asks at once, while scripts are on their way, so that the image waits
    for nothing but itself (Link with rel=preload; it says no more than the address).
    """
    if "study.html" not in _files(_folder()):  # a build from before there was one
        return _send(request, "index.html", "no-cache")
    reply = _send(request, "study.html", "no-cache")
    reply.headers["Link"] = ", ".join(
        f"<{address}>; rel=preload; as=fetch; crossorigin=anonymous"
        for address in asked_first(study)
    )
    return reply


def asked_first(study: int) -> tuple[str, ...]:
    """What the page of a study asks for first, as the browser app writes it."""
    root = f"/api/v1/studies/{study}"
    return "/api/v1/me", f"{root}/opening", f"{root}/opening/frame", root


@router.get("/icon.svg")
def show_icon(request: Request) -> Response:
    """The icon of the page."""
    return _send(request, "icon.svg", "public, max-age=86400")


@router.get("/assets/{name}")
def show_asset(request: Request, name: str) -> Response:
    """A script or style; only names that the build made are known."""
    return _send(request, f"assets/{name}", FOR_EVER)


def _send(request: Request, name: str, cache: str) -> Response:
    kept = _files(_folder()).get(name)
    if kept is None:
        raise Problem(404, "there is no such file of the browser app; reload the page")
    path, changed = kept
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    is_packed = takes_gzip and path.suffix in TEXTS
    body = _read(path, changed, is_packed)
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    kind = TYPES.get(path.suffix, "application/octet-stream")
    return Response(body, media_type=kind, headers=headers)


def _folder() -> Path:
    return Path(os.environ.get("MEDLENS_WEB_FILES") or FOLDER)


def _files(folder: Path) -> dict[str, tuple[Path, int]]:
    """Names as they are asked for → file, and when it changed.

    Looked up and never joined: no address leads out of the folder.
    """
    try:
        return _listed(folder, (folder / "index.html").stat().st_mtime_ns)
    except OSError:
        return {}


@functools.lru_cache(maxsize=4)
def _listed(folder: Path, _changed: int) -> dict[str, tuple[Path, int]]:
    return {
        path.relative_to(folder).as_posix(): (path, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@functools.lru_cache(maxsize=256)
def _read(path: Path, _changed: int, is_packed: bool) -> bytes:
    data = path.read_bytes()
    if is_packed and len(data) >= SMALLEST:
        return gzip.compress(data, 6, mtime=0)
    return gzip.compress(data, 0, mtime=0) if is_packed else data
