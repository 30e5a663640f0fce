"""Bundles that were changed, damaged or made to do harm."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medlens.bundle.load as load_room
from medlens.bundle import load_bundle, note_of, write_bundle
from medlens.bundle.save import digest_of, note_digest, text_of
from medlens.core import BundleError, TamperedError
from tests.tiny import CARD, bundle_of, plain_graph

MODEL = plain_graph()
FILES = ("bundle.json", "card.md", "model.onnx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "b", bundle_of(MODEL), card=CARD)
    return tmp_path / "b"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tampering") / "b"
    write_bundle(folder, bundle_of(MODEL), card=CARD)
    return folder


def must_fail(folder: Path, name: str, data: bytes) -> None:
    """Every change is a TamperedError, but another version may only look newer."""
    path = folder / name
    whole = path.read_bytes()
    try:
        path.write_bytes(data)
        is_version = re.search(rb'"schema": "medlens/bundle/[02-9]"', data)
        kind = BundleError if is_version else TamperedError
        with pytest.raises(kind, match=r"^b: (bundle.json|model.onnx|card.md) "):
            load_bundle(folder)
    finally:
        path.write_bytes(whole)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_changed_byte_is_noticed(shared: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    whole = (shared / name).read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.integers(1, 255))
    changed = bytearray(whole)
    changed[place] ^= change
    must_fail(shared, name, bytes(changed))


def test_bytes_all_over_the_note_are_held(shared: Path) -> None:
    """Also blanks, the case of an exponent, a last digit that rounds away."""
    whole = (shared / "bundle.json").read_bytes()
    for place in range(0, len(whole), 7):
        for other in (b" ", b"\n", b"0", b"E"):
            if whole[place : place + 1] != other:
                must_fail(
                    shared, "bundle.json", whole[:place] + other + whole[place + 1 :]
                )


@pytest.mark.parametrize("name", FILES)
def test_a_byte_more_or_less_is_noticed(shared: Path, name: str) -> None:
    whole = (shared / name).read_bytes()
    for changed in (whole[:-1], whole + b"\n", whole + b" ", b"", whole[1:]):
        must_fail(shared, name, changed)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    wanted = rf"^b: {name} cannot be read \(No such file or directory\); a bundle is a"
    with pytest.raises(BundleError, match=wanted):
        load_bundle(folder)


def test_a_missing_folder_is_told_what_a_bundle_is(tmp_path: Path) -> None:
    with pytest.raises(
        BundleError, match=r"^none: bundle.json cannot be read \(No such"
    ):
        load_bundle(str(tmp_path / "none"))


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_none_are_not_opened(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)  # opening it would wait for ever
    with pytest.raises(BundleError, match=rf"{name} is no regular file; wanted one"):
        load_bundle(folder)
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(BundleError, match=rf"{name} is no regular file; wanted one"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("bundle.json", "MAX_NOTE_BYTES"),
        ("model.onnx", "MAX_MODEL_BYTES"),
        ("card.md", "MAX_CARD_BYTES"),
    ],
)
def test_files_that_are_too_large_are_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, limit: str
) -> None:
    size = (folder / name).stat().st_size
    monkeypatch.setattr(load_room, limit, size)
    load_bundle(folder)
    monkeypatch.setattr(load_room, limit, size - 1)
    wanted = f"^b: {name} has {size} bytes; at most {size - 1} are read"
    with pytest.raises(BundleError, match=wanted):
        load_bundle(folder)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, '{"a": ' * 50_000, "\xff", "nul", '{"x": 1' + "0" * 9999],
)
def test_what_is_no_json_is_damage(folder: Path, text: str) -> None:
    (folder / "bundle.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(
        TamperedError, match=r"b: bundle.json is not valid JSON: it was"
    ):
        load_bundle(folder)


@pytest.mark.parametrize("value", [[], "text", 3, None, True])
def test_a_note_is_a_table(folder: Path, value: Any) -> None:
    (folder / "bundle.json").write_text(json.dumps(value))
    with pytest.raises(BundleError, match=r"^b: bundle.json is not a table; export it"):
        load_bundle(folder)


@pytest.mark.parametrize("schema", ["medlens/bundle/2", "", None, 1, ["x"], "x" * 9999])
def test_another_schema_is_told_from_damage(folder: Path, schema: Any) -> None:
    note = json.loads((folder / "bundle.json").read_text())
    write_note(folder, {**note, "schema": schema})
    wanted = (
        r"^b: bundle.json has schema .{0,70}; this medlens reads 'medlens/bundle/1'"
    )
    with pytest.raises(BundleError, match=wanted) as caught:
        load_bundle(folder)
    assert not isinstance(caught.value, TamperedError)


def write_note(folder: Path, note: dict[str, Any]) -> None:
    """A note that agrees with its own digest, as a clever stranger would write it."""
    note = {**note, "digest": note_digest(note)}
    (folder / "bundle.json").write_bytes(text_of(note).encode())


HOSTILE: list[tuple[str, Any, str]] = [
    ("task", None, "is incomplete"),
    ("task", "text", "is incomplete"),
    ("task.kind", "regression", "task.kind is 'regression'; wanted binary, multiclass"),
    ("task.kind", ["binary"], "task.kind is"),
    ("task.labels", "ab", "task.labels: wanted 1 to 1000 names"),
    ("task.labels", [], "task.labels: wanted 1 to 1000 names"),
    ("task.labels", ["x"] * 1001, "task.labels: wanted 1 to 1000 names"),
    ("task.labels", [1, 2], "task.labels: wanted 1 to 1000 names"),
    ("task.labels", ["a", "b" * 201], "wanted names of 1 to 200 letters"),
    ("task.labels", ["a", ""], "wanted names of 1 to 200 letters"),
    ("task.labels", ["a", "a"], "with 2 labels, 1 of them different; wanted each once"),
    ("task.labels", ["a", "b", "c"], "with 3 labels, 3 of them different; wanted each"),
    ("task.labels", ["a", "b"], "task.positive is none of task.labels"),
    ("task.positive", 3, "task.positive is none of task.labels"),
    ("input", [], "is incomplete"),
    ("input.height", 0, r"input.height is 0; wanted 1 to 4096"),
    ("input.width", 10**9, r"input.width is 1000000000; wanted"),
    ("input.channels", True, r"input.channels is True; wanted"),
    ("input.channels", 1.0, r"input.channels is 1.0; wanted"),
    ("name", "../../etc", "name has characters that are not allowed"),
    ("name", 7, "name has characters that are not allowed"),
    ("prep", {}, "prep: wanted a list of at most 100"),
    ("prep", [{"name": "display"}] * 101, "prep: wanted a list of at most 100"),
    ("prep", ["display"], "is incomplete"),
    ("prep", [{}], "is incomplete"),
    ("calibration", None, "calibration"),
    ("calibration.scale", [1.0], "calibration"),
    ("calibration.scale", [1.0, -1.0], "calibration"),
    ("calibration.scale", [1.0, 10**400], "calibration"),
    ("calibration.kind", "multilabel", "calibration.kind is not task.kind"),
    ("conformal.thresholds", [0.5], "conformal is for 1 labels, task.labels has 2"),
    ("conformal.thresholds", [0.5, 2.0], "conformal"),
    ("conformal", [1], "conformal"),
    ("operating_points", [3], "operating point"),
    ("operating_points", None, "is incomplete"),
    ("outlier", {"axes": 10**12}, "outlier"),
    ("metrics", 5, "is incomplete"),
    ("curves", [1], "curves: wanted a table that names its schema"),
    ("curves", {"schema": 3}, "curves: wanted a table that names its schema"),
    ("engines", {"int8": 3}, "is incomplete"),
    ("engines", [1], "is incomplete"),
    ("files", None, "model.onnx does not match the digest"),
    ("files", ["model.onnx"], "model.onnx does not match the digest"),
]


@pytest.mark.parametrize(("key", "value", "message"), HOSTILE)
def test_a_note_that_lies_consistently_is_refused(
    folder: Path, key: str, value: Any, message: str
) -> None:
    note = copy.deepcopy(json.loads((folder / "bundle.json").read_text()))
    table, *names = key.split(".")
    if names:
        note[table][names[0]] = value
    else:
        note[table] = value
    write_note(folder, note)
    with pytest.raises(BundleError, match=message):
        load_bundle(folder)


def test_an_operating_point_for_nobody_is_refused(folder: Path) -> None:
    note = json.loads((folder / "bundle.json").read_text())
    note["operating_points"][0]["label"] = "stranger"
    write_note(folder, note)
    with pytest.raises(BundleError, match="an operating point is for an unknown label"):
        load_bundle(folder)


@pytest.mark.parametrize("key", sorted(note_of(bundle_of(MODEL), CARD)))
def test_a_missing_key_is_a_bundle_error_or_has_a_default(
    folder: Path, key: str
) -> None:
    note = json.loads((folder / "bundle.json").read_text())
    del note[key]
    write_note(folder, note)
    optional = {"intended_use", "metrics", "training", "medlens", "engines", "digest"}
    optional |= {"form"}  # bundles of single images may say nothing of it
    if key in optional:
        load_bundle(folder)
    else:
        with pytest.raises(BundleError, match=r"^b: "):
            load_bundle(folder)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "labels", "kind"]), inner, max_size=2
        )
    ),
    max_leaves=5,
)


@given(key=st.sampled_from(sorted(note_of(bundle_of(MODEL), CARD))), value=junk)
@settings(max_examples=150, deadline=None)
def test_any_value_anywhere_is_loaded_or_a_bundle_error(
    shared: Path, key: str, value: Any
) -> None:
    path = shared / "bundle.json"
    whole = path.read_bytes()
    note = {**json.loads(whole), key: value}
    try:
        note = {**note, "digest": note_digest(note)} if key != "digest" else note
        path.write_bytes(text_of(note).encode())
    except ValueError:  # NaN, half a character: as a plain writer would put it
        path.write_text(json.dumps(note))
    try:
        load_bundle(shared)
    except BundleError as error:
        message = str(error)
    else:
        message = "b: loaded"
    finally:
        path.write_bytes(whole)
    assert message.startswith("b: ")


def external_graph(location: str, *, padded: bool = False) -> bytes:
    """A graph whose weights lie in another file."""
    from onnx import TensorProto, helper

    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[64, 64])
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", location
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["image", "w"], ["logits"])],
        "external",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    data: bytes = model.SerializeToString()
    return pad_length(data) if padded else data


def pad_length(data: bytes) -> bytes:
    """The same message with the length of "location" written in two bytes, which
    protobuf reads as well, and every length around it one larger."""
    from onnx import ModelProto

    plain = ModelProto.FromString(data)
    old = plain.graph.initializer[0].SerializeToString()
    entry = plain.graph.initializer[0].external_data[0].SerializeToString()
    longer = entry.replace(b"\x0a\x08location", b"\x0a\x88\x00location")
    assert len(longer) == len(entry) + 1
    new = old.replace(bytes([len(entry)]) + entry, bytes([len(longer)]) + longer)
    graph = plain.graph.SerializeToString()
    graph_new = graph.replace(bytes([len(old)]) + old, bytes([len(new)]) + new)
    found = data.replace(
        bytes([len(graph)]) + graph, bytes([len(graph_new)]) + graph_new
    )
    assert ModelProto.FromString(found) == plain
    assert found != data
    return found


@pytest.mark.parametrize("location", ["secret.bin", "/etc/hostname", "../secret.bin"])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("name", ["model.onnx", "model.int8.onnx"])
def test_a_graph_cannot_read_other_files(
    folder: Path, location: str, padded: bool, name: str
) -> None:
    data = external_graph(location, padded=padded)
    (folder / name).write_bytes(data)
    note = json.loads((folder / "bundle.json").read_text())
    note["files"][name] = digest_of(data)
    write_note(folder, note)
    wanted = "b: the graph points at other files, which are never read; wanted a graph"
    with pytest.raises(BundleError, match=wanted):
        load_bundle(folder)


def test_without_the_guard_the_engine_would_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why the guard is there: a graph in memory reads the current folder. When this
    fails, the engine has learned better; the guard may stay."""
    import numpy as np
    import onnxruntime

    monkeypatch.chdir(tmp_path)
    np.full(4096, 7, dtype=np.float32).tofile("secret.bin")
    session = onnxruntime.InferenceSession(external_graph("secret.bin"))
    (found,) = session.run(None, {"image": np.ones((1, 64), dtype=np.float32)})
    assert found[0, 0] == 7 * 64


def test_a_link_out_of_the_bundle_is_held_to_the_digest(folder: Path) -> None:
    shutil.copy(folder / "card.md", folder.parent / "elsewhere.md")
    (folder / "card.md").unlink()
    (folder / "card.md").symlink_to(folder.parent / "elsewhere.md")
    load_bundle(folder)
    (folder.parent / "elsewhere.md").write_text("other")
    with pytest.raises(TamperedError, match=r"card.md does not match the digest"):
        load_bundle(folder)
