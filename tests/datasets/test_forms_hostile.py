"""Whatever the CSV holds: a manifest of files inside DATA, or a DataError."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from forms_kit import touch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from medlens.core import DataError
from medlens.datasets.drafts import Draft, Entry
from medlens.datasets.forms import read_manifest
from medlens.datasets.from_table import Miss, Resolver
from medlens.datasets.labels import resolve_labels
from medlens.datasets.table import read_table
from medlens.datasets.walk import Tree

FILES = ["a/1.png", "a/2.png", "b/1.png", "c.png"]
# Fragments of which hostile and harmless paths are made.
PARTS = st.sampled_from(
    ["..", ".", "/", "\\", "a", "b", "1.png", "1", "c", "etc", "C:", "~", " ", "\0"]
)
BROKEN = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory) -> Resolver:
    root = touch(tmp_path_factory.mktemp("data"), FILES)
    return Resolver(Tree(root), str(root.parent))


@given(st.lists(PARTS, max_size=8).map("/".join) | st.text(max_size=20))
@example("a/../../data/../../../etc/passwd")
@example("//a/1.png")
def test_no_text_leads_out_of_data(resolver: Resolver, text: str) -> None:
    found = resolver.find(text)
    assert isinstance(found, Miss) or found in FILES


def test_ways_to_the_same_file(resolver: Resolver) -> None:
    for text in ("c", "C.PNG", "./c.png", "a/../c.png", "a\\..\\c.png", ".\\c"):
        assert resolver.find(text) == "c.png"
    for text in ("../c.png", "/c.png", "../../etc/passwd", "~/c.png"):
        assert isinstance(resolver.find(text), Miss)
    assert resolver.find("1.png") == Miss(
        "ambiguous", "fits 2 files: 'a/1.png', 'b/1.png'"
    )


@BROKEN
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(content=b'image,label\n"a/1.png,x\n')
@example(content=b"image,label\r\ra/1.png,x\ra/2.png,y")
@example(content=b"\xef\xbb\xbfimage;label\na/1.png;x")
def test_any_bytes_as_labels(tmp_path: Path, content: bytes) -> None:
    touch(tmp_path, FILES)
    (tmp_path / "labels.csv").write_bytes(content)
    try:
        manifest = read_manifest(tmp_path)
    except DataError:
        return
    assert {case.key for case in manifest.cases} <= set(FILES) | {"labels.csv"}


CELLS = st.sampled_from(
    [
        "",
        "a/1.png",
        "c",
        "0",
        "1",
        "-1",
        "NaN",
        "x",
        "X",
        "a|b",
        "a;b",
        "test",
        "é",
        '"',
    ]
)


@BROKEN
@given(
    header=st.lists(
        st.sampled_from(
            ["image", "label", "patient", "split", "tumour", "PatientID", "mask", "x"]
        ),
        min_size=1,
        max_size=5,
        unique=True,
    ),
    rows=st.lists(st.lists(CELLS, max_size=6), max_size=8),
)
def test_any_cells_under_any_columns(
    tmp_path: Path, header: list[str], rows: list[list[str]]
) -> None:
    touch(tmp_path, FILES)
    lines = [",".join(header), *(",".join(row) for row in rows)]
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    try:
        manifest = read_manifest(tmp_path)
    except DataError:
        return
    width = len(manifest.labels)
    assert all(len(case.target) == width for case in manifest.cases)
    assert len({case.key for case in manifest.cases}) == len(manifest.cases)
    left_out = {problem.case for problem in manifest.problems}
    assert not left_out & {case.key for case in manifest.cases}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", "A", "b", "no", "1", "1.0", "", "10", "2"]), min_size=1
    ),
    st.randoms(use_true_random=False),
)
def test_labels_never_depend_on_order(texts: list[str], rng: object) -> None:
    def labels(values: list[str]) -> tuple[object, ...]:
        entries = [Entry(str(n), str(n), (text,)) for n, text in enumerate(values)]
        found = resolve_labels(Draft(Path(), entries, label_source="column"))
        named = {
            value: None if target is None else found.labels[target.index(1)]
            for value, target in zip(values, found.targets, strict=True)
        }
        return (
            found.kind,
            found.labels,
            found.positive,
            tuple(sorted(named.items(), key=str)),
        )

    turned = list(texts)
    rng.shuffle(turned)  # type: ignore[attr-defined]
    try:
        assert labels(texts) == labels(turned)
    except DataError:
        with pytest.raises(DataError, match=r"different values|labels are empty"):
            labels(turned)


def test_limits_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",".join(f"c{n}" for n in range(5000)) + "\n1\n")
    with pytest.raises(
        DataError, match=r"t.csv: 5,000 columns; at most 4,096 are read"
    ):
        read_table(path)
    path.write_text('image,label\n"' + "x" * (5 << 20))
    with pytest.raises(
        DataError, match=r"t.csv: not a readable CSV file .field larger"
    ):
        read_table(path)
    monkeypatch.setattr("medlens.datasets.table.MAX_BYTES", 1 << 20)
    with pytest.raises(DataError, match=r"t.csv: 5 MB; at most 1 MB are read"):
        read_table(path)


def test_a_folder_that_cannot_be_read_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, [*FILES, "lost/1.png"])
    scan = os.scandir

    def fails(path: Path) -> object:
        if Path(path).name == "lost":
            raise OSError(errno.EIO, "Input/output error")
        return scan(path)

    monkeypatch.setattr("medlens.datasets.walk.os.scandir", fails)
    tree = Tree(tmp_path)
    assert list(tree.files) == FILES
    (problem,) = tree.problems
    assert problem.case == "lost"
    assert problem.reason == "folder cannot be read (Input/output error)"


def test_limits_of_a_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, ["x/" * 33 + "a.png"])
    with pytest.raises(DataError, match="folders are more than 32 deep; pass the fold"):
        read_manifest(tmp_path)
    monkeypatch.setattr("medlens.datasets.walk.MAX_FILES", 2)
    flat = touch(tmp_path / "flat", ["1.png", "2.png", "3.png"])
    with pytest.raises(DataError, match="DATA holds more than 2 files; pass a smaller"):
        read_manifest(flat)
