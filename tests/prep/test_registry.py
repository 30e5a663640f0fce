"""Every registered step runs, and the documents name it with its parameters."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medlens.prep
from medlens.core import Geometry, Image
from medlens.prep import (
    AUGMENT_PRESETS,
    AUGMENTS,
    STEPS,
    VOLUME_AUGMENT_PRESETS,
    VOLUME_AUGMENTS,
    WINDOW_PRESETS,
    build_pipeline,
)
from medlens.recipe.settings import Step

from .phantoms import disc, image_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "prep.md"
VOLUME_PAGE = PAGE.with_name("augment.md")
NEEDS_COLOUR = {"to_ybr", "to_hsv", "to_lab", "stains"}
GIVEN = {
    "window": {"center": 300.0, "width": 500.0},
    "fixed_range": {"high": 900.0},
    "nyul": {"landmarks": [0.05 + 0.09 * k for k in range(11)]},
    "statistics": {"mean": 400.0, "deviation": 200.0},
}


def sample(name: str) -> Image:
    """A 16-bit image that the step can work on."""
    grey = np.rint(disc(40) * 1000).astype(np.uint16)
    planes = np.stack([grey, grey // 2, grey // 3]) if name in NEEDS_COLOUR else grey
    geometry = Geometry.from_parts(spacing=(1.0, 0.8, 0.8))
    return image_of(planes, geometry=geometry, stage="rescaled")


@pytest.mark.parametrize("name", STEPS)
def test_every_step_runs_with_its_defaults(name: str) -> None:
    if name == "bias_correct":
        pytest.importorskip("SimpleITK")
    steps = [Step(name, GIVEN.get(name, {}))]
    if STEPS[name].needs == "windowed":
        steps.insert(0, Step("display"))
    image = sample(name)
    before = image.array.copy()
    prepared = build_pipeline(steps)(image)
    assert prepared.array.dtype == np.float32
    assert prepared.array.ndim == 4
    assert prepared.stage == "windowed"
    assert 0 <= prepared.array.min() <= prepared.array.max() <= 1
    assert prepared.array.std() > 0
    np.testing.assert_array_equal(image.array, before)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("depth", ["int16", "float32"])
def test_every_step_gives_the_same_in_slabs(
    name: str, depth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "bias_correct":
        pytest.importorskip("SimpleITK")
    one = sample(name)
    rise = np.linspace(0.6, 1.0, 5).reshape(1, 5, 1, 1)
    rng = np.random.default_rng(0)
    values = one.array * rise + rng.integers(0, 9, (1, 5, 40, 40))
    image = one.with_array(values.astype(depth), modality="CT", bits_stored=16)
    monkeypatch.setattr("medlens.prep.stream.SLAB_BYTES", 4 * 2 * 40 * 40)
    step = Step(name, GIVEN.get(name, {}))
    for steps in ([Step("display"), step], [step]):
        misplaced = "values" if len(steps) > 1 else "windowed"
        late = name == "fill_invalid" and len(steps) > 1
        if STEPS[name].needs != misplaced and not late:
            pipeline = build_pipeline(steps)
            whole, slabs = pipeline(image), pipeline.run_volume(image)
            np.testing.assert_allclose(slabs.array, whole.array, atol=2e-5)
            assert slabs.stage == whole.stage
            np.testing.assert_allclose(slabs.geometry.affine, whole.geometry.affine)


PARTS = {
    "## Steps of preparation": STEPS,
    "## Random changes": AUGMENTS,
    "## Changes of volumes": VOLUME_AUGMENTS,
}
PAGE_OF = {"## Changes of volumes": VOLUME_PAGE}


def part(title: str) -> str:
    """One of the parts of the documents that list steps."""
    page = PAGE_OF.get(title, PAGE)
    text = page.read_text()
    assert text.count(f"\n{title}") == 1, f"{page.name}: no part {title!r}"
    return re.split(r"^## ", text.split(f"\n{title}")[1], flags=re.M)[0]


def written(value: Any) -> str:
    """A default as TOML writes it."""
    if value is inspect.Parameter.empty:
        return "missing"
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize(
    ("title", "name"), [(title, n) for title, table in PARTS.items() for n in table]
)
def test_the_page_names_every_step_with_its_parameters(title: str, name: str) -> None:
    found = re.search(rf"^### `{name}`\n(.*?)(?=^#|\Z)", part(title), re.M | re.S)
    assert found, f"{title}: no heading for `{name}`"
    for param, what in PARTS[title][name].params.items():
        line = f"- `{param}` = {written(what.default)}"
        assert line in found[1], f"{title}: {name} lacks the line {line!r}"


@pytest.mark.parametrize("title", PARTS)
def test_the_page_names_nothing_that_is_gone(title: str) -> None:
    headings = re.findall(r"^### `(\w+)`$", part(title), re.M)
    assert sorted(headings) == sorted(PARTS[title])


def test_the_page_names_every_preset() -> None:
    text = PAGE.read_text()
    for name in (*WINDOW_PRESETS, *AUGMENT_PRESETS):
        assert f"`{name}`" in text
    for name in VOLUME_AUGMENT_PRESETS:
        assert f"`{name}`" in VOLUME_PAGE.read_text()
    for center, width in WINDOW_PRESETS.values():
        assert f"{center:g} / {width:g}" in text


def test_public_names_are_what_they_say() -> None:
    assert len(medlens.prep.__all__) <= 30
    for name in medlens.prep.__all__:
        assert getattr(medlens.prep, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = medlens.prep.nothing


def test_a_default_recipe_imports_numpy_and_opencv_only() -> None:
    code = """
import sys, numpy as np
from medlens.core import Geometry, Image
from medlens.prep import build_pipeline, place_on_source
from medlens.recipe.settings import Step
names = ["display", "to_grey", "crop_border", "crop_body", "median", "clahe", "resize"]
image = Image(np.eye(64, dtype=np.uint16)[None, None] * 900, Geometry.uncalibrated())
prepared = build_pipeline([Step(name) for name in names])(image)
place_on_source(prepared.array[:, 0], prepared, image)
heavy = {"scipy", "skimage", "pywt", "sklearn", "torch", "pydicom", "pandas"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
