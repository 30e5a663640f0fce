"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import medlens.nets  # noqa: F401  (says how torch's threads wait, before torch loads)


def find_shared_data() -> Path | None:
    """The folder of real images, if this machine has one."""
    named = os.environ.get("MEDLENS_DATA")
    candidates = [Path(named)] if named else []
    candidates.append(Path(__file__).resolve().parents[2] / "shared" / "data")
    return next((folder for folder in candidates if folder.is_dir()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images, or a skip that says what is missing."""
    folder = find_shared_data()
    if folder is None:
        pytest.skip("real images not found: set MEDLENS_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bundle that torch exported; tests that change it copy it first."""
    pytest.importorskip("torch")
    from tests.tiny import make_tiny_bundle

    return make_tiny_bundle(tmp_path_factory.mktemp("tiny") / "bundle")
