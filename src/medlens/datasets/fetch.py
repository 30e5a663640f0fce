"""Download a file: resumed where it stopped, checked, put in place whole."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from medlens.core import ResourceError, TamperedError

Progress = Callable[[int, int], None]
"""Told how much is done and how much there is, in the unit of the work."""

_CHUNK = 1 << 20
_TRIES = 3
_TIMEOUT_S = 60.0


def digest_of(path: Path, kind: str) -> str:
    """Hex digest of a file; kind is "md5" or "sha256"."""
    # MD5 is what the publishers give; it guards against damage, not malice.
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_intact(path: Path, digest: str, *, kind: str) -> bool:
    """True for a file that is there with the wanted digest."""
    return path.is_file() and digest_of(path, kind) == digest


def download(
    address: str,
    target: Path,
    *,
    digest: str,
    kind: str,
    max_bytes: int,
    progress: Progress | None = None,
) -> Path:
    """Fetch a file unless an intact copy is there.

    What has arrived stays in `<name>.part` when the connection breaks or the
    program is stopped; the next call goes on from there.

    Args:
        address: http(s) address.
        target: where the file goes; its folder is made.
        digest, kind: the wanted hex digest, "md5" or "sha256".
        max_bytes: a longer answer is refused.
        progress: told bytes done and bytes in all.

    Raises:
        ResourceError: no connection, no such file, disk full, or too large.
        TamperedError: the whole file arrived and is not the published one.
    """
    if is_intact(target, digest, kind=kind):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    error: Exception | None = None
    for _ in range(_TRIES):
        try:
            _receive(address, part, max_bytes=max_bytes, progress=progress)
            break
        except urllib.error.HTTPError as failed:
            if failed.code == 416:  # the part is already whole, or longer
                break
            raise ResourceError(
                f"{target.name}: the server answered {failed.code} {failed.reason}; "
                f"try later, or put the file at '{target.name}' yourself"
            ) from None
        except (urllib.error.URLError, http.client.HTTPException, OSError) as failed:
            if isinstance(failed, OSError) and failed.errno == 28:
                raise ResourceError(
                    f"{target.name}: the disk is full; free space and run this again"
                ) from None
            error = failed
    else:
        reason = getattr(error, "reason", error)
        raise ResourceError(
            f"{target.name}: no connection after {_TRIES} tries ({reason}); check the "
            "network and run this again, it goes on where it stopped"
        )
    if not is_intact(part, digest, kind=kind):
        part.unlink(missing_ok=True)
        raise TamperedError(
            f"{target.name}: what arrived is not the published file ({kind} differs); "
            "it was deleted, run this again"
        )
    part.replace(target)
    return target


def _receive(
    address: str, part: Path, *, max_bytes: int, progress: Progress | None
) -> None:
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "medlens"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        if answer.status != 206:
            have = 0  # the server starts over, and so do we
        total = have + int(answer.headers.get("Content-Length") or 0)
        free = shutil.disk_usage(part.parent).free
        if total > max_bytes or total - have > free:
            raise ResourceError(
                f"{part.name}: {total / 2**20:,.0f} MB announced; at most "
                f"{min(max_bytes, free) / 2**20:,.0f} MB fit"
            )
        with part.open("ab" if have else "wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                if have > max_bytes:
                    raise ResourceError(
                        f"{part.name}: longer than {max_bytes / 2**20:,.0f} MB"
                    )
                if progress is not None:
                    progress(have, max(total, have))
        if total and have < total:
            raise http.client.IncompleteRead(b"", total - have)
