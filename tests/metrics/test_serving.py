"""What a bundle needs to answer: cheap to import, safe to read."""

from __future__ import annotations

import contextlib
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medlens.metrics
from medlens.core import BundleError
from medlens.metrics import Calibration, ConformalSets, OperatingPoint, OutlierGate

GATE = OutlierGate(
    centre=np.zeros(3),
    axes=np.eye(3)[:2],
    spread=np.ones(2),
    mean=np.zeros(14),
    whiten=np.eye(14),
    level=np.zeros(3),
    scale=np.ones(3),
    threshold=3.0,
).to_json()
VALID: dict[Any, dict[str, Any]] = {
    Calibration: Calibration(np.ones(2), np.zeros(2), "binary").to_json(),
    ConformalSets: ConformalSets(np.array([0.1, 0.2]), 0.9).to_json(),
    OperatingPoint: OperatingPoint("yes", 0.5, "youden").to_json(),
    OutlierGate: GATE,
}
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_serving_imports_numpy_only() -> None:
    code = (
        "import sys, medlens.metrics as m, numpy as np\n"
        "c = m.Calibration.identity(2, kind='binary')\n"
        "p = c.probabilities(np.zeros((1, 2)))\n"
        "m.decide(p, (), labels=('a', 'b'), kind='binary')\n"
        "m.ConformalSets(np.array([.1, .2]), .9).sets(p)\n"
        "g = m.OutlierGate(np.zeros(3), np.eye(3)[:2], np.ones(2), np.zeros(14),\n"
        "    np.eye(14), np.zeros(3), np.ones(3), 3.)\n"
        "g.score(np.zeros(3), m.image_statistics(np.zeros((1, 4, 4))))\n"
        "heavy = {'scipy', 'sklearn', 'pandas', 'torch', 'cv2'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_public_names_are_few_and_real() -> None:
    names = medlens.metrics.__all__
    assert len(names) <= 32
    assert all(hasattr(medlens.metrics, name) for name in names)


@pytest.mark.parametrize("thing", VALID)
@given(data=anything)
@settings(max_examples=40, deadline=None)
def test_anything_else_is_refused(thing: Any, data: object) -> None:
    with pytest.raises(BundleError, match=r"wanted a JSON object|missing"):
        thing.from_json(data)


@pytest.mark.parametrize(("thing", "valid"), VALID.items())
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_value_is_read_or_refused(
    thing: Any, valid: dict[str, Any], data: st.DataObject
) -> None:
    entry = copy.deepcopy(valid)
    entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(anything)
    with contextlib.suppress(BundleError):
        assert isinstance(thing.from_json(entry), thing)


@pytest.mark.parametrize("thing", VALID)
def test_missing_and_unknown_keys_are_named(thing: Any) -> None:
    for key in VALID[thing]:
        entry = {name: value for name, value in VALID[thing].items() if name != key}
        with pytest.raises(BundleError, match=f"{key} missing"):
            thing.from_json(entry)
    with pytest.raises(BundleError, match="unknown extra"):
        thing.from_json({**VALID[thing], "extra": 1})


def change(*path: str, to: object) -> Callable[[], dict[str, Any]]:
    def changed() -> dict[str, Any]:
        entry = copy.deepcopy(GATE)
        place = entry
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        return entry

    return changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (change("embedding", to=10**9), "out of range"),
        (change("embedding", to=4), "shape does not fit"),
        (change("axes", to=True), "wanted a number"),
        (change("threshold", to=float("nan")), "out of range"),
        (change("threshold", to=10**400), "out of range"),
        (change("arrays", "centre", "float32", to="!" * 16), "not base64"),
        (change("arrays", "centre", "float32", to="AAAA"), "12 bytes as base64"),
        (change("arrays", "centre", "float32", to="AADAfwAAAAAAAAAA"), "not finite"),
        (change("arrays", "centre", to=[0, 0, 0]), "wanted a JSON object"),
    ],
)
def test_a_tampered_gate_is_refused(
    changed: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        OutlierGate.from_json(changed())


@pytest.mark.parametrize(
    ("thing", "key", "value", "message"),
    [
        (
            Calibration,
            "kind",
            "regression",
            "wanted binary or multiclass",
        ),
        (Calibration, "scale", [1.0, -1.0], "scale: out of range"),
        (Calibration, "scale", [1.0], "one number a label"),
        (Calibration, "bias", [0.0] * 2000, "list of 1 to 1000 numbers"),
        (Calibration, "bias", ["0", 0], "found str, wanted a number"),
        (ConformalSets, "thresholds", [], "list of 1 to 1000 numbers"),
        (ConformalSets, "coverage", 1, "coverage 1"),
        (OperatingPoint, "threshold", 1.5, "out of range"),
        (OperatingPoint, "label", "x" * 300, "at most 200 characters"),
        (OperatingPoint, "chosen", 1, "wanted true or false"),
    ],
)
def test_values_out_of_range_are_refused(
    thing: Any, key: str, value: object, message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        thing.from_json(json.loads(json.dumps({**VALID[thing], key: value})))
