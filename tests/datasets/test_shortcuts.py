"""Shortcuts are found where planted, and clean data stays quiet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from audit_kit import texture

from medlens.core import Geometry, Image
from medlens.datasets import read_manifest
from medlens.datasets.manifest import UNKNOWN
from medlens.datasets.shortcuts import describe_shortcut, find_shortcuts
from medlens.datasets.shortcuts_families import Family, build_families, name_family
from medlens.datasets.signals import Signal, measure_signal
from medlens.datasets.signals_pass import measure_signals

COUNT = 160


def family(values: np.ndarray, what: str = "fact") -> Family:
    return Family(what, "The fact", "Do something.", values.reshape(len(values), -1))


def two_classes(target: np.ndarray) -> np.ndarray:
    return np.stack([1 - target, target], axis=1).astype(np.int8)


def signals_of(
    target: np.ndarray, *, marked: bool = False, wider: bool = False
) -> list[Signal]:
    """Textures of random size; a mark or a wider picture gives class 1 away."""
    rng, signals = np.random.default_rng(0), []
    for at, label in enumerate(target):
        image = texture(at, int(rng.integers(100, 120)))
        if marked and label:
            image[2:8, 2:14] = 255
        if wider and label:
            image = np.pad(image, ((0, 0), (0, 30)), mode="reflect")
        made = Image(image[None, None], Geometry.uncalibrated())
        signals.append(measure_signal(made, Path("nothing")))
    return signals


@pytest.fixture(scope="module")
def target() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 2, COUNT)


def found_in(signals: list[Signal], target: np.ndarray) -> dict[str, float]:
    shortcuts = find_shortcuts(
        build_families(signals), two_classes(target), ("no", "yes"), range(len(target))
    )
    return {shortcut.what: shortcut.auroc for shortcut in shortcuts}


def test_clean_images_have_no_shortcut(target: np.ndarray) -> None:
    assert not found_in(signals_of(target), target)


def test_a_corner_mark_is_found(target: np.ndarray) -> None:
    found = found_in(signals_of(target, marked=True), target)
    assert found["corners"] > 0.95
    assert "image size" not in found


def test_size_and_aspect_are_found(target: np.ndarray) -> None:
    found = found_in(signals_of(target, wider=True), target)
    assert found["aspect ratio"] > 0.95
    assert found["image size"] > 0.9


def test_noise_of_many_families_is_quiet() -> None:
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(40):
        target = rng.integers(0, 2, 100)
        noise = [family(rng.standard_normal((100, 8)).astype(np.float32))]
        alarms += len(
            find_shortcuts(noise, two_classes(target), ("a", "b"), range(100))
        )
    assert alarms == 0


def test_a_fact_that_only_names_the_patient_predicts_nobody_else() -> None:
    """Each patient has a value and a label of his own: no shortcut."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(30), 8)
    facts = family(rng.permutation(30)[patient].astype(np.float32))
    target = two_classes(rng.integers(0, 2, 30)[patient])
    labels = ("a", "b")
    assert find_shortcuts([facts], target, labels, range(240))
    assert not find_shortcuts([facts], target, labels, patient.tolist())


def test_the_best_label_of_many_is_named_and_unknown_ones_are_left_out() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 300)
    target = np.eye(3, dtype=np.int8)[kind]
    facts = family((kind == 2) + 0.1 * rng.standard_normal(300).astype(np.float32))
    (shortcut,) = find_shortcuts([facts], target, ("a", "b", "c"), range(300))
    assert (shortcut.label, shortcut.what) == ("c", "fact")
    assert shortcut.low <= shortcut.auroc <= shortcut.high
    target[:, 2] = UNKNOWN
    others = find_shortcuts([facts], target, ("a", "b", "c"), range(300))
    assert all(shortcut.label != "c" for shortcut in others)


def test_small_classes_constant_facts_and_no_labels_give_nothing() -> None:
    few = two_classes(np.r_[np.ones(9), np.zeros(91)].astype(int))
    perfect = family(few[:, 1].astype(np.float32))
    assert not find_shortcuts([perfect], few, ("a", "b"), range(100))
    even = two_classes(np.arange(100) % 2)
    constant = family(np.ones(100, np.float32))
    assert not find_shortcuts([constant], even, ("a", "b"), range(100))
    nothing = np.empty((100, 0), np.int8)
    assert not find_shortcuts([perfect], nothing, (), range(100))
    assert not find_shortcuts([], even, ("a", "b"), range(100))


def test_names_that_spell_the_class_are_found_by_their_pattern() -> None:
    names = [f"{'pos' if at % 2 else 'neg'}_{at:03d}.png" for at in range(60)]
    target = two_classes(np.arange(60) % 2)
    (shortcut,) = find_shortcuts([name_family(names)], target, ("no", "yes"), range(60))
    assert shortcut.auroc == 1.0
    line = describe_shortcut(shortcut.to_json())
    assert line.startswith("Shortcut: The pattern of the file name, nothing else,")
    plain = name_family([f"x/{at:03d}.png" for at in range(60)])
    assert not find_shortcuts([plain], target, ("no", "yes"), range(60))


def test_radiographs_collected_by_class_differ_in_size(shared_data: Path) -> None:
    manifest = read_manifest(shared_data / "xray_pneumonia")
    chosen = list(range(0, len(manifest.cases), 3))
    outcomes = measure_signals([manifest.cases[at] for at in chosen])
    signals = [outcome for outcome in outcomes if isinstance(outcome, Signal)]
    found = find_shortcuts(
        build_families(signals),
        manifest.targets()[chosen],
        manifest.labels,
        range(len(signals)),
    )
    assert {"image size", "file size"} <= {shortcut.what for shortcut in found}
