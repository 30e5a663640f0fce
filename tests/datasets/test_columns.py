"""Column roles and the label column, by rule and by flag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from forms_kit import table, touch

from medlens.core import DataError
from medlens.datasets.columns import Roles, choose_columns
from medlens.datasets.forms import read_manifest
from medlens.datasets.label_column import names_person
from medlens.datasets.table import read_table

FILES = [f"{at}.png" for at in range(6)]


def roles(tmp_path: Path, header: str, rows: Iterable[str], **flags: str) -> Roles:
    path = table(tmp_path / "t.csv", header, rows)
    return choose_columns(read_table(path), names_file=FILES.__contains__, **flags)


def rows(*columns: Sequence[str]) -> list[str]:
    """Rows that start with a file name; each column is one text per row."""
    return [
        ",".join([name, *(column[at] for column in columns)])
        for at, name in enumerate(FILES)
    ]


@pytest.mark.parametrize(
    "name",
    [
        "image",
        "file",
        "path",
        "filename",
        "Image Index",
        "file_path",
        "dicom_id",
        "图像",
    ],
)
def test_image_column_by_name(tmp_path: Path, name: str) -> None:
    assert roles(tmp_path, f"{name},label", rows("ababab")).image == name


def test_image_column_by_value_where_no_name_fits(tmp_path: Path) -> None:
    found = roles(tmp_path, "patientId,Target", rows("010101"))
    assert (found.image, found.labels, found.patient) == ("patientId", ("Target",), "")


def test_the_column_whose_files_exist_wins(tmp_path: Path) -> None:
    lines = [
        f"old/{name},{row}" for name, row in zip(FILES, rows("ababab"), strict=True)
    ]
    found = roles(tmp_path, "image,path,label", lines)
    assert found.image == "path"


def test_all_roles(tmp_path: Path) -> None:
    header = "image,Patient ID,hospital,split,mask,bbox,series,slice,age,sex,label"
    lines = [
        f"{name},p,h,train,m,[],s,1,40,F,{at % 2}" for at, name in enumerate(FILES)
    ]
    found = roles(tmp_path, header, lines)
    assert found == Roles(
        "image",
        {"patientid": "Patient ID"},
        ("label",),
        "Patient ID",
        "hospital",
        "split",
        "mask",
        "bbox",
        "series",
        "slice",
        ("age", "sex"),
    )


@pytest.mark.parametrize(
    ("header", "columns", "label"),
    [
        ("image,label,kind", ("ababab", "xyxyxy"), "label"),
        ("image,Labels", ("ababab",), "Labels"),
        ("image,diagnosis,view", ("ababab", "xyxyxy"), "diagnosis"),
        ("image,Finding Labels", ("ababab",), "Finding Labels"),
        ("image,dx,age", ("ababab", "123456"), "dx"),
        ("image,class,class_id", ("ababab", "010101"), "class"),
        ("image,class_id,class", ("010101", "ababab"), "class"),
        ("image,tumour,grade", ("010101", "112212"), "tumour"),
        ("image,tumour,sex", ("010101", "FMFMFM"), "tumour"),
        ("image,quality", ("gbgbgb",), "quality"),
        ("image,标签", ("甲乙甲乙甲乙",), "标签"),
    ],
)
def test_label_column_by_rule(
    tmp_path: Path, header: str, columns: tuple[str, ...], label: str
) -> None:
    assert roles(tmp_path, header, rows(*columns)).labels == (label,)


def test_several_flag_columns_are_labels(tmp_path: Path) -> None:
    found = roles(tmp_path, "image,edema,mass,sex", rows("010101", "001100", "010011"))
    assert found.labels == ("edema", "mass")
    assert found.extra == ("sex",)
    assert "0/1 columns 'edema', 'mass' taken as labels" in found.notes[0]


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        (
            "image,finding,diagnosis",
            ("ababab", "xxyyzz"),
            "more than one column could be the label: 'finding' .2 values: a, b.; "
            "'diagnosis' .3 values: x, y, z.; say which: --label-column finding",
        ),
        ("image,tone,hue", ("ababab", "xxyyzz"), "more than one column could be the l"),
        ("image,age", ("123456",), "no label column found among 'image', 'age'; call"),
        ("image,site", ("ababab",), "no label column found among 'image', 'site'"),
    ],
)
def test_unclear_label_columns(
    tmp_path: Path, header: str, columns: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        roles(tmp_path, header, rows(*columns))


def test_flags_win_over_rules(tmp_path: Path) -> None:
    lines = rows("ababab", "xyxyxy", "pqpqpq")
    found = roles(
        tmp_path,
        "image,label,kind,who",
        lines,
        label_column="KIND",
        patient_column="who",
    )
    assert (found.labels, found.patient) == (("kind",), "who")
    assert "label" in found.extra


def test_flags_that_name_no_column(tmp_path: Path) -> None:
    lines = rows("ababab")
    with pytest.raises(DataError, match="--label-column 'lable' is not a column; near"):
        roles(tmp_path, "image,label", lines, label_column="lable")
    with pytest.raises(DataError, match="--patient-column 'who' is not a column; colu"):
        roles(tmp_path, "image,label", lines, patient_column="who")
    with pytest.raises(DataError, match="column 'label' is not 0/1; several label col"):
        roles(
            tmp_path, "image,label,x", rows("ababab", "010101"), label_column="x,label"
        )


def test_split_words_and_what_is_no_split(tmp_path: Path) -> None:
    found = roles(tmp_path, "image,label,fold", rows("ababab", "012012"))
    assert (found.split, found.extra) == ("", ("fold",))
    assert "column 'fold' names no train/validation/test split" in found.notes[0]
    lines = [f"{name},a,{'train' if at else 'maybe'}" for at, name in enumerate(FILES)]
    with pytest.raises(
        DataError, match="split column 'split' holds 'maybe'; wanted tr"
    ):
        roles(tmp_path, "image,label,split", lines)


def test_columns_that_name_a_person_are_dropped(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    header = "image,label,PatientName,PatientBirthDate,StudyInstanceUID,Accession,sex"
    lines = [f"{n},{at % 2},Doe,1970,1.2.3,A1,F" for at, n in enumerate(FILES)]
    table(tmp_path / "labels.csv", header, lines)
    manifest = read_manifest(tmp_path)
    assert manifest.cases[0].columns == {"sex": "F"}


@pytest.mark.parametrize(
    "name",
    [
        *("Patient's Name", "name of patient", "GivenName", "Referring Physician Name"),
        *("SSN", "NHS number", "Medical Record Number", "zip code", "Vorname"),
        *("姓名", "患者姓名", "出生日期", "身份证号", "联系电话", "病历号", "家庭住址"),
    ],
)
def test_spellings_of_what_names_a_person(name: str) -> None:
    assert names_person(name)


@pytest.mark.parametrize(
    "name",
    [
        *("age", "ViewPosition", "Station Name", "scanner_name", "pathology name"),
        *("hospital name", "性别", "年龄", "kvp", "filename"),
    ],
)
def test_columns_that_may_stand_in_a_subgroup_table(name: str) -> None:
    assert not names_person(name)


def test_flag_columns_with_unread_values(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    lines = ["0.png,1,0", "1.png,0,1.0", "2.png,,1", "3.png,-1,0", "4.png,,"]
    table(tmp_path / "labels.csv", "image,edema,mass", lines)
    manifest = read_manifest(tmp_path)
    assert manifest.kind == "multilabel"
    assert manifest.targets().tolist() == [[1, 0], [0, 1], [-1, 1], [-1, 0]]
    kinds = {problem.case: problem.kind for problem in manifest.problems}
    assert kinds == {"4.png": "no_label", "5.png": "no_row"}


def test_a_single_flag_column_with_uncertain_values(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    table(
        tmp_path / "labels.csv", "image,edema", rows(("1", "0", "-1", "1.0", "", "0"))
    )
    manifest = read_manifest(tmp_path)
    assert (manifest.kind, manifest.labels) == ("binary", ("0", "1"))
    assert [case.key for case in manifest.cases] == ["0.png", "1.png", "3.png", "5.png"]
    assert "1 label of -1 not read, as usual beside 0 and 1" in manifest.notes
    assert {problem.kind for problem in manifest.problems} == {"no_label"}


def test_plus_and_minus_are_findings_and_a_lone_dash_is_empty(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    table(tmp_path / "labels.csv", "image,label", rows(("+", "-", "+", "-", "", "-")))
    manifest = read_manifest(tmp_path)
    assert (manifest.labels, manifest.positive) == (
        ("negative", "positive"),
        "positive",
    )
    assert manifest.targets()[:, 1].tolist() == [1, 0, 1, 0, 0]
    table(tmp_path / "labels.csv", "image,label", rows(("a", "-", "b", "-", "", "a")))
    assert len(read_manifest(tmp_path).cases) == 3


def test_labels_parted_by_a_mark(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    texts = ["Edema|Mass", "Mass", "No Finding", "edema", "", "Edema"]
    lines = [f"{name},{text}" for name, text in zip(FILES, texts, strict=True)]
    table(tmp_path / "labels.csv", "image,findings", lines)
    manifest = read_manifest(tmp_path)
    assert manifest.labels == ("Edema", "Mass")
    assert manifest.targets().tolist() == [[1, 1], [0, 1], [0, 0], [1, 0], [1, 0]]


def test_a_semicolon_inside_names_parts_nothing(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    texts = ["normal; benign", "tumour"] * 3
    lines = [f"{name},{text}" for name, text in zip(FILES, texts, strict=True)]
    table(tmp_path / "labels.csv", "image,label", lines)
    assert read_manifest(tmp_path).labels == ("normal; benign", "tumour")


def test_patients_from_the_series_column_and_empty_ones(tmp_path: Path) -> None:
    touch(tmp_path, FILES)
    lines = [f"{name},s{at // 2},{at % 2}" for at, name in enumerate(FILES)]
    table(tmp_path / "labels.csv", "image,series,label", lines)
    manifest = read_manifest(tmp_path)
    assert [case.patient for case in manifest.cases] == [
        "s0",
        "s0",
        "s1",
        "s1",
        "s2",
        "s2",
    ]
    assert any("'series' keeps slices together" in note for note in manifest.notes)
    lines = [f"{name},{'' if at else 'p'},{at % 2}" for at, name in enumerate(FILES)]
    table(tmp_path / "labels.csv", "image,patient,label", lines)
    manifest = read_manifest(tmp_path)
    assert any("column 'patient' is empty for 5 images" in n for n in manifest.notes)
