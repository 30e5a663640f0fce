"""Which files make a volume, which do not, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.core import ReadError
from medlens.read import Found, find_series

from .phantoms import SECRET, SECRET_ID, dicom, ramp, save, sequence
from .series_kit import make_affine, slice_of, voxels, write_enhanced, write_series

AXIAL = make_affine("axial")


def reasons(found: Found) -> dict[str, str]:
    return {item.case: item.kind for item in found.left_out}


def sizes(found: Found) -> list[int]:
    return [len(item.slices) for item in found.series]


def test_series_are_told_apart_by_uid_not_folder(tmp_path: Path) -> None:
    write_series(tmp_path, voxels(), AXIAL, name="a", uid="1.1")
    write_series(tmp_path, voxels((3, 4, 6)), AXIAL, name="b", uid="1.2")
    found = find_series(tmp_path)
    assert [item.case for item in found.series] == [".#1", ".#2"]
    assert sizes(found) == [5, 3]
    assert not any(item.findings for item in found.series)


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("EchoTime", ["2.46", "4.92"]),
        ("AcquisitionNumber", ["1", "2"]),
        ("ImageType", [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]]),
        ("TemporalPositionIdentifier", ["1", "2"]),
        ("ConvolutionKernel", ["B30", "B60"]),
    ],
)
def test_volumes_in_one_series_are_parted(
    tmp_path: Path, keyword: str, values: list[Any]
) -> None:
    for name, value in zip("ab", values, strict=True):
        extra: dict[str, Any] = (
            {"TemporalPositionIdentifier": value}
            if keyword == "TemporalPositionIdentifier"
            else {keyword: value}
        )
        if keyword == "ConvolutionKernel":  # only the shared group is looked at
            extra["AcquisitionNumber"] = "1" if name == "a" else "2"
        write_series(tmp_path / name, voxels(), AXIAL, **extra)
    found = find_series(tmp_path)
    assert sizes(found) == [5, 5]
    assert [item.case for item in found.series] == ["a", "b"]
    assert all(item.is_even for item in found.series)
    assert "one of several volumes" in found.series[0].findings[-1]


def test_two_scans_between_each_other_are_parted(tmp_path: Path) -> None:
    near = make_affine("axial", origin=(-91.25, 33.5, 403.35))
    write_series(tmp_path / "a", voxels(), AXIAL, AcquisitionNumber="1")
    write_series(tmp_path / "b", voxels(), near, AcquisitionNumber="2")
    found = find_series(tmp_path)
    assert sizes(found) == [5, 5]
    assert all(item.is_even for item in found.series)


def test_steps_of_one_scan_stay_together(tmp_path: Path) -> None:
    """A scan in steps numbers each of them; that is no reason to part it."""
    stack = voxels((6, 4, 6))
    for d, plane in enumerate(stack):
        affine = AXIAL.copy()
        affine[:3, 3] += AXIAL[:3, 0] * d
        write_series(
            tmp_path, plane[None], affine, name=f"p{d}", AcquisitionNumber=str(d // 2)
        )
    found = find_series(tmp_path)
    assert sizes(found) == [6]
    assert found.series[0].findings == ()


def test_phases_with_times_of_their_own_are_parted_by_turn(tmp_path: Path) -> None:
    """A heart: three phases at each of four places, no time the same twice."""
    for d in range(4):
        affine = AXIAL.copy()
        affine[:3, 3] += AXIAL[:3, 0] * d
        for phase in range(3):
            plane = np.full((1, 4, 6), 10 * phase + d, np.uint16)
            time = f"{phase * 40 + d:.1f}"
            write_series(
                tmp_path, plane, affine, name=f"d{d}p{phase}", TriggerTime=time
            )
    found = find_series(tmp_path)
    assert sizes(found) == [4, 4, 4]
    for item in found.series:
        assert len({part.case[-8:-7] for part in item.slices}) == 1  # one phase
        assert item.is_even


def test_orientations_are_parted(tmp_path: Path) -> None:
    for plane in ("axial", "sagittal", "coronal"):
        write_series(tmp_path / plane, voxels(), make_affine(plane))
    assert sizes(find_series(tmp_path)) == [5, 5, 5]


def test_bilateral_scans_are_parted_by_place(tmp_path: Path) -> None:
    left = make_affine("axial", origin=(60, 33.5, 402.75))
    write_series(tmp_path / "a", voxels(), AXIAL)
    write_series(tmp_path / "b", voxels(), left)
    found = find_series(tmp_path)
    assert sizes(found) == [5, 5]
    assert found.series[0].parted_by == ("ImagePositionPatient",)


def test_echoes_of_an_enhanced_file_are_parted(tmp_path: Path) -> None:
    stack = voxels((8, 4, 6))
    affine = AXIAL.copy()

    def echo(d: int) -> dict[str, Any]:
        position = affine[:3, 0] * (d // 2) + affine[:3, 3]
        return {
            "PlanePositionSequence": sequence(ImagePositionPatient=list(position)),
            "MREchoSequence": sequence(EffectiveEchoTime=20.0 + d % 2),
        }

    write_enhanced(tmp_path / "e.dcm", stack, affine, per_frame=echo)
    found = find_series(tmp_path)
    assert [item.case for item in found.series] == ["e.dcm#1", "e.dcm#2"]
    assert sizes(found) == [4, 4]


def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    write_series(tmp_path / "good", voxels(), AXIAL, uid="1.1")
    scout = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    write_series(tmp_path / "scout", voxels(), AXIAL, uid="1.2", ImageType=scout)
    words = {"SeriesDescription": "3-plane Localizer"}
    write_series(tmp_path / "words", voxels(), AXIAL, uid="1.3", **words)
    folder = tmp_path / "rest"
    folder.mkdir()
    save(dicom(ramp()), folder / "capture.dcm")
    colour = np.zeros((4, 6, 3), np.uint8)
    save(slice_of(colour, AXIAL, [0, 0, 0], uid="1.4"), folder / "colour.dcm")
    plain = slice_of(ramp(), AXIAL, [0, 0, 0], uid="1.5")
    del plain.ImagePositionPatient
    save(plain, folder / "unplaced.dcm")
    save(slice_of(ramp(), AXIAL, [0, 0, 0], uid="1.6"), folder / "single.dcm")
    (folder / "notes.txt").write_text("no image")
    copied = sorted((tmp_path / "good").iterdir())[0]
    (tmp_path / "good" / "zz.dcm").write_bytes(copied.read_bytes())
    found = find_series(tmp_path)
    assert [item.case for item in found.series] == ["good"]
    assert sizes(found) == [5]
    kinds = reasons(found)
    assert {kind for case, kind in kinds.items() if case.startswith("scout")} == {
        "localiser"
    }
    assert {kind for case, kind in kinds.items() if case.startswith("words")} == {
        "localiser"
    }
    assert {
        case: kind for case, kind in kinds.items() if case[0] in "rg"
    } == {
        "rest/capture.dcm": "capture", "rest/colour.dcm": "capture",
        "rest/unplaced.dcm": "unplaced", "rest/single.dcm": "single",
        "rest/notes.txt": "no_image", "good/zz.dcm": "copy",
    }  # fmt: skip
    shown = str(found) + "".join(item.reason for item in found.left_out)
    assert SECRET not in shown
    assert SECRET_ID not in shown
    assert "2.826" not in shown
    assert str(tmp_path) not in shown


def test_slices_that_turn_about_an_axis_are_mixed(tmp_path: Path) -> None:
    for k in range(6):
        angle = np.pi * k / 6
        affine = AXIAL.copy()
        affine[:3, 2] = 0.5 * np.array([np.cos(angle), np.sin(angle), 0])
        affine[:3, 1] = [0, 0, -0.75]
        write_series(tmp_path, voxels((1, 4, 6)), affine, name=f"t{k}")
    found = find_series(tmp_path)
    assert found.series == ()
    assert set(reasons(found).values()) == {"mixed"}
    assert "6 slices in as many orientations" in found.left_out[0].reason


def test_hundreds_of_orientations_end_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medlens.read.series.split._MOST_GRIDS", 2)
    for plane in ("axial", "sagittal", "coronal"):
        write_series(tmp_path / plane, voxels(), make_affine(plane))
    found = find_series(tmp_path)
    assert found.series == ()
    assert set(reasons(found).values()) == {"mixed"}


def test_one_uid_for_all_slices_does_not_lose_them(tmp_path: Path) -> None:
    write_series(tmp_path, voxels(), AXIAL, SOPInstanceUID="1.2.3")
    assert sizes(find_series(tmp_path)) == [5]


def test_films_have_no_place_for_each_frame(tmp_path: Path) -> None:
    film = slice_of(
        voxels().reshape(-1, 6), AXIAL, [0, 0, 0], uid="1.5", Rows=4, NumberOfFrames=5
    )
    save(film, tmp_path / "film.dcm")
    found = find_series(tmp_path / "film.dcm")
    assert reasons(found) == {"film.dcm": "unplaced"}
    assert "film of 5 frames" in found.left_out[0].reason


def test_damaged_files_fail_alone(tmp_path: Path) -> None:
    paths = write_series(tmp_path, voxels(), AXIAL)
    paths[0].write_bytes(paths[0].read_bytes()[:400])
    found = find_series(tmp_path)
    assert sizes(found) == [4]
    assert list(reasons(found).values()) == ["no_image"]


def test_links_and_hidden_files_are_not_followed(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "real", voxels(), AXIAL)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.dcm").symlink_to(paths[0])
    (tmp_path / "in" / ".hidden.dcm").write_bytes(paths[1].read_bytes())
    assert find_series(tmp_path / "in") == Found((), ())


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_series(tmp_path, voxels(), AXIAL)
    monkeypatch.setattr("medlens.read.series.find.MAX_FILES", 4)
    with pytest.raises(ReadError, match="holds more than 4 files"):
        find_series(tmp_path)


def test_real_files_of_many_kinds(shared_data: Path) -> None:
    found = find_series(shared_data / "dicom_variety")
    kinds = reasons(found)
    assert kinds["SC_rgb.dcm"] == "capture"
    assert kinds["liver.dcm"] == "no_image"
    assert kinds["693_UNCR.dcm"] == "copy"
    assert kinds["emri_small.dcm"] == "unplaced"
    # The same slice in two compressions: a place taken twice.
    doubles = [item.findings[0] for item in found.series if item.stack.doubles]
    assert any("'CT1_JPLL.dcm' and 'CT1_JLSL.dcm'" in text for text in doubles)


def test_files_of_pydicom() -> None:
    """Every file that comes with pydicom is in a series or has a reason."""
    pydicom = pytest.importorskip("pydicom")
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = find_series(files, cases=[f"f{at}" for at in range(len(files))])
    held = {part.case for item in found.series for part in item.slices}
    named = {item.case.split("#")[0] for item in found.left_out}
    assert held | named == {f"f{at}" for at in range(len(files))}
    for item in found.series:
        assert np.all(np.diff(item.stack.offsets) >= 0)
