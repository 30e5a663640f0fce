"""Try it: files are dropped or chosen, an answer appears."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from typing import Any

import httpx

from tests.serve.running import Running
from tests.web.studies import chest, ct_series
from tests.write.dicom_sources import file_bytes

FILES = "[data-files=files]"


def as_file(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def test_a_file_that_is_chosen_is_answered(
    page: Any, check_accessible: Callable[..., None]
) -> None:
    page.goto("/try")
    page.wait_for_selector("h1:has-text('Try it')")
    assert "Do not put in images of real patients" in page.inner_text("main")
    check_accessible(page)
    page.set_input_files(
        FILES,
        [
            as_file("chest.dcm", file_bytes(chest(501))),
            as_file("letter.txt", b"Dear colleague, here are the images.\n"),
        ],
    )
    page.wait_for_selector(".trial-card .trial-advice")
    files = page.locator(".upload-file")
    assert (
        "not taken" in files.nth(0).inner_text()
    )  # what one has to act on comes first
    assert "wanted DICOM" in files.nth(0).inner_text()
    assert "stored" in files.nth(1).inner_text()
    card = page.locator(".trial-card").inner_text()
    assert "A reader should look" in card
    assert "> 99.9 %" in card  # no probability is all or nothing
    assert "chest.dcm" in card  # which file it is of
    assert "operating point 90.0 %" in card
    picture = page.locator(".trial-picture")
    picture.evaluate("image => image.decode()")  # fails where it is no picture
    assert "/series/" in picture.get_attribute("src")
    check_accessible(page)
    page.reload()
    page.wait_for_selector(".trial-card .trial-advice")
    page.get_by_role("link", name="Open in the reading page").click()
    page.wait_for_url("**/studies/*")


def test_a_folder_that_is_dropped_is_walked_and_refused_in_words(page: Any) -> None:
    """A ZIP within the drop: no bundle takes a CT, and the page says so."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for at, image in enumerate(ct_series(502, slices=4)):
            archive.writestr(f"CT/{at}.dcm", file_bytes(image))
    page.goto("/try")
    page.wait_for_selector(".trial-drop")
    page.evaluate(
        """encoded => {
          const bytes = Uint8Array.from(atob(encoded), each => each.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "ct.zip"));
          for (const kind of ["dragenter", "dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(kind, {
              dataTransfer: transfer, bubbles: true, cancelable: true,
            }));
          }
        }""",
        base64.b64encode(packed.getvalue()).decode(),
    )
    page.wait_for_selector(".trial-caution")
    assert page.locator(".upload-file").count() == 1
    said = page.locator(".trial-card").inner_text()
    assert "CT · 4 images" in said
    assert "No model takes this" in said
    assert "no bundle takes" in said


def test_a_lost_line_is_waited_out(page: Any, heard: Any, service: Running) -> None:
    heard.expect("ERR_INTERNET_DISCONNECTED")
    page.goto("/try")
    page.wait_for_selector(".trial-drop")
    page.context.set_offline(True)
    page.set_input_files(FILES, [as_file("late.dcm", file_bytes(chest(503)))])
    page.wait_for_selector(".upload-stalled")
    page.context.set_offline(False)
    page.wait_for_selector(".trial-card .trial-advice")
    reply = httpx.get(f"{service.url}/api/v1/studies?text=P-503", timeout=240)
    assert [each["instance_count"] >= 1 for each in reply.json()["items"]] == [True]


def test_a_phone_has_room_for_it(
    visit: Callable[..., Any], check_accessible: Callable[..., None]
) -> None:
    page = visit(
        viewport={"width": 390, "height": 800},
        has_touch=True,
        color_scheme="dark",
        locale="zh-CN",
    )
    page.goto("/try")
    page.wait_for_selector("h1:has-text('试用')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessible(page)
