"""Bad input: each gets a message that says what to do, and nothing is lost."""

from __future__ import annotations

import csv
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from medlens.datasets import make_shapes
from tests.cli.command import medlens


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 images of 40 patients."""
    return make_shapes(tmp_path_factory.mktemp("bad") / "shapes", n=80)


@pytest.fixture
def copy(shapes: Path, tmp_path: Path) -> Path:
    """A copy of the shapes to spoil."""
    return Path(shutil.copytree(shapes, tmp_path / "data"))


def rewrite_labels(data: Path, change: Callable[[list[dict[str, str]]], None]) -> None:
    path = data / "labels.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    change(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def refused(data: Path, out: Path, *words: object) -> str:
    """The message of a run that is refused as wrong use; nothing is written."""
    done = medlens("run", data, "--out", out, *words)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("medlens: ") or "Error" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (out / "bundle").exists()
    return done.stderr


def test_missing_data(tmp_path: Path) -> None:
    assert "nowhere" in refused(tmp_path / "nowhere", tmp_path / "out")


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    message = refused(tmp_path / "empty", tmp_path / "out")
    assert "no " in message


def test_one_class_only(copy: Path, tmp_path: Path) -> None:
    rewrite_labels(copy, lambda rows: [r.update(label="disc") for r in rows] and None)
    message = refused(copy, tmp_path / "out")
    assert "one class" in message
    assert "wanted two" in message


def test_one_patient_only(copy: Path, tmp_path: Path) -> None:
    rewrite_labels(copy, lambda rows: [r.update(patient="P1") for r in rows] and None)
    assert "one patient" in refused(copy, tmp_path / "out")


def test_fewer_than_ten_cases_of_a_class(copy: Path, tmp_path: Path) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        rings = [row for row in rows if row["label"] == "ring"]
        for row in rings[6:]:
            rows.remove(row)

    rewrite_labels(copy, change)
    message = refused(copy, tmp_path / "out")
    assert "ring" in message
    assert "10" in message


def test_labels_that_name_no_file_at_all(copy: Path, tmp_path: Path) -> None:
    rewrite_labels(
        copy,
        lambda rows: [r.update(image="gone/" + r["image"]) for r in rows] and None,
    )
    message = refused(copy, tmp_path / "out")
    assert "gone" in message or "no file" in message or "missing" in message


def test_contradicting_labels_of_one_file(copy: Path, tmp_path: Path) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        other = {"disc": "ring", "ring": "disc"}[rows[0]["label"]]
        rows.append({**rows[0], "label": other})

    rewrite_labels(copy, change)
    done = medlens("audit", copy, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out" / "audit.json").read_text()
    assert "00000.png" in text
    assert "label_conflicts" in text


def test_unknown_label_column_lists_the_columns(shapes: Path, tmp_path: Path) -> None:
    message = refused(shapes, tmp_path / "out", "--label-column", "diagnosis")
    assert "diagnosis" in message
    assert "label" in message


@pytest.mark.parametrize(
    ("budget", "wanted"),
    [("1s", "20 s"), ("soon", "wanted a number"), ("-5m", "wanted a number")],
)
def test_budget_that_is_none(
    shapes: Path, tmp_path: Path, budget: str, wanted: str
) -> None:
    assert wanted in refused(shapes, tmp_path / "out", f"--budget={budget}")


def test_recipe_with_a_misspelt_key(shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("[train]\nlerning_rate = 0.1\n")
    message = refused(shapes, tmp_path / "out", "--recipe", tmp_path / "r.toml")
    assert "train.lerning_rate is unknown; nearest: train.learning_rate" in message


def test_out_is_a_file(shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    message = refused(shapes, tmp_path / "out")
    assert "is a file" in message
    assert (tmp_path / "out").read_text() == "mine"


def test_files_of_others_are_never_overwritten(shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.json").write_text("precious")
    message = refused(shapes, tmp_path / "out")
    assert "--force" in message
    assert (tmp_path / "out" / "metrics.json").read_text() == "precious"


def spoil(data: Path) -> dict[str, str]:
    """Replace some images by rubbish; returns case → a word of the reason."""
    images = sorted((data / "images").glob("*.png"))
    rng = np.random.default_rng(0)
    whole = images[0].read_bytes()
    images[1].write_bytes(b"")
    images[2].write_text("Dear doctor, the patient Jane Doe has ...")
    images[3].write_bytes(b"%PDF-1.7\n" + bytes(200))
    images[4].write_bytes(whole[: len(whole) // 2])
    done, jpeg = cv2.imencode(".jpg", rng.integers(0, 255, (64, 64), np.uint8))
    assert done
    images[5].write_bytes(jpeg.tobytes()[: len(jpeg) // 2])
    header = bytearray(whole)
    header[16:24] = (20_001).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    images[6].write_bytes(bytes(header))
    return {
        f"images/{images[1].name}": "empty",
        f"images/{images[2].name}": "text",
        f"images/{images[3].name}": "PDF",
        f"images/{images[4].name}": "",
        f"images/{images[5].name}": "",
        f"images/{images[6].name}": "20",
    }


def test_unreadable_files_are_listed_and_the_rest_go_on(
    copy: Path, tmp_path: Path
) -> None:
    import json

    wanted = spoil(copy)
    done = medlens("audit", copy, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    found = {e["case"]: e["reason"] for e in json.loads(done.stdout)["unreadable"]}
    assert set(found) == set(wanted)
    for case, word in wanted.items():
        assert word.lower() in found[case].lower()
    assert "Jane" not in done.stdout + done.stderr


def test_odd_but_sound_images_are_read(copy: Path, tmp_path: Path) -> None:
    import json

    from PIL import Image as Pillow

    images = sorted((copy / "images").glob("*.png"))
    grey = np.asarray(Pillow.open(images[0]).convert("L"))
    Pillow.fromarray(grey.astype(np.uint16) * 257).save(images[1])
    Pillow.fromarray(grey > 100).save(images[2])
    rgba = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)
    Pillow.fromarray(rgba, "RGBA").save(images[3])
    cmyk = Pillow.fromarray(np.stack([255 - grey] * 3, -1), "RGB").convert("CMYK")
    cmyk.save(images[4], format="JPEG", quality=95)
    done = medlens("audit", copy, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["unreadable"] == []
