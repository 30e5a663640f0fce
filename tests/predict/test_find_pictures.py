"""Folders of pictures → series in the order of the numbers in their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from medlens.core import DataError, ReadError
from medlens.datasets.from_pairs import is_mask_name
from medlens.predict.find_pictures import slice_number
from medlens.predict.find_volumes import Found, find_volumes, open_volume


def draw(folder: Path, *names: str, side: int = 4) -> Path:
    """Grey pictures whose value is their place in `names`, counted from 1."""
    for value, name in enumerate(names, start=1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        plane = np.full((side, side), value, np.uint8)
        path.write_bytes(cv2.imencode(path.suffix, plane)[1].tobytes())
    return folder


def values_of(found: Found, at: int = 0) -> list[int]:
    """The value of each slice, in order."""
    image = open_volume(found.cases[at], "sequence")
    return [int(value) for value in image.array[0, :, 0, 0]]


def reason_of(folder: Path) -> tuple[str, str]:
    found = find_volumes([folder], "sequence")
    assert found.cases == ()
    (left_out,) = found.left_out
    return left_out


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("7.png", 7),
        ("p12_slice-007.png", 7),
        ("IM-0117-0003.jpeg", 3),
        ("scan.0012", 12),
        ("TCGA_CS_4941_19960909_21.tif", 21),
        ("t1 (3).BMP", 3),
        ("cover.png", None),
        ("page.jp2", 2),
        ("slice_\N{ARABIC-INDIC DIGIT TWO}.png", None),
    ],
)
def test_the_last_number_of_a_name_is_the_place(name: str, number: int | None) -> None:
    assert slice_number(name) == number


@given(st.integers(0, 10**12), st.text("abc-_ .", max_size=6), st.integers(0, 9))
def test_zeros_and_words_before_a_number_change_nothing(
    number: int, words: str, zeros: int
) -> None:
    assert slice_number(f"9{words}x{'0' * zeros}{number}.png") == number


@pytest.mark.parametrize(
    ("key", "is_mask"),
    [
        ("a_1_mask.png", True),
        ("a_1-SEG.tif", True),
        ("a.1.label.png", True),
        ("masks/1.png", True),
        ("p1/Labels/1.png", True),
        ("a_mask_1.png", False),
        ("unmasked 1.png", False),
        ("mask.png", False),
        ("maskings/1.png", False),
    ],
)
def test_names_of_masks(key: str, is_mask: bool) -> None:
    assert is_mask_name(key) is is_mask


def test_a_folder_is_a_series_in_natural_order(tmp_path: Path) -> None:
    """Sorted as text the tenth would come second."""
    folder = draw(tmp_path / "scan", *(f"s_{i}.png" for i in range(1, 13)))
    found = find_volumes([folder], "sequence")
    assert [case.key for case in found.cases] == ["scan"]
    assert values_of(found) == list(range(1, 13))
    assert (found.left_out, found.notes) == ((), ())


def test_one_series_may_mix_kinds_of_pictures(tmp_path: Path) -> None:
    folder = draw(tmp_path / "scan", "1.png", "2.bmp", "3.tif")
    assert values_of(find_volumes([folder], "volume")) == [1, 2, 3]


def test_each_folder_is_a_series(tmp_path: Path) -> None:
    for name in ("b", "a/x", "a/y"):
        draw(tmp_path / name, "1.png", "2.png", "3.png")
    draw(tmp_path, "9.png", "10.png")
    found = find_volumes([tmp_path, tmp_path / "b"], "sequence")
    keys = [tmp_path.name, "a/x", "a/y", f"{tmp_path.name}/b", f"{tmp_path.name}/b (2)"]
    assert [case.key for case in found.cases] == keys
    assert values_of(found) == [1, 2]
    told = [open_volume(case, "sequence").case for case in found.cases]
    assert told == keys  # what answers are named after


def test_series_of_one_name_keep_apart_by_the_folder_above(tmp_path: Path) -> None:
    for name in ("p1/scan", "p2/scan"):
        draw(tmp_path / name, "1.png", "2.png")
    found = find_volumes([tmp_path / "p1/scan", tmp_path / "p2/scan"], "sequence")
    assert [case.key for case in found.cases] == ["p1/scan", "p2/scan"]


def test_named_pictures_are_series_by_their_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        draw(tmp_path / name, "1.png", "2.png")
    given = [tmp_path / f for f in ("a/2.png", "b/1.png", "b/2.png", "a/1.png")]
    found = find_volumes(given, "sequence")
    assert [case.key for case in found.cases] == ["a", "b"]
    assert values_of(found) == [1, 2]
    twice = find_volumes([*given, given[0]], "sequence")
    assert "2 pictures have the number 2 ('2.png', '2.png')" in twice.left_out[0][1]


def test_masks_are_passed_over_and_told(tmp_path: Path) -> None:
    draw(tmp_path / "p1", *(f"s_{i}.png" for i in range(1, 5)))
    draw(tmp_path / "p1", *(f"s_{i}_mask.png" for i in range(1, 5)))
    found = find_volumes([tmp_path / "p1"], "sequence")
    assert values_of(found) == [1, 2, 3, 4]
    (note,) = found.notes
    assert note == (
        "4 masks among the pictures are passed over: 's_1_mask.png', 's_2_mask.png', "
        "'s_3_mask.png' and 1 more"
    )
    draw(tmp_path / "p2" / "images", "1.png", "2.png")
    draw(tmp_path / "p2" / "masks", "1.png")
    found = find_volumes([tmp_path / "p2"], "sequence")
    assert [case.key for case in found.cases] == ["images"]
    assert found.notes == ("1 mask among the pictures is passed over: '1.png'",)


def test_nothing_but_masks_is_nothing(tmp_path: Path) -> None:
    draw(tmp_path / "p1", "s_1_mask.png", "s_2_mask.png")
    wanted = "INPUT: nothing found but masks, by their names: s_1_mask.png; give series"
    with pytest.raises(DataError, match=wanted):
        find_volumes([tmp_path / "p1"], "sequence")


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["1.png", "2.png", "cover.png"], "scan: 1 of its 3 pictures has no number in"),
        (["a.png", "b.png"], "2 of its 2 pictures have no number in the name ('a.png'"),
        (
            ["t1_2.png", "t2_2.png", "t1_3.png", "t2_3.png"],
            "scan: 2 pictures have the number 2 ('t1_2.png', 't2_2.png'); 2 numbers ",
        ),
        (["01.png", "1.png", "2.png"], "2 pictures have the number 1 ('01.png', '1.p"),
        (
            ["anna_1.png", "anna_2.png", "bob_3.png", "bob_4.png", "bob_5.png"],
            "scan: pictures have different names before or after their numbers: 2 "
            "('anna_1.png', 'anna_2.png') and 3 ('bob_3.png', 'bob_4.png', 'bob_5.png'",
        ),
        (
            ["1_t1.5_a.png", "1_t1.6_a.png", "1_t1.7_b.png", "1_t1.8_b.png"],
            "different names before or after their numbers: 2 ('1_t1.5_a.png', '1_t1",
        ),
        (
            ["z8.75.png", "z10.00.png", "z11.25.png", "z12.50.png"],
            "scan: numbers with a decimal point ('z10.00.png', 'z11.25.png', 'z12.50",
        ),
        (
            ["1.png", "2.png", "20261122231911.png"],
            "scan: the slice number of '20261122231911.png' is no finite number below",
        ),
    ],
)
def test_names_that_give_no_order(
    tmp_path: Path, names: Sequence[str], wanted: str
) -> None:
    key, reason = reason_of(draw(tmp_path / "scan", *names))
    assert key == "scan"
    assert wanted in reason


def test_names_that_change_with_every_picture_are_one_series(tmp_path: Path) -> None:
    names = [f"s1.{at:02}0500_z{-at}_{at}.png" for at in range(1, 4)]
    assert values_of(find_volumes([draw(tmp_path / "a", *names)], "volume")) == [
        1,
        2,
        3,
    ]
    dotted = [f"1.2.840.{at}.png" for at in range(1, 4)]
    assert values_of(find_volumes([draw(tmp_path / "b", *dotted)], "volume")) == [
        1,
        2,
        3,
    ]


def test_a_single_picture_is_no_series(tmp_path: Path) -> None:
    key, reason = reason_of(draw(tmp_path / "scan", "1.png"))
    assert key == "1.png"
    assert reason.startswith("1.png: is a single image; this bundle answers whole")
    assert reason.endswith("or the folder of its numbered pictures")


@pytest.mark.parametrize("more", [[], ["2.png"]])
def test_pages_of_a_file_are_told(tmp_path: Path, more: list[str]) -> None:
    folder = draw(tmp_path / "scan", *more)
    folder.mkdir(exist_ok=True)
    pages = [Picture.fromarray(np.zeros((4, 4), np.uint8))] * 3
    pages[0].save(folder / "1.tif", save_all=True, append_images=pages[1:])
    key, reason = reason_of(folder)
    assert key == ("scan" if more else "1.tif")
    assert reason.startswith(f"{key}: '1.tif' holds 3 images; wanted one slice a file")


def test_what_the_opener_refuses(tmp_path: Path) -> None:
    """Holes are judged by consent, sizes and damage by the pictures themselves."""
    draw(tmp_path / "hole", "1.png", "2.png", "3.png", "5.png", "6.png")
    draw(tmp_path / "sizes", "1.png", "2.png", "3.png")
    draw(tmp_path / "sizes", "3.png", side=5)
    draw(tmp_path / "torn", "1.png", "2.png", "3.png")
    whole = (tmp_path / "torn/2.png").read_bytes()
    (tmp_path / "torn/2.png").write_bytes(whole[:-9])
    hole, sizes, torn = find_volumes([tmp_path], "sequence").cases
    wanted = "1 slice is missing .usual gap 1 slice number.: 1 between 'hole/3.png' and"
    with pytest.raises(ReadError, match=wanted):
        open_volume(hole, "sequence")
    assert open_volume(hole, "sequence", uneven="keep").array.shape[1] == 5
    assert open_volume(hole, "sequence", uneven="resample").array.shape[1] == 6
    wanted = "slice 'sizes/3.png' has 5 x 5 pixels, others 4 x 4; wanted one size"
    with pytest.raises(ReadError, match=wanted):
        open_volume(sizes, "sequence")
    with pytest.raises(ReadError, match=r"torn/2\.png: the PNG file"):
        open_volume(torn, "sequence")


def test_masks_of_images_want_each_picture(tmp_path: Path) -> None:
    """To a bundle of form "segment" pictures are cases of their own."""
    folder = draw(tmp_path / "scan", "1.png", "2.png", "1_mask.png")
    found = find_volumes([folder], "segment")
    assert [case.key for case in found.cases] == ["1.png", "1_mask.png", "2.png"]
    assert found.notes == ()
