"""The model card: complete for a hospital, safe for a renderer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from medlens.bundle import Bundle
from medlens.core import DataError
from medlens.metrics import Calibration
from medlens.report import write_card

from .phantom_run import LABELS, write_phantom


def read(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text())
    return found


@pytest.mark.parametrize("kind", sorted(LABELS))
def test_card_names_what_a_hospital_asks_for(tmp_path: Path, kind: str) -> None:
    folder = write_phantom(tmp_path, kind=kind)
    card = write_card(folder / "bundle")
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    wanted = ["Intended use", "Data", "Performance", "Limits", "Digests (SHA-256)"]
    assert [h for h in headings if h[3:] in wanted] == [f"## {w}" for w in wanted]
    assert card.lower().count("not a medical device") == 1
    assert "ab" * 32 in card
    assert "cd" * 32 not in card  # its own digest cannot stand in it
    for label in LABELS[kind]:
        assert label in card
    value = read(folder, "metrics.json")["splits"]["test"]["metrics"]["auroc"]["value"]
    assert f"| AUROC | {value:.3f} (" in card


def test_folder_mapping_and_splits_give_the_same_figures(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path)
    note, metrics = read(folder, "bundle/bundle.json"), read(folder, "metrics.json")
    whole = write_card(folder / "bundle")
    assert write_card(note) == whole
    assert write_card({**note, "metrics": {}}, metrics) == whole
    assert write_card({**note, "metrics": {}}, metrics["splits"]) == whole
    assert "Nothing was measured" in write_card({**note, "metrics": {}})


def test_bundle_in_memory_has_no_digest_of_its_own_yet(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path)
    metrics = read(folder, "metrics.json")
    bundle = Bundle(
        name="brain",
        kind="binary",
        labels=LABELS["binary"],
        positive="tumour",
        channels=3,
        height=96,
        width=64,
        steps=(),
        calibration=Calibration.identity(2, kind="binary"),
        operating_points=(),
        conformal=None,
        outlier=None,
        model=b"graph",
    )
    card = write_card(bundle, metrics["splits"])
    assert hashlib.sha256(b"graph").hexdigest() in card
    assert "| bundle |" not in card
    assert "card.md" not in card
    assert "seen as colour at 96 × 64 pixels" in card
    assert "Measured on the test split." in card


def test_every_table_row_has_as_many_cells_as_its_head(tmp_path: Path) -> None:
    card = write_card(write_phantom(tmp_path, kind="multilabel") / "bundle")
    width = 0
    for line in card.splitlines():
        if line.startswith("|---"):
            width = line.count("|")
        elif line.startswith("|") and width:
            assert line.replace("\\|", "").count("|") == width
        elif not line.startswith("|"):
            width = 0


def test_hostile_labels_stay_text() -> None:
    label = "</td><script>x</script> | [a](javascript:b) `c` *d*\n# e"
    task = {"kind": "multiclass", "labels": [label, "b"]}
    card = write_card(
        {"name": label, "task": task, "intended_use": label},
        {"test": {"metrics": {}, "per_label": {label: {}}}},
    )
    assert "<script" not in card
    assert "](javascript" not in card.replace("\\]\\(", "")
    assert "\n# e" not in card
    assert " | \\[" not in card


def test_folder_without_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no readable bundle\.json"):
        write_card(tmp_path)
