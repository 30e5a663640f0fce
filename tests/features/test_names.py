"""The table of features, its page, and the room's front door."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import medlens.features as room
from medlens.features import FEATURES, VOLUME_FEATURES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "features.md"


@pytest.mark.parametrize("table", [FEATURES, VOLUME_FEATURES])
def test_docs_list_every_feature(table):
    lines = set(PAGE.read_text(encoding="utf-8").splitlines())
    rows = [
        f"| `{name}` | {feature.code} | {feature.unit} | {feature.meaning} |"
        for name, feature in table.items()
    ]
    assert [row for row in rows if row not in lines] == []


def test_docs_list_no_other_feature():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    named = {line.split("`")[1] for line in lines if line.startswith("| `")}
    features = {name for name in named if "(" not in name}
    assert features == set(FEATURES) | set(VOLUME_FEATURES)


def test_docs_name_every_public_function():
    text = PAGE.read_text(encoding="utf-8")
    functions = [name for name in room.__all__ if name[0].islower()]
    assert [name for name in functions if f"`{name}(" not in text] == []


def test_names_say_their_family_in_plain_ascii():
    for name, feature in (FEATURES | VOLUME_FEATURES).items():
        assert name.isascii()
        assert name == name.lower()
        assert name.replace("_", "").isalnum()
        assert feature.unit
        assert feature.meaning
        assert "\n" not in feature.meaning


def test_codes_are_unique_in_a_table():
    for table in (FEATURES, VOLUME_FEATURES):
        codes = [feature.code for feature in table.values() if feature.code]
        assert len(codes) == len(set(codes))


def test_every_public_name_is_there():
    assert len(room.__all__) <= 30
    for name in room.__all__:
        assert getattr(room, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = room.nothing


def test_functions_are_not_hidden_by_modules():
    for name in room.__all__:
        assert type(getattr(room, name)).__name__ != "module", name


def test_importing_the_room_is_cheap():
    heavy = "cv2 scipy sklearn skimage mirp nibabel"
    code = (
        "import sys, medlens.features;"
        f"print([m for m in '{heavy}'.split() if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
