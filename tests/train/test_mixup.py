"""Mixup: blends worked by hand, and the same ones after a resume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from medlens.train import train_network
from medlens.train.losses import build_loss
from medlens.train.mixup import Mix, draw_mix
from tests.train.lessons import blob_lesson, small_recipe


def test_images_are_blended_with_their_partners() -> None:
    images = torch.tensor([0.0, 1.0, 0.5]).view(3, 1, 1, 1)
    mixed = Mix(0.75, torch.tensor([1, 2, 0])).images(images)
    assert mixed.flatten().tolist() == [0.25, 0.875, 0.375]
    assert images.flatten().tolist() == [0.0, 1.0, 0.5]


def test_channels_last_stays_channels_last() -> None:
    images = torch.rand(4, 3, 5, 5).contiguous(memory_format=torch.channels_last)
    mixed = Mix(0.6, torch.tensor([3, 2, 1, 0])).images(images)
    assert mixed.is_contiguous(memory_format=torch.channels_last)


def test_the_loss_is_that_of_blended_targets() -> None:
    """Cross-entropy is linear in the target: eq. 1 of Zhang et al. 2018."""
    targets = np.eye(3, dtype=np.int8)[[0, 1, 2, 1]]
    loss_of = build_loss(targets, kind="multiclass", balance=0.0, label_smoothing=0.0)
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 3)))
    partner = torch.tensor([2, 0, 3, 1])
    soft = torch.from_numpy(targets).double()
    soft = 0.7 * soft + 0.3 * soft[partner]
    wanted = -(soft * logits.log_softmax(dim=1)).sum(dim=1).mean()
    got = Mix(0.7, partner).loss(loss_of, logits, torch.from_numpy(targets))
    assert abs(float(got - wanted)) < 1e-6


def test_unread_labels_stay_out_of_the_blend() -> None:
    targets = np.array([[1, -1], [-1, 0]], np.int8)
    loss_of = build_loss(targets, kind="multilabel", balance=0.0, label_smoothing=0.0)
    mix = Mix(0.5, torch.tensor([1, 0]))
    loss = mix.loss(loss_of, torch.zeros(2, 2), torch.from_numpy(targets))
    assert abs(float(loss) - np.log(2)) < 1e-6


def test_a_draw_depends_on_seed_and_step_alone() -> None:
    one = draw_mix(7, cases=16, strength=0.3, seed=1)
    again = draw_mix(7, cases=16, strength=0.3, seed=1)
    other = draw_mix(8, cases=16, strength=0.3, seed=1)
    assert one is not None
    assert again is not None
    assert other is not None
    assert one.share == again.share != other.share
    assert torch.equal(one.partner, again.partner)
    assert sorted(one.partner.tolist()) == list(range(16))


def test_the_case_itself_has_the_larger_share() -> None:
    """Mean of max(b, 1 - b) for b from Beta(1, 1) is 3/4."""
    drawn = [draw_mix(s, cases=2, strength=1.0, seed=0) for s in range(4000)]
    shares = np.array([mix.share for mix in drawn if mix is not None])
    assert shares.min() >= 0.5
    assert abs(shares.mean() - 0.75) < 0.01


def test_no_mixup_where_none_is_asked_or_possible() -> None:
    assert draw_mix(0, cases=8, strength=0.0, seed=0) is None
    assert draw_mix(0, cases=1, strength=0.3, seed=0) is None


def test_the_loop_mixes_when_the_recipe_says_so(tmp_path: Path) -> None:
    plain = small_recipe(steps=6)
    mixed = replace(plain, train=replace(plain.train, mixup=0.5))
    nets = []
    for name, recipe in (("plain", plain), ("mixed", mixed), ("again", mixed)):
        folder = tmp_path / name
        folder.mkdir()
        net, _ = train_network(recipe, blob_lesson(folder), folder, digest="d")
        nets.append(net.head.weight.detach())
    assert not torch.equal(nets[0], nets[1])
    assert torch.equal(nets[1], nets[2])
