"""DICOM trees by header, NIfTI slices, multi-frame files."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from forms_kit import labels_of, problems_of, table, touch, write_dicom

from medlens.core import DataError
from medlens.datasets.forms import read_manifest
from medlens.datasets.groups import merge_groups
from medlens.datasets.headers import Header, HeaderError, Patients, read_dicom_header
from medlens.read import list_members, open_image


def tree(root: Path, *, patients: int = 4, slices: int = 3) -> Path:
    """Patients in folders of meaningless names, files without a suffix."""
    for patient in range(patients):
        for at in range(slices):
            tags = {"PatientID": f"MRN-{patient}", "PatientSex": "F"}
            write_dicom(root / f"S{patient:03d}" / f"IM{at:04d}", tags=tags)
    return root


def test_headers_are_never_quoted_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.warns(UserWarning, match="Invalid value for VR UI"):
        path = write_dicom(tmp_path / "x", tags={"StudyInstanceUID": "DOE^JANE no uid"})
    caplog.clear()
    assert read_dicom_header(path) is not None
    assert not caplog.records


def uids(root: Path, keyword: str) -> dict[str, str]:
    import pydicom

    return {
        path.relative_to(root).as_posix(): str(pydicom.dcmread(path)[keyword].value)
        for path in sorted(root.rglob("IM*"))
    }


@pytest.mark.parametrize(
    "keyword",
    ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"],
)
def test_rows_join_by_header(tmp_path: Path, keyword: str) -> None:
    data = tree(tmp_path / "data")
    held = uids(data, keyword)
    by_uid = {uid: file[:4] in ("S000", "S001") for file, uid in held.items()}
    rows = [f"{uid},{int(sick)}" for uid, sick in by_uid.items()]
    path = table(tmp_path / "rows.csv", f"{keyword},label", rows)
    manifest = read_manifest(data, labels=path)
    assert labels_of(manifest) == {
        file: "1" if file[:4] in ("S000", "S001") else "0" for file in held
    }
    assert f"rows joined to DICOM files by {keyword}" in manifest.notes
    assert len({case.patient for case in manifest.cases}) == 4


def test_the_narrowest_identifier_joins(tmp_path: Path) -> None:
    data = tree(tmp_path / "data", patients=1, slices=2)
    rows = [
        f"MRN-0,{uid},{at}"
        for at, uid in enumerate(uids(data, "SOPInstanceUID").values())
    ]
    table(data / "labels.csv", "PatientID,SOPInstanceUID,label", rows)
    assert list(labels_of(read_manifest(data)).values()) == ["0", "1"]


def test_rows_join_by_file_name(tmp_path: Path) -> None:
    data = tree(tmp_path / "data", slices=1)
    rows = [f"S{at:03d}/IM0000,{'sick' if at % 2 else 'normal'}" for at in range(4)]
    table(data / "labels.csv", "image,label", rows)
    manifest = read_manifest(data)
    assert labels_of(manifest)["S001/IM0000"] == "sick"
    assert len({case.patient for case in manifest.cases}) == 4


def test_nothing_that_names_a_patient_leaves_the_headers(tmp_path: Path) -> None:
    data = tree(tmp_path / "data")
    rows = [f"MRN-{at},{at % 2}" for at in range(4)] + ["MRN-99,1"]
    table(data / "labels.csv", "PatientID,label", rows)
    manifest = read_manifest(data)
    text = repr(manifest)
    assert "MRN" not in text
    assert "Doe" not in text
    assert problems_of(manifest) == {"labels.csv line 6": "missing"}
    assert all(
        re.fullmatch(r"patient-[0-9a-f]{8}", case.patient) for case in manifest.cases
    )
    assert manifest.cases[0].columns == {"Modality": "CT", "PatientSex": "F"}


def test_a_patient_column_equal_to_the_header_is_shown_as_a_digest(
    tmp_path: Path,
) -> None:
    data = tree(tmp_path / "data", slices=1)
    rows = [f"S{at:03d}/IM0000,MRN-{at},{at % 2}" for at in range(4)]
    table(data / "labels.csv", "image,patient,label", rows)
    assert "MRN" not in repr(read_manifest(data))
    rows = [f"S{at:03d}/IM0000,study-{at // 2},{at % 2}" for at in range(4)]
    table(data / "labels.csv", "image,patient,label", rows)
    patients = [case.patient for case in read_manifest(data).cases]
    assert patients == ["study-0", "study-0", "study-1", "study-1"]


def test_the_header_knows_the_patient_better_than_a_series(tmp_path: Path) -> None:
    data = tree(tmp_path / "data", patients=2, slices=4)
    rows = [
        f"S{patient:03d}/IM{at:04d},s{patient}{at // 2},{at % 2}"
        for patient in range(2)
        for at in range(4)
    ]
    table(data / "labels.csv", "image,series,label", rows)
    manifest = read_manifest(data)
    assert merge_groups(manifest) == [0] * 4 + [1] * 4


def test_patient_keys_hold_still_and_depend_on_the_data() -> None:
    def header(number: str, uid: str, study: str = "") -> Header:
        ids = {
            "patientid": number,
            "sopinstanceuid": uid,
            "seriesinstanceuid": "",
            "studyinstanceuid": study,
        }
        return Header(ids, 1, {})

    one = {"a": header("7", "1.2"), "b": header("8", "1.3")}
    turned = dict(reversed(one.items()))
    other = {"a": header("7", "1.2"), "b": header("8", "1.4")}
    key = Patients(one).key_of(one["a"])
    assert key == Patients(turned).key_of(one["a"])
    assert key != Patients(other).key_of(one["a"])
    assert key != Patients(one).key_of(one["b"])
    assert Patients(one).key_of(header("", "1.5")) == ""
    same_study = {
        Patients(one).key_of(header("", uid, study="9")) for uid in ("1.5", "1.6")
    }
    assert len(same_study) == 1
    assert "7" not in repr(one["a"])


def test_class_folders_of_dicom_take_patients_from_headers(tmp_path: Path) -> None:
    for label in ("normal", "sick"):
        for at in range(4):
            tags = {"PatientID": f"{label}-{at // 2}"}
            write_dicom(tmp_path / label / f"{at}.dcm", tags=tags)
    manifest = read_manifest(tmp_path)
    assert manifest.labels == ("normal", "sick")
    assert len({case.patient for case in manifest.cases}) == 4


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"PatientID": "7"}, "patients by the PatientID of the DICOM headers, stored"),
        ({"PatientID": ""}, "8 DICOM files without PatientID: each study counts as a"),
        (
            {"PatientID": "", "StudyInstanceUID": ""},
            "8 DICOM files without PatientID and StudyInstanceUID: their patients are",
        ),
    ],
)
def test_it_is_told_what_stands_for_a_patient(
    tmp_path: Path, tags: dict[str, str], told: str
) -> None:
    for label in ("normal", "sick"):
        for at in range(4):
            write_dicom(tmp_path / label / f"{at}.dcm", tags=tags)
    notes = [note for note in read_manifest(tmp_path).notes if "PatientID" in note]
    assert len(notes) == 1
    assert notes[0].startswith(told)


def test_folders_of_single_patients_are_no_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="4 folders hold one patient each, so they ar"):
        read_manifest(tree(tmp_path))


def test_frames_become_cases_of_one_group(tmp_path: Path) -> None:
    tags = {"PatientID": ""}
    write_dicom(
        tmp_path / "a/cine.dcm", tags={**tags, "StudyInstanceUID": ""}, frames=3
    )
    write_dicom(tmp_path / "b/still.dcm", tags=tags)
    manifest = read_manifest(tmp_path)
    assert [case.key for case in manifest.cases] == [
        "a/cine.dcm#frame:0",
        "a/cine.dcm#frame:1",
        "a/cine.dcm#frame:2",
        "b/still.dcm",
    ]
    assert manifest.cases[2].member == "frame:2"
    assert manifest.cases[0].patient == ""
    assert merge_groups(manifest) == [0, 0, 0, 1]


def test_objects_without_pictures_and_broken_files_are_listed(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a/1.dcm")
    write_dicom(tmp_path / "b/2.dcm")
    write_dicom(tmp_path / "a/report.dcm", tags={"Rows": None, "Columns": None})
    segmentation = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}
    write_dicom(tmp_path / "a/seg.dcm", tags=segmentation)
    (tmp_path / "b/text.dcm").write_text("no DICOM at all")
    (tmp_path / "b/empty.dcm").touch()
    (tmp_path / "b/png.dcm").write_bytes(b"\x89PNG\r\n\x1a\n and so on")
    (tmp_path / "b/bare").write_bytes(b"\xff\xd8\xff and so on")
    manifest = read_manifest(tmp_path)
    assert problems_of(manifest) == {
        "a/report.dcm": "not_an_image",
        "a/seg.dcm": "not_an_image",
        "b/text.dcm": "unreadable",
        "b/empty.dcm": "unreadable",
    }
    # A picture under a wrong name is a picture; the audit reads its pixels.
    keys = [case.key for case in manifest.cases]
    assert keys == ["a/1.dcm", "b/2.dcm", "b/bare", "b/png.dcm"]
    reasons = [p.reason for p in manifest.problems if p.case == "b/text.dcm"]
    assert reasons == ["is text; wanted DICOM"]


def test_too_many_frames_are_refused(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "x.dcm", tags={"NumberOfFrames": 10_001})
    with pytest.raises(HeaderError, match="announces 10,001 frames; at most 10,000"):
        read_dicom_header(path)


def test_a_deflate_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "x.dcm")
    content = path.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    meta = content[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    length = int.from_bytes(meta[140:144], "little") + len(meta) - start
    at = meta.index(b"1.2.840.10008.1.2.1.99") - 2
    meta = (
        meta[:140]
        + length.to_bytes(4, "little")
        + meta[144:at]
        + b"\x16\0"
        + meta[at + 2 :]
    )
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    body = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(300))
    path.write_bytes(meta + body + deflate.flush())
    assert path.stat().st_size < 1 << 20
    with pytest.raises(HeaderError, match="inflates to more than 256 MB"):
        read_dicom_header(path)
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    path.write_bytes(meta + deflate.compress(content[start:]) + deflate.flush())
    header = read_dicom_header(path)
    assert header is not None
    assert header.ids["patientid"] == "MRN-1"


def test_no_row_fits_the_headers(tmp_path: Path) -> None:
    tree(tmp_path)
    table(tmp_path / "labels.csv", "StudyInstanceUID,label", ["1.2.3,a", "1.2.4,b"])
    with pytest.raises(DataError, match="no row fits the headers of the 12 DICOM file"):
        read_manifest(tmp_path)


def test_nifti_slices_are_cases_and_volumes_are_problems(tmp_path: Path) -> None:
    import nibabel

    def save(name: str, *shape: int) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(np.zeros(shape, np.int16), np.eye(4)), path)

    save("a/flat.nii.gz", 8, 9)
    save("a/slice.nii", 8, 9, 1)
    save("b/sagittal.nii.gz", 1, 9, 8)
    save("b/volume.nii.gz", 8, 9, 5)
    save("b/cine.nii.gz", 8, 9, 1, 4)
    # The content decides, not the suffix.
    (tmp_path / "a/packed.nii").write_bytes((tmp_path / "a/flat.nii.gz").read_bytes())
    (tmp_path / "b/scan.vol").write_bytes((tmp_path / "b/volume.nii.gz").read_bytes())
    (tmp_path / "b/broken.nii").write_bytes(b"x" * 400)
    manifest = read_manifest(tmp_path)
    keys = {case.key for case in manifest.cases}
    assert keys == {
        "a/flat.nii.gz",
        "a/packed.nii",
        "a/slice.nii",
        "b/sagittal.nii.gz",
    }
    assert all(open_image(c.path).array.shape[:2] == (1, 1) for c in manifest.cases)
    assert problems_of(manifest) == {
        "b/volume.nii.gz": "volume",
        "b/scan.vol": "volume",
        "b/cine.nii.gz": "volume",
        "b/broken.nii": "unreadable",
    }
    reasons = {problem.case: problem.reason for problem in manifest.problems}
    assert reasons["b/scan.vol"].startswith("is a volume of 8 × 9 × 5 voxels")
    assert reasons["b/cine.nii.gz"].startswith("is 4 volumes of 8 × 9 × 1 voxels")
    assert reasons["b/broken.nii"].startswith("the content is text; wanted DICOM")


def test_only_volumes_say_what_is_taken(shared_data: Path, tmp_path: Path) -> None:
    images = sorted((shared_data / "mri_hippocampus" / "images").iterdir())[:4]
    rows = [f"{path.name},{at % 2}" for at, path in enumerate(images)]
    path = table(tmp_path / "rows.csv", "image,label", rows)
    with pytest.raises(DataError, match="4 files are 3D volumes, and single images"):
        read_manifest(images[0].parent, labels=path, unit="image")
    manifest = read_manifest(images[0].parent, labels=path)
    assert (manifest.form, len(manifest.cases)) == ("volume", 4)


def test_pages_of_a_tiff_become_cases(tmp_path: Path) -> None:
    import cv2

    (tmp_path / "a").mkdir()
    page = np.zeros((8, 8), np.uint8)
    cv2.imwritemulti(str(tmp_path / "a/two.tif"), [page, page])
    touch(tmp_path, ["b/one.png", "b/broken.tif"])
    manifest = read_manifest(tmp_path)
    assert [case.member for case in manifest.cases] == ["frame:0", "frame:1", "", ""]


def test_real_dicom_of_every_kind(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "dicom_variety"
    files = sorted(path.name for path in folder.iterdir())
    rows = [f"{name},{at % 2}" for at, name in enumerate(files)]
    path = table(tmp_path / "rows.csv", "image,label", rows)
    manifest = read_manifest(folder, labels=path)
    named = {case.key.split("#")[0] for case in manifest.cases}
    # Every file is a case or a problem, none is both.
    assert named | set(problems_of(manifest)) == set(files)
    assert not named & set(problems_of(manifest))
    assert len(named) > 58
    members: dict[Path, list[str]] = defaultdict(list)
    for case in manifest.cases:
        members[case.path].append(case.member)
    assert max(map(len, members.values())) > 1
    assert all(list_members(path) == names for path, names in members.items())
