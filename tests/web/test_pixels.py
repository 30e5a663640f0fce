"""The viewer's pixels are pydicom's: real files of every kind, and every window."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.pixels import FIRST, LOSSLESS_JPEG, WAYS, chromium, compare, send
from pydicom.dataset import Dataset

from tests.serve.running import Running
from tests.web.canvas import image_pixels, one_to_one, open_study, with_own_uids
from tests.web.conftest import WAIT_MS
from tests.web.reference import rendered
from tests.web.studies import chest
from tests.web.studies import send as send_all
from tests.write.dicom_sources import file_bytes

STEP = 1
"""Largest difference that rounding may make, of 255."""

KINDS = (
    "CT1_JLSL",  # no window, padding
    "MR-SIEMENS-DICOM-WithOverlays",  # old overlays in the bits above
    "OT-PAL-8-face",  # palette
    "SC_rgb_16bit",
    "SC_rgb_dcmtk_ebcys4_dcmd",  # JPEG with halved chroma
    "SC_ybr_full_uncompressed",
    "emri_small_big_endian",
    "liver_nonbyte_aligned",  # one bit a pixel, frames that begin within a byte
    "mlut_18",  # modality LUT, signed
    "parametric_map_float",
    "vlut_04",  # VOI LUT
)
"""One file of each kind, for the run that everybody waits for."""


def test_the_canvas_has_the_pixels_of_pydicom(
    service: Running, page: Any, shared_data: Path
) -> None:
    found = {}
    for number, name in enumerate(KINDS, start=FIRST):
        path = shared_data / "dicom_variety" / f"{name}.dcm"
        data = with_own_uids(path.read_bytes(), number)
        found[name] = compare(page, send(service.url, data), data)
    assert {
        name: each for name, each in found.items() if each.get("largest", 99) > STEP
    } == {}


def _compare_all(url: str, paths: list[Path], flags: Any) -> dict[str, dict[str, Any]]:
    """Name → what became of each file that the service took."""
    found = {}
    with chromium(flags) as opened:
        page = opened.new_page(base_url=url)
        page.set_default_timeout(WAIT_MS)
        for number, path in enumerate(paths, start=FIRST):
            data = with_own_uids(path.read_bytes(), number)
            study = send(url, data)
            if study:  # else the service says why; there is no page to look at
                found[path.stem] = compare(page, study, data)
    return found


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI:UserWarning")  # a file's
@pytest.mark.parametrize("way", WAYS)
def test_all_files_of_the_variety(
    service: Running, shared_data: Path, way: str
) -> None:
    """With WebGL and with GPU and 3D switched off; what is not decoded has words."""
    paths = sorted((shared_data / "dicom_variety").glob("*.dcm"))
    # Playwright takes one browser a thread, and the module's has this one.
    with ThreadPoolExecutor(1) as elsewhere:
        found = elsewhere.submit(_compare_all, service.url, paths, WAYS[way]).result()
    odd, shown = {}, 0
    for name, each in found.items():
        shown += "largest" in each
        is_worded = each.get("reference") != "shown" and each.get("viewer")
        if each.get("largest", 0 if is_worded else 99) > STEP:
            odd[name] = each
    assert odd == {}
    assert shown > 50
    assert LOSSLESS_JPEG  # these are held against dcmtk's decoder


@pytest.mark.parametrize(
    "changes",
    [
        {"WindowCenter": 900, "WindowWidth": 700, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 900, "WindowWidth": 700, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 900, "WindowWidth": 700},
        {"WindowCenter": 900, "WindowWidth": 1},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"WindowCenter": [300, 900], "WindowWidth": [400, 700]},
        {"RescaleSlope": "2.5", "RescaleIntercept": "-1000", "WindowCenter": 1000},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_windows_by_the_standard(
    service: Running, page: Any, changes: dict[str, Any]
) -> None:
    image = ramp(**changes)
    data = file_bytes(image)
    [study] = send_all(service.url, [image])
    assert open_study(page, study) == "shown"
    rows, columns = image.Rows, image.Columns
    one_to_one(page, rows, columns)
    found = image_pixels(page, rows, columns).astype(int)
    reference = rendered(_with_first_window(image, data)).astype(int)
    assert np.abs(found - reference).max() <= STEP
    assert np.unique(reference).size > 1  # an even image would prove nothing


_made = iter(range(500, 600))


def ramp(**changes: Any) -> Dataset:
    """A radiograph of 12 bits with a value for each step from 0 to 4,095."""
    image = chest(next(_made), WindowCenter=2048, WindowWidth=4096)
    image.Rows, image.Columns = 64, 64
    values = np.arange(64 * 64, dtype="<u2").reshape(64, 64)
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation, image.SamplesPerPixel = 0, 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.PixelData = values.tobytes()
    for keyword, value in changes.items():
        setattr(image, keyword, value)
    return image


def _with_first_window(image: Dataset, data: bytes) -> bytes:
    """pydicom takes one window; of several the first is the file's own."""
    if not isinstance(image.WindowCenter, int | float) and len(image.WindowCenter) > 1:
        image.WindowCenter = image.WindowCenter[0]
        image.WindowWidth = image.WindowWidth[0]
        return file_bytes(image)
    return data


def test_what_cannot_be_decoded_is_said_in_words(
    service: Running, visit: Callable[..., Any], heard: Any
) -> None:
    """Pixels that end too soon: no grey square, no spinner without an end."""
    heard.expect("422")
    image = ramp()
    image.PixelData = image.PixelData[:3000]
    [study] = send_all(service.url, [image])
    page = visit()
    assert open_study(page, study) == "failed"
    said = page.locator(".viewer-reason").inner_text()
    assert "There is no image to show" in said
    assert len(said) > 60
