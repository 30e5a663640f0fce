"""Small networks learn where balls are; resumed runs, norms, graphs, speed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from medlens.core import TrainError
from medlens.nets import ExportedMasks, build_segmenter
from medlens.recipe import NetSettings, Step, TaskSettings
from medlens.train import (
    MaskCourse,
    MaskLesson,
    export_masks,
    follow,
    measure_speed,
    speed,
)
from medlens.train import mask_course as course_file
from medlens.train.mask_batches import mask_batches
from tests.train.lessons import digest_of
from tests.train.masks import ball_lesson, mask_recipe

CPU = torch.device("cpu")
LITE = NetSettings("unet_lite0", "", height=64, width=64, depth=1, context=1)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> MaskLesson:
    return ball_lesson(tmp_path_factory.mktemp("balls"))


def learn(lesson: MaskLesson, recipe: Any, folder: Path, **changes: Any) -> Any:
    return follow(MaskCourse(recipe, lesson), recipe, folder, digest="d", **changes)


def test_a_small_network_learns_where_balls_are(
    lesson: MaskLesson, tmp_path: Path
) -> None:
    whole = NetSettings("unet_quarter", "", height=32, width=32, depth=16)
    recipe = mask_recipe(whole, steps=40, learning_rate=1e-2)
    net, history = learn(lesson, recipe, tmp_path)
    assert history[-1].step == 40
    assert history[-1].validation_score > 0.9
    assert not net.training


def test_what_the_loop_says_of_validation_is_dice_of_whole_cases(
    lesson: MaskLesson, tmp_path: Path
) -> None:
    """Four tiles of 16³ make a case of 16×32×32 up, so its Dice is that of the
    volume put together."""
    recipe = mask_recipe(steps=12)
    net, history = learn(lesson, recipe, tmp_path)
    scores = []
    for row in lesson.validation_rows:
        values, wanted = lesson.cache.read_patch(int(row), (0, 0, 0), (16, 32, 32))
        found = np.zeros_like(wanted)
        for h in (0, 16):
            for w in (0, 16):
                place = np.s_[:, h : h + 16, w : w + 16]
                patch = torch.from_numpy(values[(slice(None), *place)])[None]
                with torch.inference_mode():
                    found[place] = net(patch).argmax(1)[0].numpy()
        both = int((found & wanted).sum())
        scores.append(2 * both / (int(found.sum()) + int(wanted.sum())))
    assert history[-1].validation_score == pytest.approx(np.mean(scores), abs=1e-6)


def test_an_only_case_is_learned_in_patches_of_one_cell(tmp_path: Path) -> None:
    """At 32 px the bottom of Lite0 is 1 × 1: two patches give its norms two values."""
    lesson = ball_lesson(tmp_path / "balls", train=1, validation=1)
    small = replace(LITE, height=32, width=32, context=0)
    net, history = learn(lesson, mask_recipe(small, steps=2), tmp_path)
    assert np.isfinite(history[-1].validation_loss)
    batch = next(mask_batches(lesson, mask_recipe(small), start=0, stop=1, per_epoch=1))
    assert batch.images.shape == (2, 1, 32, 32)
    with torch.inference_mode():
        assert torch.isfinite(net.cpu().eval()(batch.images)).all()


@pytest.mark.parametrize("stop_at", [1, 5])
def test_a_stopped_run_ends_with_the_same_weights(
    lesson: MaskLesson, tmp_path: Path, stop_at: int
) -> None:
    recipe = mask_recipe(steps=6)

    def stop(step: int, *_: object) -> None:
        if step == stop_at:
            raise KeyboardInterrupt("stopped")

    whole, wanted = learn(lesson, recipe, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        learn(lesson, recipe, tmp_path, report=stop, checkpoint_seconds=-1)
    steps: list[int] = []
    found, history = learn(
        lesson, recipe, tmp_path, report=lambda step, *_: steps.append(step)
    )
    assert steps[0] in (stop_at, stop_at + 1)  # told before it was saved
    assert digest_of(found) == digest_of(whole)
    assert [e.validation_loss for e in history] == [e.validation_loss for e in wanted]


def test_a_loss_that_is_not_finite_is_told(lesson: MaskLesson, tmp_path: Path) -> None:
    class Broken(MaskCourse):
        def loss(self, net: nn.Module, batch: Any, device: torch.device) -> Any:
            return super().loss(net, batch, device) * float("nan")

    recipe = mask_recipe()
    wanted = r"the loss is not finite at step 1 of 8; lower train.learning_rate"
    with pytest.raises(TrainError, match=wanted):
        follow(Broken(recipe, lesson), recipe, tmp_path, digest="d")


def norms_of(net: nn.Module) -> list[nn.BatchNorm2d]:
    return [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]


@pytest.mark.parametrize("cases", [1, 2, 8])
def test_norms_settle_on_clean_patches(tmp_path: Path, cases: int) -> None:
    """The stem's statistics are those of its outputs on all patches in one batch;
    one case alone will do."""
    lesson = ball_lesson(tmp_path, train=cases, validation=1, depth=1)
    recipe = mask_recipe(replace(LITE, height=32, width=32, context=0), batch_size=4)
    course = MaskCourse(recipe, lesson)
    net = course.build()
    course.settle(net, CPU, final=True)
    images = torch.stack(
        [
            torch.from_numpy(
                lesson.cache.read_patch(row, (0, 0, 0), (1, 32, 32))[0][:, 0]
            )
            for row in range(cases)
        ]
    )
    with torch.no_grad():
        stem = net.body._conv_stem((images - 0.498) / 0.502)
    norm = norms_of(net)[0]
    torch.testing.assert_close(
        norm.running_mean, stem.mean(dim=(0, 2, 3)), atol=1e-4, rtol=1e-3
    )
    torch.testing.assert_close(
        norm.running_var, stem.var(dim=(0, 2, 3)), atol=1e-3, rtol=2e-2
    )


def test_norms_settle_on_slices_from_all_over_a_volume(tmp_path: Path) -> None:
    lesson = ball_lesson(tmp_path, train=1, validation=1, depth=20)
    course = MaskCourse(mask_recipe(LITE), lesson)
    starts: list[int] = []
    cut = course._layer.cut

    def noting(row: int, start: Any) -> Any:
        starts.append(start[0])
        return cut(row, start)

    course._layer.cut = noting  # type: ignore[method-assign]
    course.settle(course.build(), CPU, final=False)
    assert sorted(set(starts)) == list(range(20))


def test_weights_are_settled_but_not_changed(tmp_path: Path) -> None:
    lesson = ball_lesson(tmp_path, train=2, validation=1, depth=1)
    course = MaskCourse(mask_recipe(LITE), lesson)
    net = course.build()
    before = [p.clone() for p in net.parameters()]
    momentum = [norm.momentum for norm in norms_of(net)]
    course.settle(net, CPU, final=False)
    assert all(map(torch.equal, before, net.parameters()))
    assert [norm.momentum for norm in norms_of(net)] == momentum


def test_a_network_without_batch_norms_reads_no_patch(
    lesson: MaskLesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = MaskCourse(mask_recipe(), lesson)
    monkeypatch.setattr(course_file, "to_tensors", pytest.fail)
    course.settle(course.build(), CPU, final=True)


@pytest.mark.parametrize(
    ("cases", "steps"), [(1, 50), (8, 52), (50, 50), (51, 50), (400, 200)]
)
def test_validation_is_looked_at_every_fifty_steps_or_each_pass(
    lesson: MaskLesson, cases: int, steps: int
) -> None:
    """Whole passes of ⌊cases / 2⌋ steps, at least 50 steps of them."""
    rows = np.zeros(cases, np.int64)
    many = replace(lesson, train_rows=rows, groups=np.arange(cases + 4))
    assert MaskCourse(mask_recipe(), many).steps_per_epoch == steps


def exported(net: NetSettings, path: Path, *shape: int) -> tuple[nn.Module, Any]:
    torch.manual_seed(0)
    built = build_segmenter(net, labels=3, seed=1, deep=True).eval()
    images = np.random.default_rng(0).random(shape, dtype=np.float32)
    worst = export_masks(built, path, examples=images)
    assert 0 <= worst <= 1e-4
    return built, onnxruntime.InferenceSession(str(path))


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (replace(LITE, height=32, width=64), (3, 32, 64)),
        (NetSettings("unet_quarter", "", height=16, width=24, depth=8), (1, 8, 16, 24)),
    ],
)
def test_the_graph_answers_as_the_network_for_any_batch(
    tmp_path: Path, net: NetSettings, shape: tuple[int, ...]
) -> None:
    built, session = exported(net, tmp_path / "m.onnx", 2, *shape)
    for batch in (1, 3):
        images = np.random.default_rng(batch).random((batch, *shape), np.float32)
        logits, embedding = session.run(["logits", "embedding"], {"image": images})
        with torch.inference_mode():
            wanted, features = ExportedMasks(built)(torch.from_numpy(images))
        assert logits.shape == (batch, 3, *shape[1:])
        assert embedding.shape == tuple(features.shape)
        scale = max(1.0, float(wanted.abs().max()))
        assert np.abs(logits - wanted.numpy()).max() < 1e-4 * scale
        scale = max(1.0, float(features.abs().max()))
        assert np.abs(embedding - features.numpy()).max() < 1e-4 * scale


@pytest.mark.parametrize(
    ("form", "net", "labels"),
    [
        ("segment", replace(LITE, height=32, width=32), 2),
        ("segment", NetSettings("unet_quarter", "", height=16, width=16, depth=16), 3),
        ("volume", NetSettings("residual3d", "", height=16, width=16, depth=8), 2),
    ],
)
def test_speed_is_measured_for_every_form(
    monkeypatch: pytest.MonkeyPatch, form: Any, net: NetSettings, labels: int
) -> None:
    monkeypatch.setattr(speed, "ROUNDS", 1)
    recipe = mask_recipe(net, batch_size=3)
    affine = Step("affine", {"rotate": 5.0})
    recipe = replace(
        recipe,
        task=TaskSettings("multiclass", form=form),
        augment=replace(recipe.augment, steps=(affine,)),
    )
    found = measure_speed(recipe, labels=labels)
    assert 0 < found.forward < found.train
    assert torch.get_num_threads() == recipe.train.threads
