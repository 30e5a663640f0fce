"""Small studies for the browser's tests, and the way into a running service."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
from pydicom.dataset import Dataset

from medlens.bundle import write_bundle
from tests.serve.work.studies import of_study, with_level
from tests.tiny import CARD, bundle_of, plain_graph
from tests.write.dicom_sources import file_bytes, radiograph, series, ultrasound

ANSWER_S = 240.0  # a busy machine takes its time; a quiet one answers within 2 s
SEEN = 0.8
"""Brightness at which the tiny bundle finds pneumonia."""
NOT_SEEN = 0.02
"""Brightness at which it finds nothing."""
ENDED = ("answered", "refused", "failed")


def put_bundle(folder: Path, *, name: str = "tiny") -> Path:
    """A bundle of single images: those brighter than about 0.1 show pneumonia.

    It answers in milliseconds and refuses series of slices.
    """
    made = bundle_of(
        plain_graph(), name=name, labels=("normal", "pneumonia"), thresholds=(0.9,)
    )
    write_bundle(folder, replace(made, conformal=None), card=CARD)
    return folder


def chest(number: int, *, level: float = SEEN, **changes: object) -> Dataset:
    """A DX radiograph of the chest, even in all pixels.

    Args:
        number: of the study; its patient is P-number.
        level: brightness, 0..1; see `SEEN` and `NOT_SEEN`.
        changes: attributes by keyword.
    """
    return _changed(of_study(with_level(radiograph(), level), number), changes)


def ct_series(
    number: int, *, slices: int = 20, side: int = 64, **changes: object
) -> list[Dataset]:
    """An axial CT of the head, 2.5 mm apart."""
    images = series("CT", slices=slices, shape=(side, side))
    return [
        _changed(of_study(image, number, instance=place), changes)
        for place, image in enumerate(images, start=1)
    ]


def clip(number: int, *, frames: int = 8, **changes: object) -> Dataset:
    """A colour ultrasound clip in one multi-frame image."""
    return _changed(of_study(ultrasound(frames=frames), number), changes)


def send(url: str, images: Sequence[Dataset | bytes]) -> list[int]:
    """Upload images in one request; numbers of their studies here.

    Args:
        url: of a demo service.
        images: DICOM data sets, or files as they are.
    """
    files = [
        (
            "file",
            (
                f"{place:04d}.dcm",
                image if isinstance(image, bytes) else file_bytes(image),
            ),
        )
        for place, image in enumerate(images, start=1)
    ]
    reply = httpx.post(f"{url}/api/v1/uploads", files=files, timeout=ANSWER_S)
    assert reply.status_code == 200, reply.text
    studies: list[int] = reply.json()["studies"]
    return studies


def forget_measurements(url: str, study: int) -> None:
    """Delete what the guest of a demo measured on a study."""
    address = f"{url}/api/v1/studies/{study}/measurements"
    found = httpx.get(address, timeout=ANSWER_S).raise_for_status().json()
    body = {"revision": found["revision"], "shapes": []}
    httpx.put(address, json=body, timeout=ANSWER_S).raise_for_status()


def wait_for_end(url: str, study: int) -> str:
    """The state of a study once no work on it is due."""
    until = time.monotonic() + ANSWER_S
    while time.monotonic() < until:
        found = httpx.get(f"{url}/api/v1/studies/{study}", timeout=ANSWER_S).json()
        if found["state"] in ENDED:
            return str(found["state"])
        time.sleep(0.1)
    raise AssertionError(f"study {study} had no answer within {ANSWER_S} s")


def _changed(image: Dataset, changes: dict[str, object]) -> Dataset:
    for keyword, value in changes.items():
        setattr(image, keyword, value)
    return image
