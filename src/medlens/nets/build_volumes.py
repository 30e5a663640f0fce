"""Names in a recipe → networks for series and volumes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from medlens.core import RecipeError
from medlens.nets.build import build_net
from medlens.nets.classifier import Classifier
from medlens.nets.local import Local, LocalClassifier
from medlens.nets.reader import READERS
from medlens.nets.sequence import SequenceNet
from medlens.nets.topology import Topology, plan_topology
from medlens.nets.unet import UNet
from medlens.nets.unet_lite import STRIDE, LiteUNet, load_encoder
from medlens.nets.volume import NORMS, Residual3d
from medlens.recipe.settings import NetSettings

MOST_LABELS = 1000
MOST_CHANNELS = 64


@dataclass(frozen=True)
class VolumeSize:
    """Channels of a 3D classifier's first stage, and blocks in each stage."""

    base: int
    blocks: int


@dataclass(frozen=True)
class UNetSize:
    """Channels of a U-Net's finest stage, and their ceiling."""

    base: int
    most: int


VOLUME_NETS: dict[str, VolumeSize] = {
    "residual3d": VolumeSize(base=16, blocks=1),
    "residual3d_wide": VolumeSize(base=32, blocks=1),
    "residual3d_deep": VolumeSize(base=16, blocks=2),
}

LOCAL_3D = "local3d"  # see `local.py`

# The number of axes is the topology's.
UNETS: dict[str, UNetSize] = {
    "unet": UNetSize(base=32, most=320),
    "unet_half": UNetSize(base=16, most=160),
    "unet_quarter": UNetSize(base=8, most=80),
}

SEGMENTERS = (*UNETS, "unet_lite0")  # for masks


def build_sequence(
    settings: NetSettings,
    *,
    labels: int,
    seed: int,
    reader: str = "lstm",
    hidden: int = 128,
    series_labels: int | None = None,
) -> SequenceNet:
    """CNN + LSTM or GRU over slices, with its starting weights.

    Args:
        settings: of the network that sees each slice; its dropout holds for the
            reader and the heads as well.
        labels: K outputs of each slice.
        seed: of the random weights.
        reader: "lstm", "gru", or "none" for attention alone.
        hidden: width of each direction, 8..1024.
        series_labels: outputs of each series; None for the same labels.

    Raises:
        RecipeError: a name is unknown or a number out of range.
        TrainError: a weight file does not fit.
        MissingExtraError: torch extras are not installed.
    """
    _known("reader", reader, ("none", *READERS))
    _within("hidden", hidden, 8, 1024)
    _within("labels", labels, 1, MOST_LABELS)
    if series_labels is not None:
        _within("series_labels", series_labels, 1, MOST_LABELS)
    plain = build_net(settings, labels=labels, seed=seed)
    return SequenceNet(
        plain,
        reader=reader,
        hidden=hidden,
        series_labels=series_labels,
        dropout=settings.dropout,
    )


def build_volume_net(
    name: str,
    *,
    channels: int,
    labels: int,
    seed: int,
    norm: str = "group",
    dropout: float = 0.2,
) -> Classifier:
    """3D classifier with its starting weights.

    Args:
        name: a key of `VOLUME_NETS`, or "local3d".
        channels: of the input, 1..64.
        labels: K outputs.
        seed: of the random weights.
        norm: "group", "instance" or "batch"; "local3d" has batch norms.
        dropout: before the classifier, 0..0.9.

    Raises:
        RecipeError: a name is unknown or a number out of range.
    """
    _known("name", name, (*VOLUME_NETS, LOCAL_3D))
    _known("norm", norm, NORMS)
    _within("channels", channels, 1, MOST_CHANNELS)
    _within("labels", labels, 1, MOST_LABELS)
    _within("dropout", dropout, 0.0, 0.9)
    torch.manual_seed(seed)
    if name == LOCAL_3D:
        local = Local(channels, axes=3)
        return LocalClassifier(local, labels=labels, dropout=dropout)
    size = VOLUME_NETS[name]
    body = Residual3d(channels, base=size.base, blocks=size.blocks, norm=norm)
    return Classifier(body, labels=labels, mean=0.5, std=0.5, dropout=dropout)


def build_unet(
    name: str,
    topology: Topology,
    *,
    channels: int,
    labels: int,
    seed: int,
    deep: bool = False,
) -> UNet:
    """U-Net with its starting weights.

    Args:
        name: a key of `UNETS`.
        topology: from `plan_topology`.
        channels: of the input, 1..64.
        labels: K outputs of each voxel.
        seed: of the random weights.
        deep: whether coarser stages answer too, in training.

    Raises:
        RecipeError: the name is unknown or a number out of range.
    """
    _known("name", name, UNETS)
    _within("channels", channels, 1, MOST_CHANNELS)
    _within("labels", labels, 1, MOST_LABELS)
    size = UNETS[name]
    torch.manual_seed(seed)
    return UNet(
        topology,
        channels=channels,
        labels=labels,
        base=size.base,
        most=size.most,
        deep=deep,
    )


def build_segmenter(
    settings: NetSettings, *, labels: int, seed: int, deep: bool = False
) -> UNet | LiteUNet:
    """The network for masks that a recipe names, with its starting weights.

    Args:
        settings: patch (depth 1 for a 2D network), spacing, channels and context.
        labels: K, background included.
        seed: of the random weights.
        deep: whether coarser stages answer too, in training.

    Raises:
        RecipeError: a name is unknown, the patch does not fit the network, or
            there are no such weights.
        MissingExtraError: the package with the weights is not installed.
    """
    _known("name", settings.name, SEGMENTERS)
    channels = settings.channels * (2 * settings.context + 1)
    _within("channels · (2 · context + 1)", channels, 1, MOST_CHANNELS)
    patch: tuple[int, ...] = (settings.depth, settings.height, settings.width)
    spacing: tuple[float, ...] = settings.spacing or (1.0, 1.0, 1.0)
    if settings.depth == 1:
        patch, spacing = patch[1:], spacing[1:]
    elif settings.context:
        raise RecipeError(
            f"recipe: net.context is {settings.context} with net.depth "
            f"{settings.depth}; neighbours are channels of 2D networks only: set one "
            "of them to its default"
        )
    if settings.name != "unet_lite0":
        if settings.pretrained:
            raise RecipeError(
                f"recipe: net.pretrained {settings.pretrained!r} does not exist for "
                f"{settings.name!r}; use '' (from scratch)"
            )
        topology = plan_topology(patch, spacing)
        if topology.patch != patch:
            raise RecipeError(
                f"recipe: the patch is {_sides(patch)}; {settings.name!r} halves it "
                f"until sides must be multiples of {_sides(topology.multiple)}: use "
                f"{_sides(topology.patch)}"
            )
        return build_unet(
            settings.name,
            topology,
            channels=channels,
            labels=labels,
            seed=seed,
            deep=deep,
        )
    if settings.depth > 1 or settings.height % STRIDE or settings.width % STRIDE:
        raise RecipeError(
            f"recipe: net.name 'unet_lite0' is a 2D network with sides in multiples of "
            f"{STRIDE}; the patch is {settings.depth}×{settings.height}×"
            f"{settings.width}"
        )
    if settings.pretrained not in ("", "imagenet"):
        raise RecipeError(
            f"recipe: net.pretrained {settings.pretrained!r:.80} does not exist for "
            "'unet_lite0'; wanted 'imagenet' or ''"
        )
    _within("labels", labels, 1, MOST_LABELS)
    torch.manual_seed(seed)
    net = LiteUNet(channels, labels=labels, deep=deep)
    if settings.pretrained:
        load_encoder(net)
    return net


def _sides(sides: tuple[int, ...]) -> str:
    return "×".join(map(str, sides))


def _known(key: str, name: str, table: Iterable[str]) -> None:
    if name not in table:
        raise RecipeError(
            f"recipe: net.{key} {name!r} is unknown; "
            f"wanted one of {', '.join(sorted(table))}"
        )


def _within(key: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise RecipeError(f"recipe: net.{key} is {value}; wanted {least:g} to {most:g}")
