"""Bundles of series, volumes and masks: written, loaded, and held to sense."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medlens.bundle import Bundle, load_bundle, write_bundle
from medlens.bundle.save import note_digest, text_of
from medlens.core import BundleError
from medlens.metrics import Calibration, OperatingPoint
from medlens.recipe.settings import SlidingSettings
from tests.bundle.test_round_trip import same
from tests.tiny import CARD, bundle_of, plain_graph

MODEL = plain_graph()
LABELS = ("background", "liver", "lesion")


def mask_bundle() -> Bundle:
    plain = bundle_of(plain_graph((1.0, 2.0, 3.0)), labels=LABELS, kind="multiclass")
    return replace(
        plain,
        form="segment",
        conformal=None,
        depth=1,
        context=2,
        sliding=SlidingSettings(0.25, 2, (0, 2), "float16", 900.0),
        net_mb=123.5,
        keep_largest=("liver",),
    )


def sequence_bundle() -> Bundle:
    return replace(
        bundle_of(MODEL),
        form="sequence",
        depth=24,
        reader="lstm",
        slice_labels=True,
        neighbours=0.25,
        series_calibration=Calibration([0.5, 0.5], [0.0, 0.1], "binary"),
        series_points=(OperatingPoint("blob", 0.3, "youden", chosen=True),),
    )


BUNDLES = {
    "segment": mask_bundle(),
    "sequence": sequence_bundle(),
    "volume": replace(bundle_of(MODEL), form="volume", depth=16),
}


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_what_is_written_is_loaded(tmp_path: Path, name: str) -> None:
    digest = write_bundle(tmp_path / "b", BUNDLES[name], card=CARD)
    found = load_bundle(tmp_path / "b")
    assert same(found, replace(BUNDLES[name], digest=digest))


def change(folder: Path, edit: Any) -> None:
    """Change the note and its digest, as a clever stranger would."""
    note = json.loads((folder / "bundle.json").read_text())
    edit(note)
    note["digest"] = note_digest(note)
    (folder / "bundle.json").write_bytes(text_of(note).encode())


def test_a_bundle_from_before_volumes_is_one_of_images(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b", bundle_of(MODEL), card=CARD)
    change(tmp_path / "b", lambda note: note.pop("form"))
    found = load_bundle(tmp_path / "b")
    assert same(found, replace(bundle_of(MODEL), digest=found.digest))
    assert (found.form, found.depth, found.sliding) == ("image", 1, None)


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_every_word_of_the_form_may_be_missing_or_is_asked_for(
    tmp_path: Path, name: str
) -> None:
    write_bundle(tmp_path / "b", BUNDLES[name], card=CARD)
    whole = (tmp_path / "b/bundle.json").read_bytes()
    for key in json.loads(whole)["form"]:
        (tmp_path / "b/bundle.json").write_bytes(whole)
        change(tmp_path / "b", lambda note, key=key: note["form"].pop(key))
        if key == "name" or (key == "reader" and name == "sequence"):
            with pytest.raises(BundleError, match=r"^b: bundle.json: form 'image|seq"):
                load_bundle(tmp_path / "b")
        else:
            load_bundle(tmp_path / "b")


HOSTILE: list[tuple[str, str, Any, str]] = [
    ("segment", "", [], "form is no table"),
    ("segment", "", "segment", "form is no table"),
    ("segment", "name", "detect", "form.name is 'detect'; wanted image, sequence"),
    ("segment", "name", ["segment"], "form.name is"),
    ("segment", "name", "image", "form 'image' with form.context 2; wanted 0"),
    ("volume", "name", "image", "form 'image' with form.depth 16; wanted 1"),
    ("volume", "depth", 0, "form.depth is 0; wanted 1 to 4096"),
    ("volume", "depth", True, "form.depth is True"),
    ("volume", "depth", 10**9, "form.depth is 1000000000"),
    ("volume", "depth", "8", "form.depth is '8'"),
    ("volume", "reader", "lstm", "form 'volume' with form.reader 'lstm'; wanted ''"),
    ("volume", "keep_largest", ["blob"], "form.keep_largest .* wanted"),
    ("volume", "slice_labels", True, "form.slice_labels True; wanted False"),
    ("segment", "context", 32, "form.context is 32; wanted 0 to 31"),
    ("segment", "context", -1, "form.context is -1"),
    ("segment", "depth", 8, "form.context 2 with depth 8"),
    ("segment", "net_mb", 1e9, "form.net_mb is"),
    ("segment", "net_mb", -1, "form.net_mb is -1"),
    ("segment", "net_mb", 10**400, "form.net_mb is"),
    ("segment", "net_mb", "much", "form.net_mb is 'much'"),
    ("segment", "keep_largest", ["spleen"], "unknown label or the background"),
    ("segment", "keep_largest", ["background"], "unknown label or the background"),
    ("segment", "keep_largest", ["liver", "liver"], "each label at most once"),
    ("segment", "keep_largest", "liver", "wanted a list of labels"),
    ("segment", "sliding", [], "form.sliding: wanted a table"),
    ("segment", "sliding", {"overlap": 1.0}, "form.sliding: wanted overlap 0 to 0.9"),
    ("segment", "sliding", {"overlap": 10**400}, "form.sliding: wanted overlap"),
    ("segment", "sliding", {"batch": 2.0}, "form.sliding: wanted overlap"),
    ("segment", "sliding", {"batch": 10**6}, "form.sliding: wanted overlap"),
    ("segment", "sliding", {"mirror": [0, 0]}, "form.sliding: wanted overlap"),
    ("segment", "sliding", {"mirror": [[]]}, "form.sliding: wanted overlap"),
    ("segment", "sliding", {"precision": []}, "form.sliding: wanted overlap"),
    ("segment", "sliding", {"memory_mb": 0}, "form.sliding: wanted overlap"),
    ("segment", "sliding", {"patch": [1, 1, 1]}, "form.sliding: wanted a table"),
    ("sequence", "reader", "rnn", "form.reader is 'rnn'; wanted lstm, gru, none"),
    ("sequence", "reader", "", "form 'sequence' with form.reader ''; wanted lstm"),
    ("sequence", "slice_labels", 1, "form.slice_labels is 1; wanted a truth"),
    ("sequence", "neighbours", 0.4, "form.neighbours is 0.4; wanted 0 to 0.3333"),
    ("sequence", "neighbours", "all", "form.neighbours is 'all'; wanted 0 to"),
    ("volume", "neighbours", 0.2, "form.neighbours 0.2; wanted 0.0"),
    ("sequence", "series_calibration", {"kind": "binary"}, "calibration: scale, bias"),
    (
        "sequence",
        "series_calibration",
        {"kind": "binary", "scale": [1.0], "bias": [0.0]},
        "form.series_calibration is for 1 labels of kind 'binary'",
    ),
    ("sequence", "series_points", [3], "operating point"),
    ("sequence", "series_points", 3, "is incomplete"),
]


@pytest.mark.parametrize(("name", "key", "value", "message"), HOSTILE)
def test_a_form_that_lies_consistently_is_refused(
    tmp_path: Path, name: str, key: str, value: Any, message: str
) -> None:
    write_bundle(tmp_path / "b", BUNDLES[name], card=CARD)

    def edit(note: dict[str, Any]) -> None:
        if key:
            note["form"][key] = value
        else:
            note["form"] = value

    change(tmp_path / "b", edit)
    with pytest.raises(BundleError, match=message):
        load_bundle(tmp_path / "b")


@pytest.mark.parametrize(
    ("change_of", "message"),
    [
        ({"kind": "multilabel"}, "calibration.kind is not task.kind"),
        (
            {"calibration": Calibration([2.0] * 3, [0.0] * 3, "multiclass")},
            "wanted a calibration of scale 1 and bias 0",
        ),
        (
            {"operating_points": (OperatingPoint("liver", 0.5, "youden"),)},
            "wanted no operating points and no conformal sets",
        ),
        ({"channels": 13}, "13 channels with form.context 2 make 65; wanted at most"),
        ({"context": 0, "depth": 1024, "height": 1024, "width": 1024}, "numbers at"),
    ],
)
def test_masks_have_no_decision_for_the_case(
    tmp_path: Path, change_of: dict[str, Any], message: str
) -> None:
    write_bundle(tmp_path / "b", replace(mask_bundle(), **change_of), card=CARD)
    with pytest.raises(BundleError, match=message):
        load_bundle(tmp_path / "b")


def test_points_of_a_series_are_for_its_labels(tmp_path: Path) -> None:
    points = (OperatingPoint("stranger", 0.5, "youden"),)
    bundle = replace(sequence_bundle(), series_points=points)
    write_bundle(tmp_path / "b", bundle, card=CARD)
    with pytest.raises(BundleError, match="series_points is for an unknown"):
        load_bundle(tmp_path / "b")
