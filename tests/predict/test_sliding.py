"""Sliding windows: laws of blending, and the same answers as another library's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array, BundleError, ResourceError, UsageError
from medlens.predict import Sliding, predict_volume, sweep
from medlens.predict.tiles import FloatArray, build_tiling

SMALL = st.tuples(*[st.integers(1, 14)] * 3)
PATCH = st.tuples(*[st.integers(1, 9)] * 3)


def noise(*shape: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def itself(patches: FloatArray) -> FloatArray:
    return patches


def curved(patches: FloatArray) -> FloatArray:
    """A network that is not the same under flips, and sees the patch's place."""
    ramp = np.linspace(0, 1, patches.shape[-1], dtype=np.float32)
    first = np.tanh(patches[:, :1] + ramp)
    second = patches[:, :1] * np.roll(patches[:, :1], 1, axis=2)
    return np.concatenate([first, second, first - second], axis=1)


def whole(volume: Array, net: Any, *, labels: int, **changes: Any) -> FloatArray:
    """All slices of a sweep as (K, D, H, W)."""
    planes = list(sweep(volume, net, labels=labels, settings=Sliding(**changes)))
    assert [d for d, _ in planes] == list(range(volume.shape[1]))
    return np.stack([plane for _, plane in planes], axis=1)


@settings(deadline=None, max_examples=60)
@given(SMALL, PATCH, st.floats(0, 0.8), st.integers(1, 5))
def test_a_network_that_gives_back_its_input_gives_back_the_volume(
    shape: tuple[int, int, int],
    patch: tuple[int, int, int],
    overlap: float,
    batch: int,
) -> None:
    volume = noise(2, *shape)
    found = whole(volume, itself, labels=2, patch=patch, overlap=overlap, batch=batch)
    np.testing.assert_allclose(found, volume, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_constant_network_gives_a_constant_answer(precision: str) -> None:
    def constant(patches: FloatArray) -> FloatArray:
        answer = np.empty((len(patches), 3, *patches.shape[2:]), np.float32)
        answer[:] = np.array([-3.0, 7.5, 0.25])[:, None, None, None]
        return answer

    found = whole(
        noise(1, 13, 20, 17), constant, labels=3, patch=(4, 8, 6), precision=precision
    )
    tolerance = 1e-5 if precision == "float32" else 2e-2
    for layer, value in zip(found, (-3.0, 7.5, 0.25), strict=True):
        np.testing.assert_allclose(layer, value, atol=tolerance)


@pytest.mark.parametrize("shape", [(12, 15, 10), (3, 15, 10), (12, 5, 4), (6, 8, 5)])
@pytest.mark.parametrize("overlap", [0.25, 0.5])
def test_equal_to_monai_with_the_same_weights(
    shape: tuple[int, int, int], overlap: float
) -> None:
    torch = pytest.importorskip("torch")
    from monai.inferers import sliding_window_inference

    from medlens.predict.tiles import gaussian

    patch = (6, 8, 5)
    volume = noise(1, *shape)
    d, h, w = (gaussian(n) for n in patch)
    weights = torch.from_numpy((d[:, None, None] * h[:, None] * w).astype(np.float32))
    wanted = sliding_window_inference(
        torch.from_numpy(volume)[None],
        patch,
        2,
        lambda x: torch.from_numpy(curved(x.numpy())),
        overlap=overlap,
        roi_weight_map=weights,
    )
    found = whole(volume, curved, labels=3, patch=patch, overlap=overlap, batch=3)
    np.testing.assert_allclose(found, wanted[0].numpy(), atol=1e-5)


def test_seams_are_invisible() -> None:
    """A patch's place must not show: each is off by a random constant of ±0.5."""
    rng = np.random.default_rng(1)

    def moody(patches: FloatArray) -> FloatArray:
        off = rng.uniform(-0.5, 0.5, (len(patches), 1, 1, 1, 1)).astype(np.float32)
        return np.concatenate([patches * 0 + off, patches * 0], axis=1)

    found = whole(np.zeros((1, 4, 4, 512)), moody, labels=2, patch=(4, 4, 64))[0]
    # Two patches half a patch (p/2) apart, Gaussians of σ = p/8: the share of one is
    # a logistic curve of slope (p/2)/σ² = 32/p, so it changes by at most 8/p a voxel.
    jump = float(np.abs(np.diff(found, axis=2)).max())
    assert 0.02 < jump <= 8 / 64
    assert np.abs(found).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("mirror", [(0,), (2,), (0, 1, 2)])
def test_mirrored_answers_are_averaged_over_all_flips(mirror: tuple[int, ...]) -> None:
    volume = noise(1, 6, 8, 5)
    found = whole(volume, curved, labels=3, patch=(6, 8, 5), mirror=mirror)
    wanted = np.zeros_like(found)
    for chosen in range(2 ** len(mirror)):
        axes = [a + 1 for n, a in enumerate(mirror) if chosen >> n & 1]
        answer = curved(np.flip(volume, axes)[None])[0]
        wanted += np.flip(answer, axes) / 2 ** len(mirror)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_labels_and_probabilities_go_into_files(tmp_path: Path) -> None:
    volume = noise(1, 20, 11, 9)
    out = np.lib.format.open_memmap(
        tmp_path / "labels.npy", "w+", np.uint8, (20, 11, 9)
    )
    chances = np.lib.format.open_memmap(
        tmp_path / "chances.npy", "w+", np.float16, (3, 20, 11, 9)
    )
    plan = Sliding(patch=(8, 8, 8), batch=2)
    steps: list[tuple[int, int]] = []
    back = predict_volume(
        volume,
        curved,
        labels=3,
        settings=plan,
        out=out,
        probabilities=chances,
        on_progress=lambda done, total: steps.append((done, total)),
    )
    assert back is out
    logits = whole(volume, curved, labels=3, patch=(8, 8, 8))
    odds = np.exp(logits)
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), logits.argmax(0))
    np.testing.assert_allclose(
        np.load(tmp_path / "chances.npy"), odds / odds.sum(0), atol=1e-3
    )
    total = build_tiling((20, 11, 9), (8, 8, 8)).count
    assert total == 4 * 2 * 2
    assert steps == [(n, total) for n in range(2, total + 1, 2)]


def test_a_slice_is_handed_on_before_the_rest_is_answered() -> None:
    calls: list[int] = []

    def counted(patches: FloatArray) -> FloatArray:
        calls.append(len(patches))
        return patches

    planes = sweep(
        noise(2, 40, 8, 8), counted, labels=2, settings=Sliding(patch=(8, 8, 8))
    )
    next(planes)
    assert len(calls) == 1
    for _ in range(4):
        next(planes)  # the fifth slice is reached by the second layer as well
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x[:, :1], r"scan 3: the network answers with shape \(1, 1, 4, 4, "),
        (lambda x: x[..., 1:], r"shape \(1, 2, 4, 4, 3\); wanted \(1, 2, 4, 4, 4\)"),
        (lambda x: x * np.float32("nan"), "scan 3: .* a logit that is not finite"),
    ],
)
def test_a_network_that_answers_wrongly(answer: Any, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        predict_volume(
            noise(2, 8, 8, 8),
            answer,
            labels=2,
            settings=Sliding(patch=(4, 4, 4)),
            case="scan 3",
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"volume": noise(4, 4, 4)}, r"the volume is float32 of shape \(4, 4, 4\)"),
        ({"volume": np.zeros((1, 4, 4, 4), complex)}, "the volume is complex128"),
        ({"labels": 257}, "257 labels; wanted 2 to 256"),
        ({"out": np.zeros((4, 4, 5), np.uint8)}, r"\(4, 4, 5\); wanted uint8 \(4, 4,"),
        ({"out": np.zeros((4, 4, 4), np.int32)}, "out is int32 of shape"),
        ({"probabilities": np.zeros((4, 4, 4))}, r"wanted floats \(2, 4, 4, 4\)"),
    ],
)
def test_arrays_of_the_wrong_shape(changes: dict[str, Any], message: str) -> None:
    given = {"volume": noise(2, 4, 4, 4), "labels": 2, **changes}
    with pytest.raises(UsageError, match=message):
        predict_volume(given.pop("volume"), itself, settings=Sliding(), **given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, r"sliding\.batch is 0; wanted 1 to 256"),
        ({"mirror": (1, 1)}, r"sliding\.mirror is \(1, 1\); wanted each of 0"),
        ({"mirror": (3,)}, r"sliding\.mirror is \(3,\)"),
        ({"precision": "int8"}, r"sliding\.precision is 'int8'; wanted float32 or"),
    ],
)
def test_settings_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Sliding(**changes)


def test_nothing_is_computed_where_memory_is_too_small() -> None:
    calls: list[FloatArray] = []

    def noted(patches: FloatArray) -> FloatArray:
        calls.append(patches)
        return patches

    with pytest.raises(ResourceError, match="and 100 MB may be used"):
        predict_volume(
            noise(2, 4, 4, 4), noted, labels=2, settings=Sliding(memory_mb=100)
        )
    assert not calls
