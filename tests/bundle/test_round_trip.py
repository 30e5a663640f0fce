"""Bundle → folder → the same bundle; a folder is whole or the old one."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medlens.bundle.save as save_room
from medlens.bundle import Bundle, Proof, load_bundle, note_of, write_bundle
from medlens.core import BundleError, ExistsError, ResourceError
from medlens.metrics import fit_outlier_gate
from medlens.recipe import Step
from tests.tiny import CARD, bundle_of, plain_graph

MODEL = plain_graph()
NAMES = ["bundle.json", "card.md", "model.onnx"]


def gate() -> Any:
    rng = np.random.default_rng(0)
    return fit_outlier_gate(
        rng.normal(size=(40, 6)),
        rng.normal(size=(40, 14)),
        validation_embeddings=rng.normal(size=(20, 6)),
        validation_statistics=rng.normal(size=(20, 14)),
    )


def same(one: Any, other: Any) -> bool:
    """Equality that looks into arrays and dataclasses."""
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if hasattr(one, "__dataclass_fields__"):
        pairs = [(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)]
        return type(one) is type(other) and all(same(a, b) for a, b in pairs)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


BUNDLES = {
    "binary": bundle_of(MODEL, outlier=gate()),
    "multiclass": bundle_of(
        plain_graph((1.0, 2.0, 3.0)), labels=("a", "b", "c"), kind="multiclass"
    ),
    "multilabel": bundle_of(MODEL, kind="multilabel", thresholds=(0.25, 0.75)),
    "bare": replace(bundle_of(MODEL), conformal=None, operating_points=(), metrics={}),
    "int8": replace(
        bundle_of(MODEL), int8=b"8 bits", engines={"int8": Proof(-0.0001, "int8")}
    ),
    "curves": replace(
        bundle_of(MODEL), curves={"schema": "medlens/curves/1", "parts": [{"n": 3}]}
    ),
    "steps": bundle_of(
        MODEL,
        steps=(
            Step("multi_window", {"presets": ("brain", "bone")}),
            Step("resize", {"height": 32, "width": 32, "mode": "fit"}),
        ),
    ),
    "letters": bundle_of(MODEL, labels=("gesund", "größer ✓ \u2028 =1+1")),
}


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_what_is_written_is_loaded(tmp_path: Path, name: str) -> None:
    bundle = BUNDLES[name]
    digest = write_bundle(tmp_path / "b", bundle, card=CARD)
    found = load_bundle(tmp_path / "b")
    assert same(found, replace(bundle, digest=digest))
    wanted = sorted([*NAMES, "model.int8.onnx"]) if bundle.int8 else NAMES
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == wanted
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "ü"]), json_values, max_size=3))
@settings(max_examples=40, deadline=None)
def test_any_summary_survives(
    tmp_path_factory: pytest.TempPathFactory, summary: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("round") / "b"
    bundle = replace(bundle_of(b"model"), metrics=summary, training={"x": summary})
    write_bundle(folder, bundle, card=CARD)
    found = load_bundle(folder)
    assert found.metrics == summary
    assert found.training == {"x": summary}


def test_keys_that_are_numbers_and_tuples_become_what_json_has(tmp_path: Path) -> None:
    bundle = replace(bundle_of(MODEL), metrics={10: (1, 2), 9: "x"})  # type: ignore[dict-item]
    write_bundle(tmp_path / "b", bundle, card=CARD)
    assert load_bundle(tmp_path / "b").metrics == {"10": [1, 2], "9": "x"}


def test_the_digest_names_the_content_not_the_moment(tmp_path: Path) -> None:
    one = write_bundle(tmp_path / "a", bundle_of(MODEL), card=CARD)
    assert one == write_bundle(tmp_path / "b", bundle_of(MODEL), card=CARD)
    others = [
        write_bundle(tmp_path / "c", bundle_of(MODEL), card="other"),
        write_bundle(tmp_path / "d", bundle_of(MODEL + b"\0"), card=CARD),
        write_bundle(tmp_path / "e", bundle_of(MODEL, thresholds=(0.4,)), card=CARD),
        write_bundle(tmp_path / "f", bundle_of(MODEL, name="other"), card=CARD),
    ]
    assert len({one, *others}) == 5
    assert note_of(bundle_of(MODEL), CARD)["digest"] == one


@pytest.mark.parametrize(
    "name",
    ["", "..", ".hidden", "-rf", "a/b", "a b", "a" * 65, "ä", "a\n", "../x", "a\0b"],
)
def test_names_that_could_mean_something_else_are_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(BundleError, match=r"wanted a name of 1 to 64 letters, digits"):
        write_bundle(tmp_path / "b", bundle_of(MODEL, name=name), card=CARD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "chest-3", "Br35H_v1.2", "0", "a" * 64])
def test_plain_names_are_taken(tmp_path: Path, name: str) -> None:
    write_bundle(tmp_path / "b", bundle_of(MODEL, name=name), card=CARD)
    assert load_bundle(tmp_path / "b").name == name


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), "\ud800"])
def test_values_that_could_not_be_loaded_are_not_written(
    tmp_path: Path, value: object
) -> None:
    bundle = replace(bundle_of(MODEL), metrics={"x": value})
    with pytest.raises(BundleError, match="holds a value that JSON cannot hold"):
        write_bundle(tmp_path / "b", bundle, card=CARD)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_never_overwritten_unasked(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    first = write_bundle(folder, bundle_of(MODEL), card=CARD)
    wanted = "b: a bundle is already there; choose another --out, or pass --force"
    with pytest.raises(ExistsError, match=wanted):
        write_bundle(folder, bundle_of(MODEL, name="new"), card=CARD)
    assert load_bundle(folder).digest == first
    second = write_bundle(folder, bundle_of(MODEL, name="new"), card=CARD, force=True)
    assert load_bundle(folder).digest == second
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_force_replaces_bundles_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(b"dear")
    with pytest.raises(ExistsError, match="photos: is no bundle, and --force replaces"):
        write_bundle(folder, bundle_of(MODEL), card=CARD, force=True)
    assert (folder / "holiday.jpg").read_bytes() == b"dear"
    file = tmp_path / "file"
    file.write_text("text")
    with pytest.raises(ExistsError, match="file: is no bundle"):
        write_bundle(file, bundle_of(MODEL), card=CARD, force=True)
    (tmp_path / "empty").mkdir()
    write_bundle(tmp_path / "empty", bundle_of(MODEL), card=CARD, force=True)


class Stop(BaseException):
    """A kill that Python can raise."""


@pytest.mark.parametrize("deeds", range(12))
def test_a_kill_at_any_write_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deeds: int
) -> None:
    """Between two renames the bundle has another name for a moment; never half."""
    folder = tmp_path / "b"
    old = write_bundle(folder, bundle_of(MODEL), card=CARD)
    left = deeds

    def counted(deed: Any) -> Any:
        def run(*args: Any, **more: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Stop
            left -= 1
            return deed(*args, **more)

        return run

    monkeypatch.setattr(Path, "write_bytes", counted(Path.write_bytes))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "mkdir", counted(Path.mkdir))
    monkeypatch.setattr(save_room.shutil, "rmtree", counted(save_room.shutil.rmtree))
    new_bundle = bundle_of(MODEL, name="new")
    try:
        new = write_bundle(folder, new_bundle, card=CARD, force=True)
    except Stop:
        new = ""
    monkeypatch.undo()
    places = [folder, tmp_path / "b.old", tmp_path / "b.part"]
    whole = [load_bundle(p) for p in places if (p / "bundle.json").exists()]
    assert {old, new} & {bundle.digest for bundle in whole}
    if folder.exists():
        assert load_bundle(folder).name in ("tiny", "new")
    # the same command again puts everything right
    write_bundle(folder, new_bundle, card=CARD, force=True)
    assert load_bundle(folder).name == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_a_full_disk_keeps_the_old_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "b"
    old = write_bundle(folder, bundle_of(MODEL), card=CARD)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        wanted = (
            r"b: the bundle cannot be written \(No space left on device\); free 0 MB"
        )
        with pytest.raises(ResourceError, match=wanted):
            write_bundle(folder, bundle_of(MODEL, name="new"), card=CARD, force=True)
    assert load_bundle(folder).digest == old
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_a_proof_offers_small_changes_only() -> None:
    changes = [0.0, 0.0019, -0.0019, 0.002, -0.3, float("nan")]
    offered = [Proof(change, "bf16").is_offered for change in changes]
    assert offered == [True, True, True, False, False, False]


def test_the_model_stays_out_of_the_repr() -> None:
    text = repr(Bundle(**{**vars(bundle_of(MODEL)), "int8": MODEL}))
    assert len(text) < 5000
    assert "AveragePool" not in text
