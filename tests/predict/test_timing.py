"""Seconds of stages: inner ones count alone, threads count too, nothing is lost."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from medlens.bundle import write_bundle
from medlens.cli.app import app
from medlens.core import Geometry, ResourceError
from medlens.predict.answers import answer_inputs
from medlens.predict.documents import describe_timing
from medlens.predict.timing import STAGES, measured, stage
from medlens.recipe import Step
from medlens.write import write_nifti
from tests.predict.volume_kit import grey_graph, mask_bundle
from tests.tiny import CARD, SIDE, bundle_of, plain_graph

BYTES = (Step("window", {"center": 127.5, "width": 255.0}),)


def test_an_inner_stage_is_taken_off_the_outer_one() -> None:
    with measured() as watch:
        with stage("answer"):
            time.sleep(0.05)
            for _ in range(3):
                with stage("network"):
                    time.sleep(0.05)
        told = watch.told()
    assert 0.15 <= told["network"] < 0.5
    assert 0.05 <= told["answer"] < told["network"]
    parts = sum(told[name] for name in STAGES)
    assert parts == pytest.approx(told["total"], abs=0.01)


def test_nothing_is_counted_where_nobody_measures() -> None:
    with measured() as watch:
        pass
    with stage("network"):
        time.sleep(0.01)
    assert watch.seconds == dict.fromkeys(STAGES, 0.0)


def fail_late() -> None:
    time.sleep(0.02)
    raise ResourceError("torn")


def test_a_stage_that_fails_is_counted_and_closed() -> None:
    with measured() as watch:
        with pytest.raises(ResourceError, match="torn"), stage("read"):
            fail_late()
        with stage("write"):
            time.sleep(0.02)
    assert watch.seconds["read"] >= 0.02
    assert watch.seconds["write"] >= 0.02


def test_threads_count_in_full() -> None:
    def work() -> None:
        with stage("prepare"):
            time.sleep(0.05)

    with measured() as watch, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(copy_context().run, work) for _ in range(4)]
        for one in waiting:
            one.result()
    assert watch.seconds["prepare"] >= 0.2


def test_the_line_tells_the_share_outside_the_network() -> None:
    seconds = {"total": 20.0, **dict.fromkeys(STAGES, 1.0), "network": 15.0}
    assert describe_timing(seconds) == (
        "Seconds: 20.0 (load 1.0, read 1.0, prepare 1.0, network 15.0, answer 1.0, "
        "write 1.0); 25% outside the network."
    )


def test_the_command_tells_it_when_asked(tmp_path: Path) -> None:
    solid = mask_bundle(grey_graph(3), (4, 8, 8), steps=BYTES)
    write_bundle(tmp_path / "bundle", solid, card=CARD)
    values = np.zeros((9, 20, 24), np.uint8)
    values[3:6, 4:9, 4:9] = 120
    write_nifti(tmp_path / "case.nii.gz", values, Geometry(np.eye(4)))
    given = ["predict", str(tmp_path / "bundle"), str(tmp_path / "case.nii.gz")]
    plain = CliRunner().invoke(app, [*given, "--json"])
    assert "timing" not in json.loads(plain.stdout)
    out = ["--out", str(tmp_path / "out"), "--format", "json,nifti"]
    timed = CliRunner().invoke(app, [*given, "--json", "--timing", *out])
    told = json.loads(timed.stdout)["timing"]
    assert set(told) == {"total", *STAGES}
    assert all(told[name] > 0 for name in ("load", "read", "network", "answer"))
    assert told["write"] > 0
    assert sum(told[name] for name in STAGES) <= told["total"] + 0.01
    kept = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert set(kept["timing"]) == set(told)
    words = CliRunner().invoke(app, [*given, "--timing"])
    assert "outside the network." in words.stdout


def test_images_prepared_in_threads_are_counted(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", bundle_of(plain_graph()), card=CARD)
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for i, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((SIDE, SIDE), 40 * i, np.uint8))
    found = answer_inputs(
        tmp_path / "bundle", paths, out=None, formats="json", engine="onnxruntime",
        force=False, timing=True,
    )  # fmt: skip
    assert found.document["failed"] == []
    told = found.document["timing"]
    assert all(told[name] > 0 for name in ("load", "read", "prepare", "network"))
