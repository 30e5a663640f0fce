"""What is wrapped reads as the file it was made of: values, places, names."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medlens.core import ReadError
from medlens.read import find_series, open_image, open_series
from medlens.read.source import open_source
from medlens.serve.receive.wrap import (
    Details,
    WrapError,
    Wrapping,
    as_decimal,
    derive_uid,
    to_part10,
)
from medlens.serve.receive.wrap_picture import wrap_picture
from medlens.serve.receive.wrap_volume import wrap_nifti
from tests.serve.receive.files import RAS_TO_LPS, nifti, picture, put

MB = 1 << 20


def wrapped(
    path: Path, details: Details | None = None, *, slices: int = 1000, mb: int = 64
) -> list[Any]:
    source = open_source(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    wrapping = Wrapping(digest, details or Details())
    if source.kind == "nifti":
        made = wrap_nifti(source, wrapping, most_slices=slices, most_bytes=mb * MB)
        return list(made)
    return list(wrap_picture(source, wrapping, most_pages=slices, most_bytes=mb * MB))


def in_folder(folder: Path, made: list[Any]) -> Path:
    folder.mkdir()
    for index, data in enumerate(made):
        (folder / f"{index}.dcm").write_bytes(to_part10(data))
    return folder


def oblique(seed: int, sizes: tuple[float, float, float], slant: float) -> Any:
    """A RAS affine: a random rotation, voxel sizes, slices stacked at a slant."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = rotation * sizes
    affine[:3, 2] += rotation[:, 1] * slant * sizes[2]
    affine[:3, 3] = rng.uniform(-200, 200, 3)
    return affine


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.tuples(*[st.floats(0.2, 8)] * 3),
    slant=st.sampled_from([0.0, 0.0, 0.3]),
)
def test_voxels_lie_where_they_lay(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    sizes: tuple[float, float, float],
    slant: float,
) -> None:
    folder = tmp_path_factory.mktemp("volume")
    affine = oblique(seed, sizes, slant)
    # A value of its own for every voxel, so that voxels can be told apart.
    values = np.arange(5 * 4 * 6, dtype=np.int16).reshape(5, 4, 6)
    made = wrapped(put(folder, nifti(values, affine), "a.nii"))
    series = find_series(in_folder(folder / "dicom", made)).series
    assert len(series) == 1
    image = open_series(series[0])
    stored = np.asarray(np.float32(affine), dtype=np.float64)  # as the file holds it
    lps = RAS_TO_LPS @ stored
    for index in np.ndindex(image.array.shape[1:]):
        i, j, k = np.argwhere(values == image.array[(0, *index)])[0]
        wanted = (lps @ [i, j, k, 1])[:3]
        found = image.geometry.to_patient(np.array(index, dtype=np.float64))
        assert np.abs(found - wanted).max() < 1e-4


@pytest.mark.parametrize(
    ("values", "slope", "intercept", "step"),
    [
        (np.array([-1024, 0, 3071], np.int16), None, 0.0, 0.0),
        (np.array([0, 40_000, 65_535], np.uint16), None, 0.0, 0.0),
        (np.array([-5, 7, 30_000], np.int32), None, 0.0, 0.0),
        (np.array([0, 128, 255], np.uint8), 0.0123, -1.5, 4e-7),
        (np.array([-30_000, 5, 30_000], np.int16), 3.3e-5, 12.0, 2e-6),
        (np.array([0.0, 0.1, 1000.0], np.float32), None, 0.0, 0.0077),
        (np.array([-1e-6, 0.0, 3e-6], np.float64), None, 0.0, 3.1e-11),
        (np.array([0, 1_000_000, 123_456], np.int32), None, 0.0, 7.7),
        (np.array([3.25, 3.25, 3.25], np.float32), None, 0.0, 1e-5),
    ],
)
def test_values_come_back_to_what_is_said(
    tmp_path: Path, values: Any, slope: float | None, intercept: float, step: float
) -> None:
    volume = np.tile(values[:, None, None], (1, 2, 4))
    path = put(tmp_path, nifti(volume, np.eye(4), slope=slope, intercept=intercept))
    made = wrapped(path, Details(modality="MR"))
    before = open_image(path).array
    series = find_series(in_folder(tmp_path / "dicom", made)).series[0]
    after = open_series(series).array
    assert np.abs(after.astype(np.float64) - before[:, ::1]).max() <= step * 1.001


def test_the_sides_of_a_volume_are_not_mixed_up(tmp_path: Path) -> None:
    values = np.zeros((6, 5, 4), np.int16)
    values[5, 0, 0] = 100  # i grows to the patient's right here: LAS, radiological
    path = put(tmp_path, nifti(values, np.diag([-1.0, 1.0, 1.0, 1.0])))
    data = wrapped(path)[0]
    assert [float(x) for x in data.ImageOrientationPatient] == [1, 0, 0, 0, -1, 0]
    assert [float(x) for x in data.ImagePositionPatient] == [0, 0, 0]
    stored = np.frombuffer(data.PixelData, "<i2").reshape(5, 6)
    assert stored[0, 5] == 100


def test_volumes_of_a_time_series_are_series_of_one_frame_of_reference(
    tmp_path: Path,
) -> None:
    values = np.arange(3 * 3 * 2 * 4, dtype=np.int16).reshape(3, 3, 2, 4)
    made = wrapped(put(tmp_path, nifti(values, np.eye(4), packed=True)))
    assert len(made) == 8
    assert len({data.SeriesInstanceUID for data in made}) == 4
    assert len({data.SOPInstanceUID for data in made}) == 8
    assert len({data.FrameOfReferenceUID for data in made}) == 1


@pytest.mark.parametrize(
    ("low", "said", "modality"),
    [(-1000, "", "CT"), (0, "", "MR"), (-1000, "MR", "MR"), (0, "CT", "CT")],
)
def test_the_modality_is_the_senders_or_a_stated_guess(
    tmp_path: Path, low: int, said: str, modality: str
) -> None:
    values = np.full((3, 3, 2), low, np.int16)
    data = wrapped(put(tmp_path, nifti(values, np.eye(4))), Details(modality=said))[0]
    assert data.Modality == modality
    assert ("not given" in data.DerivationDescription) is (said == "")


def test_the_same_file_with_the_same_details_is_the_same_bytes(tmp_path: Path) -> None:
    path = put(tmp_path, nifti(np.zeros((2, 2, 2), np.int16), np.eye(4)))
    first, again = (
        [to_part10(data) for data in wrapped(path, Details(patient_id="A"))]
        for _ in range(2)
    )
    assert first == again
    other = wrapped(path, Details(patient_id="B"))[0]
    one = wrapped(path, Details(patient_id="A"))[0]
    assert other.SOPInstanceUID != one.SOPInstanceUID
    assert other.StudyInstanceUID != one.StudyInstanceUID


def test_unnamed_files_are_patients_of_their_own(tmp_path: Path) -> None:
    paths = [
        put(tmp_path, picture(np.full((4, 4), level, np.uint8)), f"{level}.png")
        for level in (1, 2)
    ]
    ids = {wrapped(path)[0].PatientID for path in paths}
    assert len(ids) == 2
    named = [wrapped(path, Details(patient_id="P", study="x"))[0] for path in paths]
    assert named[0].StudyInstanceUID == named[1].StudyInstanceUID
    assert named[0].SOPInstanceUID != named[1].SOPInstanceUID


@pytest.mark.parametrize(
    ("shape", "dtype", "suffix"),
    [
        ((7, 5), np.uint8, ".png"),
        ((7, 5), np.uint16, ".png"),
        ((6, 5, 3), np.uint8, ".png"),
        ((6, 5, 3), np.uint16, ".png"),
        ((7, 5), np.uint16, ".tiff"),
        ((7, 5), np.float32, ".tiff"),
        ((7, 5), np.uint8, ".bmp"),
        ((7, 5, 3), np.uint8, ".webp"),
        ((33, 35, 3), np.uint8, ".jpg"),
    ],
)
def test_pictures_read_as_before(
    tmp_path: Path, shape: tuple[int, ...], dtype: Any, suffix: str
) -> None:
    rng = np.random.default_rng(0)
    whole = np.issubdtype(dtype, np.integer)
    top = np.iinfo(dtype).max if whole else 1
    array = (rng.random(shape) * top).astype(dtype)
    path = put(tmp_path, picture(array, suffix), f"picture{suffix}")
    data = wrapped(path, Details(modality="DX"))[0]
    before = open_image(path).array
    after = open_image(put(tmp_path, to_part10(data))).array
    step = 1e-12 if whole else 0.51 / 65_535
    assert after.shape == before.shape
    assert np.abs(after.astype(np.float64) - before).max() <= step
    assert ("LossyImageCompression" in data) is (suffix == ".jpg")


def test_pages_of_a_tiff_are_instances_of_one_series(tmp_path: Path) -> None:
    import tifffile

    pages = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    made = wrapped(tmp_path / "a.tif")
    assert [data.InstanceNumber for data in made] == [1, 2, 3]
    assert len({data.SeriesInstanceUID for data in made}) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nifti(np.zeros((3, 3, 3), np.int16), None), "no physical size"),
        (
            lambda: nifti(
                np.zeros((3, 3, 3), np.int16),
                np.array([[1, 0.1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
            ),
            "not perpendicular",
        ),
        (
            lambda: nifti(
                np.zeros((3, 3, 3), np.dtype([(c, "u1") for c in "RGB"])), np.eye(4)
            ),
            "in colour",
        ),
        (lambda: nifti(np.zeros((2, 2, 20), np.int16), np.eye(4)), "10 slices"),
        (lambda: nifti(np.zeros((999, 999, 1), np.int16), np.eye(4)), "1 MiB"),
        (lambda: picture(np.zeros((1100, 1100), np.uint8)), "larger than 1 MiB"),
    ],
)
def test_what_cannot_be_wrapped_is_refused(
    tmp_path: Path, make: Any, words: str
) -> None:
    with pytest.raises(WrapError, match=words):
        wrapped(put(tmp_path, make()), slices=10, mb=1)


def test_a_damaged_picture_is_refused(tmp_path: Path) -> None:
    data = picture(np.zeros((40, 40), np.uint8))[:60]
    with pytest.raises(ReadError, match="file"):
        wrapped(put(tmp_path, data))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("patient_id", "x" * 65, "at most 64"),
        ("patient_id", "a\\b", "backslash"),
        ("patient_name", "a\x00b", "control characters"),
        ("patient_name", "x" * 65, "a part that is too long"),
        ("birth_date", "1.1.1970", "YYYYMMDD"),
        ("study_date", "20261340", "YYYYMMDD"),
        ("sex", "X", "M, F or O"),
        ("modality", "mr", "capital letters"),
        ("laterality", "B", "L or R"),
    ],
)
def test_details_that_dicom_cannot_hold_are_refused(
    field: str, value: str, words: str
) -> None:
    with pytest.raises(WrapError, match=words):
        Details(**{field: value})


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_decimals_fit_into_sixteen_characters(value: float) -> None:
    text = as_decimal(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-8, abs=1e-300)


def test_derived_uids_are_legal_and_their_parts_do_not_run_together() -> None:
    uid = derive_uid("a", "b")
    assert uid.startswith("2.25.")
    assert len(uid) <= 64
    assert len({derive_uid("a", "b"), derive_uid("ab"), derive_uid("a", "", "b")}) == 3


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy is not installed")
@pytest.mark.parametrize("kind", ["CT", "MR", "float MR", "grey", "colour", "jpeg"])
def test_an_independent_validator_finds_no_error(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(1)
    if kind in ("CT", "MR", "float MR"):
        values = rng.normal(size=(8, 6, 3)) * 100
        whole = values.astype(np.float32 if "float" in kind else np.int16)
        made = nifti(whole, np.diag([-0.7, 0.7, 3, 1]))
    else:
        shape = (16, 12) if kind == "grey" else (16, 12, 3)
        levels = rng.integers(0, 255, shape, dtype=np.uint8)
        made = picture(levels, ".jpg" if kind == "jpeg" else ".png")
    modality = kind if kind == "CT" else "MR" if "MR" in kind else "DX"
    details = Details(
        patient_id="P1",
        patient_name="Łoś^Ann",
        sex="F",
        birth_date="19700101",
        study_description="見本",
        modality=modality,
        body_part="KNEE",
        laterality="L",
    )
    data = wrapped(put(tmp_path, made), details)[0]
    path = put(tmp_path, to_part10(data), "wrapped.dcm")
    done = subprocess.run(
        ["dciodvfy", "-new", str(path)], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert errors == []
    assert pydicom.dcmread(path).PatientName == "Łoś^Ann"
