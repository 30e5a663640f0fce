"""Evaluations of bundles that read series or label voxels."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import sqlalchemy as sa

from medlens.bundle import Bundle, write_bundle
from medlens.metrics import OperatingPoint
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import evaluations, jobs
from medlens.serve.web.api.curve_models import CurvesView, curves_of
from medlens.serve.work.answer import Workplace
from medlens.serve.work.evaluations import Asked, ask
from medlens.serve.work.queue import lease
from medlens.serve.work.worker import do
from tests.experiment.test_ask_pictures import sequence_bundle
from tests.predict.volume_kit import grey_graph, mask_bundle
from tests.serve.work.sets import BRIGHT, DARK, pack, picture
from tests.serve.work.studies import models_of
from tests.tiny import CARD, STEPS

pytest.importorskip("onnx")


def evaluated(store: Store, folder: Path, bundle: Bundle, data: bytes) -> Any:
    """The row of an evaluation that was done."""
    write_bundle(folder, bundle, card=CARD)
    models = models_of(store, folder)
    place = Workplace(store, ServeSettings(limits=Limits(free_mb=1)), None, models)
    asked = Asked(
        bundle=models.active[0].digest,
        title="t",
        set_digest=store.blobs.put(data),
        set_bytes=len(data),
        options={},
    )
    with store.begin() as connection:
        number, _ = ask(connection, asked, now=time.time())
    job = lease(store, worker="w", kinds=("evaluate",), lease_s=60, now=time.time())
    assert job is not None
    do(place, job)
    with store.read() as connection:
        return connection.execute(
            sa.select(evaluations, jobs.c.state, jobs.c.error)
            .join(jobs, jobs.c.id == evaluations.c.job_id)
            .where(evaluations.c.id == number)
        ).one()


def curves(row: Any) -> CurvesView:
    """As the API shows them."""
    assert row.state == "done", (row.error, row.failed)
    found = curves_of(row.curves)
    assert found is not None
    return found


def test_slices_and_series_have_curves_of_their_own(
    store: Store, tmp_path: Path
) -> None:
    rows = ["image,patient,series,slice,label"]
    files: dict[str, Any] = {}
    for at in range(6):
        for d in range(5):
            name, is_bright = f"s{at}/i{d}.png", at % 2 == 1 and d == 3
            files[name] = picture(BRIGHT if is_bright else DARK, 10 * at + d)
            label = "bright" if is_bright else "dark"
            rows.append(f"{name},p{at},s{at},{d + 1},{label}")
    files["labels.csv"] = "\n".join(rows) + "\n"
    point = OperatingPoint("bright", 0.9, "youden", chosen=True)
    bundle = replace(
        sequence_bundle("dark", "bright"), steps=STEPS, operating_points=(point,)
    )
    found = curves(evaluated(store, tmp_path / "b", bundle, pack(files)))
    assert found.form == "sequence"
    slices, series = found.parts
    assert (slices.of, slices.n_cases, slices.n_patients) == ("slices", 30, 6)
    assert (series.of, series.n_cases) == ("series", 6)
    (label,) = slices.labels
    assert (label.label, label.n_present, label.n_absent) == ("bright", 3, 27)
    # five slices of a patient are no five patients
    at = label.thresholds.threshold.index(0.9)
    assert (label.thresholds.tp[at], label.thresholds.fp[at]) == (3, 0)
    assert slices.metrics["specificity"].method.startswith("Wilson clustered")


def test_masks_have_their_overlap(store: Store, tmp_path: Path) -> None:
    files: dict[str, Any] = {}
    for at in range(5):
        values = np.zeros((16, 16, 6), np.float32)
        values[4:10, 4 : 8 + at] = 128
        values[11:14, 3:12] = 255
        mask = np.zeros(values.shape, np.uint8)
        mask[4:10, 4:8] = 1  # one column more each time that the bundle sees
        mask[11:14, 3:12] = 2
        for room, array in (("images", values), ("masks", mask)):
            path = tmp_path / "set" / room / f"case{at}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(array, np.eye(4)), path)
            files[f"{room}/{path.name}"] = path.read_bytes()
    labels = '{"labels": {"0": "background", "1": "grey", "2": "white"}}'
    files["dataset.json"] = labels
    bundle = mask_bundle(grey_graph(3), (4, 16, 16))
    found = curves(evaluated(store, tmp_path / "b", bundle, pack(files)))
    (part,) = found.parts
    assert part.labels == []
    assert part.confusion is None
    grey, white = part.masks
    assert (grey.label, white.label) == ("grey", "white")
    # by hand: the answer is 4 + at columns wide, the reference 4
    wanted = np.mean([2 * 4 / (4 + (4 + at)) for at in range(5)])
    assert grey.metrics["dice"].value == pytest.approx(wanted, abs=1e-5)
    assert white.metrics["dice"].value == 1.0
    assert white.dice.counts[-1] == 5
    assert part.dice is not None
    assert sum(part.dice.counts) == 5
