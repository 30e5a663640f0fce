"""CSV manifests: joining rows to files, bad rows, any program's dialect."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from forms_kit import labels_of, problems_of, table, touch

from medlens.core import DataError
from medlens.datasets.forms import read_manifest
from medlens.datasets.table import read_table

FILES = ["images/a.png", "images/b.png", "images/c.png", "images/d.png"]
HEADER = "image,label"
ROWS = ["images/a.png,sick", "images/b.png,well", "images/c.png,sick"]
ROWS += ["images/d.png,well"]


def test_labels_csv_in_the_folder_is_found(tmp_path: Path) -> None:
    table(touch(tmp_path, FILES) / "labels.csv", HEADER, ROWS)
    manifest = read_manifest(tmp_path)
    assert labels_of(manifest) == dict(row.split(",") for row in ROWS)
    assert manifest.root == tmp_path.resolve()
    assert manifest.notes[0] == "labels from labels.csv, column 'label'"


def test_the_same_set_by_four_roads(tmp_path: Path) -> None:
    data = touch(tmp_path / "images", [name[7:] for name in FILES])
    path = table(tmp_path / "any.csv", HEADER, ROWS)
    by_table = read_manifest(path)
    by_flag = read_manifest(tmp_path, labels=path)
    found = read_manifest(tmp_path)
    assert by_table.cases == by_flag.cases == found.cases
    # Rows relative to the CSV's own folder, with DATA below it.
    below = read_manifest(data, labels=path)
    assert [case.key for case in below.cases] == ["a.png", "b.png", "c.png", "d.png"]
    assert [case.path for case in below.cases] == [case.path for case in found.cases]


@pytest.mark.parametrize(
    "spell",
    [
        lambda name: name,
        lambda name: f"./{name}",
        lambda name: name.replace("/", "\\"),
        lambda name: name.rsplit("/", 1)[1],
        lambda name: name.rsplit("/", 1)[1].removesuffix(".png"),
        lambda name: name.removesuffix(".png"),
        lambda name: name.upper().removesuffix(".PNG"),
        lambda name: name.rsplit("/", 1)[1].upper(),
        lambda name: f"images/../{name}",
    ],
)
def test_spellings_of_a_path(tmp_path: Path, spell: object) -> None:
    touch(tmp_path, FILES)
    rows = [f"{spell(name)},{row[-4:]}" for name, row in zip(FILES, ROWS, strict=True)]  # type: ignore[operator]
    table(tmp_path / "labels.csv", HEADER, rows)
    assert [case.key for case in read_manifest(tmp_path).cases] == FILES


def test_absolute_paths_inside_data_are_taken(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    table(tmp_path / "labels.csv", HEADER, [f"{tmp_path}/{row}" for row in ROWS])
    manifest = read_manifest(tmp_path)
    assert [case.key for case in manifest.cases] == FILES


def test_bad_rows_are_left_out_and_listed(tmp_path: Path) -> None:
    touch(tmp_path, [*FILES, "x/same.png", "y/same.png", "images/e.png"])
    rows = [
        *ROWS,
        "images/gone.png,sick",
        "../../etc/passwd,sick",
        "/etc/passwd,well",
        "C:\\data\\x.png,well",
        ",well",
        "same.png,well",
        "images/e.png,sick",
        "images/e.png,well",
    ]
    table(tmp_path / "labels.csv", HEADER, rows)
    manifest = read_manifest(tmp_path)
    assert problems_of(manifest) == {
        "images/gone.png": "missing",
        "labels.csv line 7": "outside",
        "labels.csv line 8": "outside",
        "labels.csv line 9": "outside",
        "labels.csv line 10": "missing",
        "same.png": "ambiguous",
        "images/e.png": "conflict",
        "x/same.png": "no_row",
        "y/same.png": "no_row",
    }
    assert [case.key for case in manifest.cases] == FILES
    assert "left out: 3 pointed outside DATA" in manifest.notes
    assert not any("passwd" in f"{p.case}{p.reason}" for p in manifest.problems)


def test_a_path_is_never_joined_to_a_namesake_in_another_folder(tmp_path: Path) -> None:
    touch(tmp_path, ["train/1.png", "test/2.png"])
    table(tmp_path / "labels.csv", HEADER, ["test/1.png,a", "test/2.png,b"])
    manifest = read_manifest(tmp_path)
    assert problems_of(manifest) == {"test/1.png": "missing", "train/1.png": "no_row"}


def test_rows_that_repeat_an_image(tmp_path: Path) -> None:
    table(touch(tmp_path, FILES) / "labels.csv", HEADER, [*ROWS, *ROWS])
    manifest = read_manifest(tmp_path)
    assert len(manifest.cases) == 4
    assert any("4 rows named an image that an earlier row" in n for n in manifest.notes)


def test_files_without_a_label_are_listed(tmp_path: Path) -> None:
    rows = [*ROWS[:2], "images/c.png,", "images/d.png,NaN"]
    table(touch(tmp_path, [*FILES, "images/e.png"]) / "labels.csv", HEADER, rows)
    manifest = read_manifest(tmp_path)
    assert problems_of(manifest) == {
        "images/c.png": "no_label",
        "images/d.png": "no_label",
        "images/e.png": "no_row",
    }


def test_masks_named_in_rows_are_no_files_without_a_row(tmp_path: Path) -> None:
    touch(tmp_path, ["a.png", "a_mask.png", "b.png", "b_mask.png"])
    rows = ["a.png,a_mask.png,1", "b.png,b_mask.png,0"]
    table(tmp_path / "labels.csv", "image,mask,tumour", rows)
    manifest = read_manifest(tmp_path)
    assert not manifest.problems
    assert manifest.cases[0].columns == {"mask": "a_mask.png"}


@pytest.mark.parametrize(
    "content",
    [
        "image,patient,label\r\nimages/a.png,Müller 1,gut\r\n\r\nimages/b.png,2,krank",
        '"image";patient;"label"\n"images/a.png";"Müller 1";gut\nimages/b.png;2;krank',
        "sep=;\nimage;patient;label\nimages/a.png;Müller 1;gut\nimages/b.png;2;krank",
        "image\tpatient\tlabel\nimages/a.png\tMüller 1\tgut\nimages/b.png\t2\tkrank\n",
        " image , patient , label \n images/a.png,Müller 1, gut \nimages/b.png,2,krank",
        "image,patient,label,\nimages/a.png,Müller 1,gut,\nimages/b.png,2,krank,",
    ],
)
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_dialects_and_codings(tmp_path: Path, content: str, coding: str) -> None:
    touch(tmp_path, FILES[:2])
    (tmp_path / "labels.csv").write_bytes(content.encode(coding))
    manifest = read_manifest(tmp_path)
    assert labels_of(manifest) == {"images/a.png": "gut", "images/b.png": "krank"}
    assert [case.patient for case in manifest.cases] == ["Müller 1", "2"]


@pytest.mark.parametrize("coding", ["gb2312", "utf-8"])
def test_chinese_spreadsheets(tmp_path: Path, coding: str) -> None:
    touch(tmp_path, FILES[:2])
    content = "文件名,患者,诊断\nimages/a.png,张三,正常\nimages/b.png,李四,肺炎\n"
    (tmp_path / "labels.csv").write_bytes(content.encode(coding))
    manifest = read_manifest(tmp_path)
    assert labels_of(manifest) == {"images/a.png": "正常", "images/b.png": "肺炎"}
    assert manifest.positive == "肺炎"
    assert [case.patient for case in manifest.cases] == ["张三", "李四"]


@pytest.mark.parametrize("field", ['"well', '"', '"a, b'])
@pytest.mark.parametrize("later", ["fine", '"a, b"', '"fine'])
def test_an_open_quote_swallows_no_rows(tmp_path: Path, field: str, later: str) -> None:
    rows = [f"images/{name}.png,well,note" for name in "abcdef"]
    rows[1], rows[4] = f"images/b.png,well,{field}", f"images/e.png,ill,{later}"
    path = table(touch(tmp_path, FILES) / "labels.csv", "image,label,note", rows)
    with pytest.raises(DataError, match=r"labels.csv line 3: a double quote is opened"):
        read_table(path)


def test_quoted_text_may_have_several_lines(tmp_path: Path) -> None:
    rows = ['images/a.png,well,"clear,', "", 'no ""mass"""', "images/b.png,ill,mass"]
    path = table(tmp_path / "labels.csv", "image,label,note", rows)
    found = read_table(path)
    assert found.column("label") == ["well", "ill"]
    assert found.column("note")[0] == 'clear,\n\nno "mass"'


def test_a_row_with_too_many_fields_is_listed(tmp_path: Path) -> None:
    rows = [*ROWS, "images/d.png,sick,very"]
    table(touch(tmp_path, FILES) / "labels.csv", HEADER, rows)
    problem = read_manifest(tmp_path).problems[0]
    assert problem.case == "labels.csv line 6"
    assert "3 fields, the header 2" in problem.reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "labels.csv: no rows; wanted a header line such as 'image,label'"),
        (b"image,label\n", "labels.csv: no rows; wanted a header line"),
        (b"PK\x03\x04\x00\x00", "is not a text file; wanted CSV .a spreadsheet"),
        (b"image,label,label\na,b,c", "column 'label' stands more than once"),
        (b"images/a.png,sick\nimages/b.png,well", "first line names a file, so the he"),
        (b"foo,label\n1,a\n2,b", "no column names the image files; columns: 'foo', 'l"),
        (b"series,label\n1,a\n2,b", "none of 2 rows leads to an image of DATA .column"),
        (b"image,label\nx.png,a\ny.png,b", "none of 2 rows leads to an image of DATA"),
        (b"image,label\na.png,\nb.png,", "column 'label': all 2 labels are empty"),
    ],
)
def test_tables_that_cannot_be_used(
    tmp_path: Path, content: bytes, message: str
) -> None:
    touch(tmp_path, FILES)
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path)


def test_missing_or_double_tables(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    with pytest.raises(DataError, match=r"gone.csv: cannot be read .No such file"):
        read_manifest(tmp_path, labels=tmp_path / "gone.csv")
    one = table(tmp_path / "one.csv", HEADER, ROWS)
    table(tmp_path / "two.csv", HEADER, ROWS)
    with pytest.raises(DataError, match=r"2 tables: 'one.csv', 'two.csv'; say which"):
        read_manifest(tmp_path)
    with pytest.raises(DataError, match=r"DATA is the table 'one.csv' itself; leave o"):
        read_manifest(one, labels=one)


def test_other_tables_beside_class_folders_are_left_alone(tmp_path: Path) -> None:
    touch(tmp_path, ["a/1.png", "a/2.png", "b/1.png"])
    table(tmp_path / "scanner.csv", "scanner,year", ["X,2020"])
    assert read_manifest(tmp_path).labels == ("a", "b")


def test_a_column_of_identifiers_is_no_label(tmp_path: Path) -> None:
    touch(tmp_path, [f"{at}.png" for at in range(30)])
    table(tmp_path / "labels.csv", HEADER, [f"{at}.png,L{at}" for at in range(30)])
    with pytest.raises(DataError, match=r"30 different values in 30 rows, e.g. 'L0', "):
        read_manifest(tmp_path)


def test_label_order_does_not_depend_on_row_order(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    one = table(tmp_path / "one.csv", HEADER, ROWS)
    two = table(tmp_path / "two.csv", HEADER, reversed(ROWS))
    manifests = [read_manifest(tmp_path, labels=path) for path in (one, two)]
    assert manifests[0].labels == manifests[1].labels
    assert labels_of(manifests[0]) == labels_of(manifests[1])


def test_thirty_thousand_rows_in_two_seconds(tmp_path: Path) -> None:
    names = [f"i/{at:05d}.png" for at in range(30_000)]
    touch(tmp_path, names)
    rows = [f"{name},P{at // 3},{at % 7 == 0:d}" for at, name in enumerate(names)]
    table(tmp_path / "labels.csv", "image,patient,label", rows)
    # A process of its own, as a user has: what other tests keep in memory, and what it
    # costs to collect garbage among it, is no part of this time.
    code = (
        "import sys, time; from pathlib import Path; "
        "from medlens.datasets import read_manifest; start = time.process_time(); "
        "found = read_manifest(Path(sys.argv[1])); "
        "print(len(found.cases), time.process_time() - start)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, seconds = done.stdout.split()
    assert int(count) == 30_000
    assert float(seconds) < 2.0


def test_real_tables(shared_data: Path) -> None:
    chest = read_manifest(shared_data / "xray_pneumonia")
    assert chest.labels == ("normal", "pneumonia")
    assert chest.targets().sum(axis=0).tolist() == [241, 709]
    assert len({case.patient for case in chest.cases}) == 721
    assert not chest.problems
    head = read_manifest(shared_data / "ct_head_haemorrhage")
    assert head.labels == ("normal", "haemorrhage")
    glioma = read_manifest(shared_data / "mri_glioma_slices", unit="image")
    assert (glioma.labels, glioma.positive) == (("0", "1"), "1")
    assert glioma.targets()[:, 1].sum() == 121
    assert not glioma.problems


def test_real_table_with_unread_and_several_labels(shared_data: Path) -> None:
    data = shared_data / "xray_opacity_boxes"
    with pytest.raises(DataError, match=r"'findings' .62 values.*'opacity_class' .3 v"):
        read_manifest(data)
    read = read_manifest(data, label_column="opacity_class")
    assert read.labels == ("Lung Opacity", "No Lung Opacity / Not Normal", "Normal")
    assert read.targets().sum(axis=0).tolist() == [108, 50, 27]
    assert len(read.problems) == 266
    several = read_manifest(data, label_column="findings")
    assert several.kind == "multilabel"
    assert "No Finding" not in several.labels
    assert (several.targets().sum(axis=1) == 0).sum() == 204
