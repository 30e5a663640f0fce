"""What the audit keeps of an image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from audit_kit import texture

from medlens.core import Array, Geometry, Image, Provenance
from medlens.datasets.audit_images import (
    find_constant,
    find_identical,
    find_inverted,
    number_scenes,
)
from medlens.datasets.hashes import make_thumbnail
from medlens.datasets.manifest import Case
from medlens.datasets.signals import Signal, measure_signal
from medlens.datasets.signals_pass import measure_signals


def signal_of(array: Array, **changes: object) -> Signal:
    """Signal of a (H, W), (3, H, W) or (C, D, H, W) array."""
    if array.ndim < 4:
        array = (array[None] if array.ndim == 2 else array)[:, None]
    image = Image(array, Geometry.uncalibrated(), **changes)  # type: ignore[arg-type]
    return measure_signal(image, Path("nothing"))


def test_equal_pixels_have_equal_digests_and_others_do_not() -> None:
    image = texture(0)
    same, other = image.copy(), image.copy()
    other[5, 5] ^= 1
    digests = [signal_of(i).digest for i in (image, same, other, image.reshape(80, -1))]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert signal_of(image.astype(np.uint16)).digest != digests[0]


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 95])
def test_jpeg_quality_is_that_of_the_encoder(tmp_path: Path, quality: int) -> None:
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), texture(0), [cv2.IMWRITE_JPEG_QUALITY, quality])
    (outcome,) = measure_signals([Case("a.jpg", path)])
    assert isinstance(outcome, Signal)
    assert abs(outcome.jpeg_quality - quality) <= 1
    assert outcome.file_bytes == path.stat().st_size


def test_colour_is_what_differs_between_channels() -> None:
    grey = np.stack([texture(0)] * 3)
    assert not signal_of(grey).is_colour
    almost = grey.copy()
    almost[0] = np.clip(almost[0].astype(int) + 4, 0, 255)  # as JPEG leaves grey
    assert not signal_of(almost).is_colour
    tinted = grey.copy()
    tinted[2] //= 2
    assert signal_of(tinted).is_colour


def test_border_is_the_share_around_the_content() -> None:
    image = np.zeros((200, 200), np.uint8)
    image[50:150, 50:150] = 200
    assert signal_of(image).border == pytest.approx(0.75, abs=0.01)
    assert signal_of(texture(0)).border < 0.1


def test_corner_marks_show_in_their_corner_alone() -> None:
    plain, marked = texture(0, 400), texture(0, 400)
    marked[4:20, 370:396] = 255
    change = np.abs(signal_of(marked).corners - signal_of(plain).corners)
    assert change[4:8].max() > 0.1
    assert np.delete(change, range(4, 8)).max() < 0.05


def test_a_volume_is_seen_by_its_middle_plane_and_all_of_it_is_digested() -> None:
    volume = np.zeros((1, 5, 60, 60), np.int16)
    volume[0, 2] = texture(0, 60)
    other = volume.copy()
    other[0, 0, 0, 0] = 1
    one, two = signal_of(volume), signal_of(other)
    assert one.depth == 5
    assert np.array_equal(one.thumbnail, make_thumbnail(texture(0, 60)))
    assert one.digest != two.digest


def test_facts_of_the_header_that_name_nobody_are_kept() -> None:
    facts = {"Manufacturer": "ACME", "PatientName": "X", "ViewPosition": ""}
    signal = signal_of(texture(0), provenance=Provenance("a", "dicom", facts=facts))
    assert signal.facts == (("Manufacturer", "ACME"),)
    assert signal.format == "dicom"


@pytest.mark.parametrize("factor", [1, 300])
def test_blank_and_nearly_blank_images_are_constant(factor: int) -> None:
    kind = np.uint8 if factor == 1 else np.uint16
    images = [texture(s).astype(kind) * kind(factor) for s in range(5)]
    blank = np.full((50, 50), 9, kind)
    nearly = blank.copy()
    nearly[10, 10] = 250  # one dead pixel is no content
    signals = [signal_of(i) for i in (*images, blank, nearly)]
    assert find_constant(signals) == [5, 6]


def test_inverted_radiographs_stand_out_and_mixed_sets_are_left_alone() -> None:
    rows, columns = np.mgrid[-1:1:54j, -1:1:54j]
    body = 200 * np.exp(-2 * (rows**2 + columns**2))
    rng = np.random.default_rng(0)
    alike = [np.clip(body + rng.normal(0, 20, body.shape), 0, 255) for _ in range(30)]
    alike[7] = 255 - alike[7]
    usable = np.ones(30, bool)
    assert find_inverted(np.array(alike).astype(np.uint8), usable) == [7]
    mixed = np.stack([make_thumbnail(rng.random((60, 60))) for _ in range(30)])
    assert find_inverted(mixed, usable) == []
    assert find_inverted(np.array(alike[:8]).astype(np.uint8), usable[:8]) == []


def test_slices_of_a_series_are_numbered_and_single_images_are_not() -> None:
    def slice_at(z: float, series: str) -> Signal:
        geometry = Geometry.from_parts(spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, z))
        uids = {"SeriesInstanceUID": series} if series else {}
        made = Image(
            texture(0)[None, None], geometry, provenance=Provenance("a", uids=uids)
        )
        return measure_signal(made, Path("nothing"))

    scenes = number_scenes(
        [slice_at(0, "1.2"), slice_at(5, "1.2"), slice_at(5, "1.3"), slice_at(5, "")]
    )
    assert scenes[:, 0].tolist() == [0, 0, 1, -1]
    assert scenes[0, 1] != scenes[1, 1] == scenes[2, 1]
    frames = [
        measure_signal(
            Image(texture(0)[None, None], Geometry.uncalibrated()),
            Path("cine.dcm"),
            member=f"frame:{at}",
        )
        for at in range(2)
    ]
    scenes = number_scenes(frames)
    assert scenes[0, 0] == scenes[1, 0] == 0
    assert scenes[0, 1] != scenes[1, 1]


def test_identical_groups_leave_the_named_ones_out() -> None:
    signals = [signal_of(i) for i in (texture(0), texture(1), texture(0), texture(1))]
    assert find_identical(signals, []) == [[0, 2], [1, 3]]
    assert find_identical(signals, [1, 3]) == [[0, 2]]


def test_a_broken_file_gives_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    cv2.imwrite(str(tmp_path / "good.png"), texture(0))
    names = ["bad.png", "good.png", "missing.png"]
    seen: list[tuple[int, int]] = []
    outcomes = measure_signals(
        [Case(name, tmp_path / name) for name in names],
        progress=lambda done, count: seen.append((done, count)),
    )
    assert [isinstance(outcome, Signal) for outcome in outcomes] == [False, True, False]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert "bad.png" not in str(outcomes[0])
    assert str(tmp_path) not in str(outcomes[2])


def test_a_reader_that_breaks_costs_its_own_case_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a library raises, and nothing of what it says."""
    import medlens.datasets.volumes

    def open_image(_: Path, *, case: str, **__: object) -> Image:
        if case == "bad.png":
            raise KeyError("/home/someone/secret")
        return Image(texture(0)[None, None], Geometry.uncalibrated())

    monkeypatch.setattr(medlens.datasets.volumes, "open_image", open_image)
    cases = [
        Case(key=k, path=tmp_path / k, target=(1, 0)) for k in ("a.png", "bad.png")
    ]
    good, bad = measure_signals(cases)
    assert isinstance(good, Signal)
    assert bad == (
        "cannot be read or prepared: KeyError; the file may be damaged: leave it out"
    )
