"""Evidence and masks as pictures, checked pixel by pixel."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medlens.core.diagnosis import (
    Algorithm,
    Assessment,
    Evidence,
    Finding,
    ImageRef,
)
from medlens.predict.diagnose import RESAMPLED
from medlens.serve.work import maps as module
from medlens.serve.work.look import Looked
from medlens.serve.work.maps import (
    EvidenceMap,
    Maps,
    MaskMap,
    pack_maps,
    read_evidence,
    read_maps,
    read_mask,
)


def looked(
    depth: int, evidence: Evidence, *findings: str, notes: tuple[str, ...] = ()
) -> Looked:
    return Looked(
        task=None,  # type: ignore[arg-type]  # maps look at the answer alone
        assessment=Assessment(
            Algorithm("tiny", "ab" * 32, "0", "volume", "multilabel"),
            "assessed",
            "refer",
            tuple(ImageRef(f"image {d}", "", f"1.2.{d}") for d in range(depth)),
            findings=tuple(
                Finding(x, f"label {x}", None, is_present=True) for x in findings
            ),
            notes=notes,
        ),
        evidence=evidence,
    )


def packed(folder: Path, *items: Looked) -> Path:
    data = pack_maps(items)
    assert data is not None
    path = folder / "maps.zip"
    path.write_bytes(data)
    return path


def picture(data: bytes | None) -> Any:
    assert data is not None
    assert data.startswith(b"\x89PNG")
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_grey_is_the_share_of_the_strongest_support_anywhere(tmp_path: Path) -> None:
    volume = np.zeros((4, 6, 8), np.float32)
    volume[0, 0, 0] = 2.0
    volume[1] = -5.0  # against it
    volume[3, 5, 7] = 4.0
    volume[3, 2, 2] = 1.0
    path = packed(tmp_path, looked(4, Evidence({"1": volume}), "1"))
    assert read_maps(path) == Maps((EvidenceMap(0, "1", (0, 3)),), ())

    def grey(d: int) -> Any:
        return picture(read_evidence(path, assessment=0, finding="1", slice_index=d))

    assert (grey(0).shape, grey(0).dtype) == ((6, 8), np.uint8)
    assert (grey(0)[0, 0], grey(0).sum()) == (128, 128)
    assert (grey(3)[5, 7], grey(3)[2, 2], grey(3).sum()) == (255, 64, 319)
    assert read_evidence(path, assessment=0, finding="1", slice_index=1) is None
    assert read_evidence(path, assessment=0, finding="2", slice_index=0) is None
    assert read_evidence(path, assessment=1, finding="1", slice_index=0) is None


def test_a_large_map_is_made_small_from_edge_to_edge(tmp_path: Path) -> None:
    image = np.zeros((1, 1024, 512), np.float32)
    image[0, :512] = 3.0  # the upper half
    path = packed(tmp_path, looked(1, Evidence({"1": image}), "1"))
    small = picture(read_evidence(path, assessment=0, finding="1", slice_index=0))
    assert small.shape == (256, 128)
    assert (small[:128] == 255).all()
    assert (small[128:] == 0).all()


def test_a_map_of_the_key_slice_alone_knows_which_it_is(tmp_path: Path) -> None:
    evidence = Evidence({"7": np.ones((1, 4, 4), np.float32)}, first_slice=5)
    path = packed(tmp_path, looked(9, evidence, "7"))
    assert read_maps(path).evidence == (EvidenceMap(0, "7", (5,)),)
    shown = read_evidence(path, assessment=0, finding="7", slice_index=5)
    assert (picture(shown) == 255).all()


def test_a_coarser_map_says_so(tmp_path: Path) -> None:
    maps = np.zeros((3, 8, 6), np.float32)
    maps[1] = 1.0
    path = packed(tmp_path, looked(3, Evidence({"7": maps}, grid=(8, 6)), "7"))
    assert read_maps(path).evidence == (EvidenceMap(0, "7", (1,), (8, 6)),)
    shown = picture(read_evidence(path, assessment=0, finding="7", slice_index=1))
    assert shown.shape == (8, 6)


def test_an_archive_of_old_names_no_grid(tmp_path: Path) -> None:
    path = tmp_path / "maps.zip"
    said = {"assessment": 0, "finding": "7", "slices": [1]}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("maps.json", json.dumps({"evidence": [said], "masks": []}))
    assert read_maps(path).evidence == (EvidenceMap(0, "7", (1,), None),)


def test_a_mask_is_what_it_was(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 3, (5, 300, 400)).astype(np.uint8)
    mask[2] = 0
    labels = ("background", "liver", "tumour")
    nothing = looked(5, Evidence())
    path = packed(tmp_path, nothing, looked(5, Evidence(mask=mask, labels=labels)))
    assert read_maps(path).masks == (MaskMap(1, labels, (0, 1, 3, 4)),)
    for d in (0, 1, 3, 4):
        shown = picture(read_mask(path, assessment=1, slice_index=d))
        assert np.array_equal(shown, mask[d])
    assert read_mask(path, assessment=1, slice_index=2) is None
    assert read_mask(path, assessment=0, slice_index=0) is None


@pytest.mark.parametrize(
    "item",
    [
        looked(1, Evidence()),
        looked(1, Evidence({"1": np.full((1, 4, 4), -1, np.float32)}), "1"),
        looked(1, Evidence({"1": np.full((1, 4, 4), np.nan, np.float32)}), "1"),
        looked(2, Evidence(mask=np.zeros((2, 4, 4), np.uint8), labels=("b", "x"))),
        # Slices that are no image's.
        looked(2, Evidence({"1": np.ones((3, 4, 4), np.float32)}), "1"),
        looked(
            2, Evidence({"1": np.ones((2, 4, 4), np.float32)}), "1", notes=(RESAMPLED,)
        ),
        looked(2, Evidence(mask=np.ones((3, 4, 4), np.uint8), labels=("b", "x"))),
    ],
)
def test_where_there_is_nothing_to_show(item: Looked) -> None:
    assert pack_maps([item]) is None


def test_an_answer_that_could_not_be_given_has_none() -> None:
    item = looked(1, Evidence({"1": np.ones((1, 4, 4), np.float32)}), "1")
    failed = replace(item.assessment, status="not_assessable")
    assert pack_maps([replace(item, assessment=failed)]) is None


def test_the_bound_leaves_out_what_matters_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 20_000)
    noise = np.random.default_rng(1).random((1, 256, 256)).astype(np.float32)
    path = packed(tmp_path, looked(1, Evidence({"1": noise, "2": noise}), "2", "1"))
    assert [each.finding for each in read_maps(path).evidence] == ["2"]


def test_the_same_answer_has_the_same_bytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).random((3, 64, 64)).astype(np.float32)
    item = looked(3, Evidence({"1": noise}), "1")
    assert pack_maps([item]) == pack_maps([item])
    with zipfile.ZipFile(packed(tmp_path, item)) as archive:
        assert json.loads(archive.read("maps.json"))["schema"] == "medlens/maps/1"
        assert "1.2.0" not in archive.read("maps.json").decode()
