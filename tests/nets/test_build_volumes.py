"""Names → networks for series and volumes: wrong names, seeds, docs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from medlens.core import RecipeError
from medlens.nets import (
    READERS,
    UNETS,
    VOLUME_NETS,
    build_sequence,
    build_unet,
    build_volume_net,
    plan_topology,
)
from medlens.nets.volume import NORMS
from medlens.recipe import NetSettings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "nets.md"
TOPOLOGY = plan_topology((16, 16), (1.0, 1.0))


def sequence(**changes: Any) -> torch.nn.Module:
    small = {"name": "residual18_half", "pretrained": "", "height": 16, "width": 16}
    name = changes.pop("name", small["name"])
    settings = NetSettings(**{**small, "name": name})  # type: ignore[arg-type]
    return build_sequence(settings, **{"labels": 2, "seed": 0, "hidden": 8, **changes})


def volume(**changes: Any) -> torch.nn.Module:
    plain = {"name": "residual3d", "channels": 1, "labels": 2, "seed": 0}
    return build_volume_net(**{**plain, **changes})


def unet(**changes: Any) -> torch.nn.Module:
    plain = {"name": "unet_quarter", "channels": 1, "labels": 2, "seed": 0}
    return build_unet(topology=TOPOLOGY, **{**plain, **changes})


@pytest.mark.parametrize(
    ("build", "wrong", "message"),
    [
        (sequence, {"reader": "rnn"}, r"net.reader 'rnn' is unknown; .* gru, lstm"),
        (sequence, {"name": "vgg"}, r"net.name 'vgg' is unknown; wanted one of"),
        (sequence, {"hidden": 4}, r"net.hidden is 4; wanted 8 to 1024"),
        (sequence, {"labels": 0}, r"net.labels is 0; wanted 1 to 1000"),
        (sequence, {"series_labels": 0}, r"net.series_labels is 0; wanted 1 to 1000"),
        (volume, {"name": "cube"}, r"net.name 'cube' is unknown; .* residual3d, "),
        (volume, {"norm": "layer"}, r"net.norm 'layer' is unknown; .* batch, group"),
        (volume, {"channels": 65}, r"net.channels is 65; wanted 1 to 64"),
        (volume, {"dropout": 1.0}, r"net.dropout is 1.0; wanted 0 to 0.9"),
        (unet, {"name": "vnet"}, r"net.name 'vnet' is unknown; .* unet, unet_half"),
        (unet, {"labels": 1001}, r"net.labels is 1001; wanted 1 to 1000"),
        (unet, {"channels": 0}, r"net.channels is 0; wanted 1 to 64"),
    ],
)
def test_a_wrong_setting_is_told_what_there_is(
    build: Any, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**wrong)


@pytest.mark.parametrize("build", [sequence, volume, unet])
def test_the_seed_decides_the_weights(build: Any) -> None:
    def state(seed: int) -> torch.Tensor:
        torch.rand(seed + 3)  # whatever was drawn before has no say
        net = build(seed=seed)
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    assert torch.equal(state(1), state(1))
    assert not torch.equal(state(1), state(2))


@pytest.mark.parametrize("name", [*READERS, *VOLUME_NETS, *UNETS, *NORMS])
def test_every_name_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(VOLUME_NETS))
def test_parameters_in_the_docs_are_those_of_3d_classifiers(name: str) -> None:
    count = sum(p.numel() for p in volume(name=name).body.parameters())
    assert f"| `{name}` | {count / 1e6:.2f} M |" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(UNETS))
def test_parameters_in_the_docs_are_those_of_u_nets(name: str) -> None:
    topology = plan_topology((40, 56, 40), (1.0, 1.0, 1.0))
    net = build_unet(name, topology, channels=1, labels=3, seed=0)
    count = sum(p.numel() for p in net.parameters())
    assert f"| `{name}` | {count / 1e6:.2f} M |" in DOCS.read_text(encoding="utf-8")
