"""Which images a case was read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from medlens.core import MedlensError
from medlens.core.diagnosis import ImageRef
from medlens.predict.diagnose_sources import read_headers, refs_of, source_files
from medlens.predict.find import find_inputs
from medlens.predict.find_volumes import find_volumes, open_volume
from medlens.read import open_image
from tests.tiny import blob_image
from tests.write.dicom_sources import (
    enhanced_mr,
    file_bytes,
    radiograph,
    series,
    ultrasound,
)


def put(path: Path, image: object) -> Path:
    path.write_bytes(file_bytes(image))  # type: ignore[arg-type]
    return path


def test_a_film_is_one_image_with_its_uids(tmp_path: Path) -> None:
    source = radiograph("DX")
    (item,) = find_inputs([put(tmp_path / "film.dcm", source)])
    (ref,) = refs_of(item, open_image(item.path, case=item.key))
    assert ref == ImageRef(
        "film.dcm",
        str(source.SOPClassUID),
        str(source.SOPInstanceUID),
        str(source.SeriesInstanceUID),
    )


def test_frames_count_from_one(tmp_path: Path) -> None:
    path = put(tmp_path / "clip.dcm", ultrasound(frames=3))
    found = []
    for item in find_inputs([path]):
        image = open_image(item.path, member=item.member, case=item.key)
        found += refs_of(item, image)
    assert [ref.frame for ref in found] == [1, 2, 3]
    assert len({ref.sop_instance_uid for ref in found}) == 1


@pytest.mark.parametrize("descending", [False, True])
def test_slices_are_named_in_the_order_of_the_volume(
    tmp_path: Path, descending: bool
) -> None:
    images = series("CT", slices=4, descending=descending)
    for number, image in enumerate(images):
        put(tmp_path / f"{9 - number}.dcm", image)
    (item,) = find_volumes([tmp_path], "segment").cases
    volume = open_volume(item, "segment")
    refs = refs_of(item, volume)
    ordered = sorted(images, key=lambda one: float(one.ImagePositionPatient[2]))
    assert [ref.sop_instance_uid for ref in refs] == [
        str(one.SOPInstanceUID) for one in ordered
    ]
    assert len(source_files(item)) == 4
    headers = read_headers(item, volume)
    assert [str(one.SOPInstanceUID) for one in headers] == [
        ref.sop_instance_uid for ref in refs
    ]
    assert not [one for one in headers if "PixelData" in one]


def test_frames_of_a_volume_in_one_file_share_its_uid(tmp_path: Path) -> None:
    put(tmp_path / "mr.dcm", enhanced_mr())
    (item,) = find_volumes([tmp_path], "segment").cases
    volume = open_volume(item, "segment")
    refs = refs_of(item, volume)
    assert len(refs) == volume.array.shape[1]
    assert sorted(ref.frame or 0 for ref in refs) == list(range(1, len(refs) + 1))
    assert {ref.sop_instance_uid for ref in refs} == {str(enhanced_mr().SOPInstanceUID)}
    assert len(source_files(item)) == len(read_headers(item, volume)) == 1


def test_a_picture_has_a_key_and_no_uids(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "x.png"
    path.write_bytes(cv2.imencode(".png", blob_image(0))[1].tobytes())
    (item,) = find_inputs([path])
    image = open_image(path, case="x.png")
    assert refs_of(item, image) == (ImageRef("x.png"),)
    with pytest.raises(MedlensError, match=r"^x.png: the source is no DICOM, which"):
        read_headers(item, image)
