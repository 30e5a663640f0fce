"""Everything that the first study would wait for, done before it comes."""

from __future__ import annotations

import logging
from importlib import import_module

import numpy as np

from medlens.core import Geometry, Image, MedlensError, Provenance
from medlens.serve.work.models import Models

log = logging.getLogger("medlens.work")

MODULES = (
    "medlens.serve.work.objects",
    "medlens.write.structured_report",
    "medlens.write.segmentation",
    "medlens.write.presentation",
    "medlens.write.capture",
    "medlens.write.fhir",
)
SIDE = 256


def warm_up(models: Models) -> None:
    """Import the writers and let every bundle of single images answer once.

    The first pass of a session makes its plan and its buffers. A bundle that refuses
    the grey test image is left: a real one will tell why.
    """
    for name in MODULES:
        import_module(name)
    for model in models.active:
        if model.bundle.form != "image":
            continue
        try:
            model.predictor.predict(_test_image())
        except MedlensError:
            log.info("not warmed up", extra={"bundle": model.bundle.name})


def _test_image() -> Image:
    rows = np.linspace(0, 4095, SIDE * SIDE, dtype=np.float32).reshape(1, 1, SIDE, SIDE)
    return Image(
        rows.astype(np.uint16),
        Geometry.uncalibrated(),
        modality="DX",
        stage="rescaled",
        bits_stored=12,
        valid_min=0,
        valid_max=4095,
        provenance=Provenance(case="warm-up"),
    )
