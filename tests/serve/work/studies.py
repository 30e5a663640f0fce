"""Studies on their way in, and bundles whose answers can be worked out by hand."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from pydicom.dataset import Dataset

from medlens.bundle import write_bundle
from medlens.serve.receive.intake import Intake
from medlens.serve.receive.receipt import Receipt
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies
from medlens.serve.work.models import Models, register
from tests.tiny import CARD, bundle_of, plain_graph
from tests.write.dicom_sources import file_bytes


def take(store: Store, image: Dataset | bytes, *, origin: Any = "dicom") -> Receipt:
    """One image through the front door."""
    data = image if isinstance(image, bytes) else file_bytes(image)
    with store.blobs.draft() as draft:
        draft.write(data)
        return Intake(store, Limits(free_mb=1)).take(draft, origin=origin)


def of_study(
    image: Dataset, number: int, *, series: int = 1, instance: int = 1
) -> Dataset:
    """A copy of an image with the UIDs of another study, series and instance."""
    made = copy.deepcopy(image)
    made.StudyInstanceUID = f"1.2.840.99.{number}"
    made.SeriesInstanceUID = f"1.2.840.99.{number}.{series}"
    made.SOPInstanceUID = f"1.2.840.99.{number}.{series}.{instance}"
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.SeriesNumber, made.InstanceNumber = series, instance
    made.PatientID = f"P-{number}"
    return made


def with_level(image: Dataset, level: float) -> Dataset:
    """The image with one value in all pixels: `level` of its brightest, 0..1."""
    made = copy.deepcopy(image)
    made.PhotometricInterpretation = "MONOCHROME2"
    if "PresentationLUTShape" in made:
        made.PresentationLUTShape = "IDENTITY"
    size = 2 ** int(made.BitsStored)
    made.WindowCenter, made.WindowWidth = size / 2, float(size)
    top = size - 1
    pixels = np.full((made.Rows, made.Columns), round(level * top), np.uint16)
    made.PixelData = pixels.tobytes()
    return made


def put_bundle(folder: Path, *, name: str = "tiny", bias: float = -2.0) -> Path:
    """A bundle of single images: those brighter than about 0.1 are "blob"."""
    made = bundle_of(plain_graph(bias=bias), name=name, thresholds=(0.9,))
    write_bundle(folder, replace(made, conformal=None), card=CARD)
    return folder


def models_of(store: Store, *folders: Path) -> Models:
    """Bundles given at the start of a service."""
    models = Models(store, register(store, folders, now=0.0), threads=1)
    models.refresh(is_due=True)
    return models


def state_of(store: Store, study_id: int) -> tuple[str, str]:
    """State and reason of a study."""
    with store.read() as connection:
        row = connection.execute(
            sa.select(studies.c.state, studies.c.reason).where(studies.c.id == study_id)
        ).one()
    return row.state, row.reason
