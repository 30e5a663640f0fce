"""The committed files of the browser app are what its source builds to."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEB, BUILT = ROOT / "web", ROOT / "src" / "medlens" / "serve" / "static"
OLDEST_NODE = (20, 19)
FIRST_LOAD = 250_000  # bytes of JavaScript, packed, before the viewer is wanted


def _node() -> tuple[int, ...]:
    if shutil.which("node") is None:
        return ()
    said = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=False
    )
    return tuple(int(part) for part in re.findall(r"\d+", said.stdout)[:2])


@pytest.fixture(scope="module")
def npm() -> str:
    if _node() < OLDEST_NODE:
        pytest.skip("building the browser app needs Node 20.19 or newer")
    if not (WEB / "node_modules").is_dir():
        pytest.skip("web/node_modules is not there; `sh test.sh` installs it")
    return "npm"


def test_the_lock_file_holds_all_that_it_names() -> None:
    # `npm ci` refuses a lock file that names a package without its version, which is
    # what npm writes when an optional package could not be found.
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    lost = [
        f"{of or 'package.json'} wants {name}"
        for of, package in packages.items()
        for kind in ("dependencies", "optionalDependencies")
        for name in package.get(kind, {})
        if not any(f"{place}node_modules/{name}" in packages for place in _places(of))
    ]
    assert lost == []


def _places(of: str) -> list[str]:
    """Where a package's own packages may lie: beside it, then further out."""
    parts = of.split("/node_modules/")
    inner = ["/node_modules/".join(parts[:n]) + "/" for n in range(len(parts), 0, -1)]
    return [*(inner if of else []), ""]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_the_committed_files_are_the_source_s(npm: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [npm, "run", "build"],
        cwd=WEB,
        env={**os.environ, "MEDLENS_WEB_FILES": str(tmp_path / "built")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    anew, kept = _files(tmp_path / "built"), _files(BUILT)
    assert sorted(anew) == sorted(kept), "run `npm run build` in web/ and commit"
    assert [name for name in anew if anew[name] != kept[name]] == []


@pytest.mark.slow
def test_types_are_those_of_the_api(npm: str, tmp_path: Path) -> None:
    made = tmp_path / "schema.ts"
    command = ["npx", "openapi-typescript", "../docs/openapi.json", "-o", str(made)]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, check=False)
    assert npm
    assert done.returncode == 0, done.stdout + done.stderr
    kept = (WEB / "src" / "core" / "api" / "schema.ts").read_text(encoding="utf-8")
    assert made.read_text(encoding="utf-8") == kept, "run `npm run types` in web/"


@pytest.mark.slow
def test_style_types_and_unit_tests(npm: str) -> None:
    done = subprocess.run(
        [npm, "run", "check"], cwd=WEB, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def _loaded_at_once(page: str) -> set[str]:
    """Scripts that a page names, and those that they import before they run."""
    wanted = set(re.findall(r'(?:src|href)="/assets/([^"]+\.js)"', page))
    seen: set[str] = set()
    while wanted - seen:
        name = (wanted - seen).pop()
        seen.add(name)
        text = (BUILT / "assets" / name).read_text(encoding="utf-8")
        static = re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', text)
        wanted |= set(static)
    return seen


def test_the_first_load_is_small() -> None:
    names = _loaded_at_once((BUILT / "index.html").read_text(encoding="utf-8"))
    assert names
    size = sum(
        len(gzip.compress((BUILT / "assets" / name).read_bytes(), 6)) for name in names
    )
    assert size < FIRST_LOAD


def test_the_files_name_no_other_host_to_load_from() -> None:
    for name, data in _files(BUILT).items():
        if name.endswith(".css"):
            assert not re.search(rb"url\(\s*['\"]?(?:https?:)?//", data), name
            assert b"@import" not in data, name
