"""Names in a recipe → networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from medlens.core import MissingExtraError, RecipeError
from medlens.nets.classifier import Classifier, load_body
from medlens.nets.lite import Lite0, fold_grey, published_weights
from medlens.nets.local import Local, LocalClassifier
from medlens.nets.residual import Residual
from medlens.recipe.settings import NetSettings


class MonaiDenseNet(nn.Module):
    """MONAI's DenseNet121 without its classifier: (B, 1024, H/32, W/32)."""

    width = 1024

    def __init__(self, channels: int) -> None:
        super().__init__()
        try:
            from monai.networks.nets.densenet import DenseNet121
        except ImportError as error:
            raise MissingExtraError("net 'densenet121'", "train") from error
        whole = DenseNet121(spatial_dims=2, in_channels=channels, out_channels=1)
        self.features = whole.features

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.features(x))


# name → (body, what it is for)
NETS: dict[str, tuple[Callable[[int], nn.Module], str]] = {
    "efficientnet_lite0": (Lite0, "64 px and larger; ImageNet weights"),
    "residual18": (Residual, "28 to 64 px from scratch; ResNet-18, small stem"),
    "residual18_half": (
        lambda channels: Residual(channels, base=32),
        "as residual18 with half the channels; a quarter of the cost",
    ),
    "densenet121": (MonaiDenseNet, "MONAI's DenseNet121, from scratch or a file"),
    "local2d": (
        lambda channels: Local(channels, axes=2),
        "small findings from scratch; every place judged alone",
    ),
}
# Poolings that halve without padding leave nothing of a smaller image.
SMALLEST = {"densenet121": 32}


def build_net(settings: NetSettings, *, labels: int, seed: int) -> Classifier:
    """Classifier of the recipe with its starting weights.

    Args:
        settings: name, pretrained, channels, size and dropout.
        labels: K outputs.
        seed: of the random weights.

    Raises:
        RecipeError: the name is unknown, the input is too small for it, or no
            such weights exist.
        TrainError: a weight file does not fit.
        MissingExtraError: torch extras are not installed.
    """
    if settings.name not in NETS:
        raise RecipeError(
            f"recipe: net.name {settings.name!r} is unknown; "
            f"wanted one of {', '.join(sorted(NETS))}"
        )
    least = SMALLEST.get(settings.name, 1)
    if min(settings.height, settings.width) < least:
        raise RecipeError(
            f"recipe: net.height {settings.height} and net.width {settings.width} are "
            f"too small for {settings.name!r}; wanted {least} or more, here and in the "
            "resize of prep.steps"
        )
    torch.manual_seed(seed)
    if settings.name == "local2d":
        return LocalClassifier(
            Local(settings.channels, axes=2), labels=labels, dropout=settings.dropout
        )
    body = NETS[settings.name][0](settings.channels)
    # (x - 127) / 128 on 8-bit values, as the ImageNet weights were trained.
    net = Classifier(
        body, labels=labels, mean=0.498, std=0.502, dropout=settings.dropout
    )
    if settings.pretrained:
        load_body(net, _pretrained(settings))
    return net


def _pretrained(settings: NetSettings) -> dict[str, Tensor]:
    if settings.pretrained != "imagenet":
        return _weights_file(Path(settings.pretrained))
    if settings.name != "efficientnet_lite0":
        raise RecipeError(
            f"recipe: net.pretrained 'imagenet' does not exist for {settings.name!r}; "
            "use '' (from scratch), a weight file, or net.name 'efficientnet_lite0'"
        )
    state = published_weights()
    if settings.channels == 1:
        state["_conv_stem.weight"] = fold_grey(state["_conv_stem.weight"])
    elif settings.channels != 3:
        raise RecipeError(
            f"recipe: net.channels is {settings.channels}; "
            "ImageNet weights take 1 (grey) or 3 (RGB)"
        )
    return state


def _weights_file(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise RecipeError(
            f"recipe: net.pretrained names a file that is not there ({path.name}); "
            "wanted 'imagenet', '' or a state dict saved by torch.save"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no error class for a file it cannot read
        raise RecipeError(
            f"recipe: net.pretrained: {path.name} is no state dict that is safe to "
            f"read ({type(error).__name__}); wanted one saved by torch.save"
        ) from error
    if not isinstance(state, dict):
        raise RecipeError(
            f"recipe: net.pretrained: {path.name} holds {type(state).__name__}; "
            "wanted a state dict saved by torch.save(net.body.state_dict(), …)"
        )
    return state
