"""Small parts of the road of volumes: slices, history, sentences, commands."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from medlens.core import Geometry, Image, Provenance
from medlens.experiment.folder import open_run_folder, write_json
from medlens.experiment.history import write_history
from medlens.experiment.identity import command_line
from medlens.experiment.request import Request
from medlens.experiment.road import _prepared_bytes
from medlens.experiment.slices import one_slice
from medlens.experiment.words import headline
from medlens.recipe import NetSettings, Recipe, TaskSettings
from medlens.recipe.settings import Form
from medlens.train import EpochResult


def volume() -> Image:
    """Six slices 3 mm apart, each full of its own index."""
    array = np.broadcast_to(np.arange(6, dtype=np.int16)[:, None, None], (6, 4, 5))
    affine = np.diag([3.0, 1.0, 0.5, 1.0])
    return Image(
        np.ascontiguousarray(array)[None],
        Geometry(affine, is_calibrated=True),
        valid_min=0,
        valid_max=255,
        provenance=Provenance(case="case 1"),
    )


@pytest.mark.parametrize("d", [0, 3, 5])
def test_a_slice_keeps_its_place_in_the_patient(d: int) -> None:
    whole = volume()
    part = one_slice(whole, d)
    assert part.array.shape == (1, 1, 4, 5)
    assert (part.array == d).all()
    index = np.array([0, 2, 3, 1.0])
    expected = whole.geometry.affine @ (index + np.array([d, 0, 0, 0]))
    np.testing.assert_allclose(part.geometry.affine @ index, expected)
    assert part.geometry.spacing == whole.geometry.spacing


def test_history_names_its_score(tmp_path: Path) -> None:
    row = EpochResult(1, 50, 1e-3, 0.5, 0.25, 0.875, 2.0)
    for score in ("auroc", "dice"):
        write_history(tmp_path / "history.csv", [row, row], score=score)
        with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [float(r[f"validation_{score}"]) for r in rows] == [0.875, 0.875]
        assert float(rows[0]["validation_loss"]) == 0.25
        assert int(rows[0]["step"]) == 50
    assert [p.name for p in tmp_path.iterdir()] == ["history.csv"]


def test_the_command_that_repeats_a_run_names_its_task() -> None:
    plain = Request(Path("/somewhere/my data"), budget=60.0)
    assert command_line(plain) == "medlens run 'my data' --budget 60s --seed 0"
    masks = Request(Path("/somewhere/d"), budget=60.0, task="segment", seed=4)
    assert command_line(masks) == ("medlens run d --task segment --budget 60s --seed 4")


def test_the_answer_of_masks_is_told_label_by_label() -> None:
    found = {"value": 0.9, "low": 0.8, "high": 0.95, "method": "…"}
    present = {"value": 0.7, "low": None, "high": None, "method": "…"}
    entry = {
        "n_cases": 4,
        "n_patients": 4,
        "unit": "images",
        "counted": "group",
        "n_groups": 4,
        "labels": ["liver"],
        "length_unit": "px",
        "metrics": {"dice": found, "dice_present": present},
        "per_label": {"liver": {"metrics": {"dice": found}}},
    }
    metrics = {"task": {"form": "segment"}, "splits": {"validation": entry}}
    lines = headline(metrics)
    assert lines[0] == "On the validation split, 95 % intervals:"
    assert "  Dice of liver            0.900 (0.800–0.950)" in lines
    assert "  Dice where it is present 0.700" in lines
    entry["unit"] = "volumes"
    assert not any("where it is present" in line for line in headline(metrics))


@pytest.mark.parametrize(
    ("form", "spacing", "size"),
    [
        ("segment", (1.0, 1.0, 1.0), 100 * 200 * 300 * 2),  # a value and a label each
        ("segment", (2.0, 2.0, 2.0), 100 * 200 * 300 * 2 / 8),
        ("segment", (), 100 * 200 * 300 * 2),
        ("volume", (1.0, 1.0, 1.0), 8 * 16 * 32),
        ("sequence", (), 100 * 16 * 32),  # 8 slices a step, but all of them are kept
    ],
)
def test_disk_is_looked_for_by_what_is_prepared(
    tmp_path: Path, form: Form, spacing: tuple[float, ...], size: float
) -> None:
    folder = open_run_folder(tmp_path / "run", request={}, force=False)
    shape = {"depth": 100, "height": 200, "width": 300, "spacings": [1.0, 1.0, 1.0]}
    write_json(folder.file("audit.json"), {"fingerprint": shape})
    recipe = Recipe(
        task=TaskSettings(form=form),
        net=NetSettings(depth=8, height=16, width=32, spacing=spacing),
    )
    assert _prepared_bytes(folder, recipe)[0] == pytest.approx(size)
