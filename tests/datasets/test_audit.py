"""The whole audit on small folders, and the contract of audit.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from audit_kit import manifest_of, texture, write

from medlens.core import DataError
from medlens.datasets import audit, read_manifest
from medlens.datasets.audit import Audit
from medlens.datasets.manifest import Manifest

NO, YES = (1, 0), (0, 1)


@pytest.fixture(scope="module")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Twenty-four textures of two classes with one flaw of each kind."""
    folder = tmp_path_factory.mktemp("flawed")
    images = {f"{at:02d}.png": texture(at) for at in range(24)}
    images["identical.png"] = images["00.png"]
    images["flipped.png"] = np.ascontiguousarray(images["01.png"][:, ::-1])
    images["cropped.png"] = images["02.png"][:140, 12:]
    images["blank.png"] = np.full((100, 100), 40, np.uint8)
    images["inverted.png"] = 255 - texture(99)
    write(folder, images)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    names = [*images, "broken.png"]
    rows = [(name, YES if at % 2 else NO) for at, name in enumerate(names)]
    given = {"identical.png": YES, "flipped.png": YES, "cropped.png": NO}
    rows = [(name, given.get(name, label)) for name, label in rows]
    return audit(
        manifest_of(
            folder,
            rows,
            patients={"04.png": "P-01", "05.png": "p1", "06.png": "P2", "07.png": "P2"},
            splits={"02.png": "train", "cropped.png": "test", "04.png": "train"}
            | {"05.png": "validation", "06.png": "train", "07.png": "train"},
        )
    )


def test_copies_are_grouped_whatever_was_done_to_them(flawed: Audit) -> None:
    assert flawed.near_duplicates == [
        ["00.png", "identical.png"],
        ["01.png", "flipped.png"],
        ["02.png", "cropped.png"],
    ]
    assert flawed.exact_duplicates == [["00.png", "identical.png"]]


def test_conflicts_broken_blank_and_inverted_images_are_named(flawed: Audit) -> None:
    assert [(c.cases, c.labels) for c in flawed.label_conflicts] == [
        (["00.png", "identical.png"], ["no", "yes"])
    ]
    assert [case for case, _ in flawed.unreadable] == ["broken.png"]
    assert flawed.constant == ["blank.png"]
    assert flawed.inverted == ["inverted.png"]


def test_given_splits_that_part_patients_or_copies_are_leaks(flawed: Audit) -> None:
    assert [(leak.reason, leak.cases) for leak in flawed.leaks] == [
        ("same patient", ["04.png", "05.png"]),
        ("near-duplicate", ["02.png", "cropped.png"]),
    ]
    assert flawed.patients == 2


def test_groups_bind_patients_and_copies_and_nothing_else(flawed: Audit) -> None:
    groups = flawed.groups
    assert len(groups) == flawed.cases == 30
    sizes = np.bincount(groups)
    assert sorted(sizes)[-5:] == [2, 2, 2, 2, 2]
    assert len(sizes) == 25
    assert groups[4] == groups[5]
    assert groups[0] == groups[24]
    assert {(i, j) for i, j in flawed.pairs()} >= {(0, 24), (4, 5), (6, 7)}


def test_json_keeps_the_contract(flawed: Audit) -> None:
    made = json.loads(json.dumps(flawed.to_json()))
    assert made["schema"] == "medlens/audit/1"
    assert made["cases"] == 30
    assert made["near_duplicates"][0] == ["00.png", "identical.png"]
    assert set(made["unreadable"][0]) == {"case", "reason"}
    assert set(made["label_conflicts"][0]) == {"reason", "labels", "cases"}
    assert set(made["leaks"][0]) == {"reason", "cases", "splits"}
    assert isinstance(made["shortcuts"], list)
    assert made["warnings"] == flawed.warnings
    assert made["classes"] == {"no": 14, "yes": 15}  # the broken file not counted
    assert made["groups"] == 25
    assert made["fingerprint"]["cases"] == 29


def test_every_key_of_the_json_is_documented(flawed: Audit) -> None:
    page = Path(__file__).parents[2] / "docs" / "audit.md"
    text = page.read_text(encoding="utf-8")
    for key in flawed.to_json():
        assert f"`{key}`" in text, key
    for key in flawed.fingerprint.to_json():
        assert f"`{key}`" in text, key


def test_sentences_say_what_was_found_and_name_no_patient(flawed: Audit) -> None:
    said = " ".join(flawed.sentences())
    for words in (
        "6 images are copies or near-copies of another, in 3 groups",
        "1 image or group of copies has contradicting labels",
        "1 image cannot be read and takes no part",
        "1 image is blank",
        "1 image has dark and bright exchanged",
        "The given splits part 1 patient (2 images)",
        "1 patient is spelled in more than one way",
    ):
        assert words in said
    assert "P-01" not in json.dumps(flawed.to_json())


def test_clean_data_gives_no_warning(tmp_path: Path) -> None:
    images = {f"{at}.png": texture(at) for at in range(40)}
    write(tmp_path, images)
    rows = [(name, YES if at % 2 else NO) for at, name in enumerate(images)]
    found = audit(manifest_of(tmp_path, rows))
    assert found.sentences() == []
    assert len(set(found.groups)) == 40


@pytest.mark.parametrize(
    ("labels", "targets"),
    [((), [(), (), (), ()]), (("a", "b", "c"), [(1, 0, -1), (0, 1, 1)] * 2)],
)
def test_no_labels_and_several_labels_a_case_work(
    tmp_path: Path, labels: tuple[str, ...], targets: Sequence[tuple[int, ...]]
) -> None:
    images = {f"{at}.png": texture(at // 2) for at in range(4)}  # two pairs
    write(tmp_path, images)
    rows = list(zip(images, targets, strict=True))
    found = audit(manifest_of(tmp_path, rows, labels=labels, kind="multilabel"))
    assert found.near_duplicates == [["0.png", "1.png"], ["2.png", "3.png"]]
    assert len(found.label_conflicts) == (2 if labels else 0)
    json.dumps(found.to_json())


def test_a_data_set_of_one_image_can_be_audited(tmp_path: Path) -> None:
    write(tmp_path, {"a.png": texture(0)})
    found = audit(manifest_of(tmp_path, [("a.png", YES)]))
    assert found.groups == (0,)
    assert "'yes' has 1 image" in " ".join(found.warnings)


def test_nothing_readable_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("words")
    with pytest.raises(DataError, match=r"none of its 1 images can be read.*a\.png: "):
        audit(manifest_of(tmp_path, [("a.png", YES)]))
    with pytest.raises(DataError, match="DATA holds no case"):
        audit(Manifest(tmp_path, (), "binary", ("no", "yes")))


def test_progress_counts_every_case(tmp_path: Path) -> None:
    images = {f"{at}.png": texture(at) for at in range(6)}
    write(tmp_path, images)
    seen: list[tuple[int, int]] = []
    audit(
        manifest_of(tmp_path, [(name, YES) for name in images]),
        progress=lambda done, count: seen.append((done, count)),
    )
    assert seen == [(done, 6) for done in range(1, 7)]


def test_an_audit_says_the_same_twice(tmp_path: Path) -> None:
    images = {f"{at}.png": texture(at % 20) for at in range(30)}
    write(tmp_path, images)
    rows = [(name, YES if at % 2 else NO) for at, name in enumerate(images)]
    one, two = (audit(manifest_of(tmp_path, rows)) for _ in range(2))
    assert one.to_json() == two.to_json()


def test_ct_slices_collected_from_the_web_hold_three_copies(shared_data: Path) -> None:
    found = audit(read_manifest(shared_data / "ct_head_haemorrhage"))
    groups = {frozenset(group) for group in found.near_duplicates}
    assert {
        frozenset({"images/010.jpg", "images/066.jpg"}),
        frozenset({"images/012.jpg", "images/030.jpg"}),
        frozenset({"images/022.jpg", "images/058.jpg"}),
    } <= groups
    assert len(groups) <= 5


def test_slices_of_a_series_are_one_group_and_no_copies(shared_data: Path) -> None:
    folder = shared_data / "ct_head_series_dicom"
    rows = [(path.name, NO) for path in sorted(folder.glob("*.dcm"))]
    found = audit(manifest_of(folder, rows))
    assert found.near_duplicates == []
    assert set(found.groups) == {0}
    assert found.fingerprint.modality == "CT"
