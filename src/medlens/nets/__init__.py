"""Networks by name; torch is imported when the first one is asked for."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# Torch's threads wait for each other at every layer. By default they spin; on a
# machine that does anything else they then fight for its cores, and a step was
# measured to take 20 to 100 times as long. Sleeping costs nothing noticeable.
# The library reads these when torch is loaded, which no other room does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

if TYPE_CHECKING:
    from medlens.nets.build import NETS, build_net
    from medlens.nets.build_volumes import (
        UNETS,
        VOLUME_NETS,
        build_segmenter,
        build_sequence,
        build_unet,
        build_volume_net,
    )
    from medlens.nets.classifier import Classifier, Exported
    from medlens.nets.graphs import ExportedReading, ExportedSequence, ExportedSlices
    from medlens.nets.reader import READERS
    from medlens.nets.sequence import SequenceAnswer, SequenceNet
    from medlens.nets.topology import Topology, plan_topology
    from medlens.nets.unet import ExportedMasks, UNet
    from medlens.nets.unet_lite import LiteUNet

__all__ = [
    "NETS",
    "READERS",
    "UNETS",
    "VOLUME_NETS",
    "Classifier",
    "Exported",
    "ExportedMasks",
    "ExportedReading",
    "ExportedSequence",
    "ExportedSlices",
    "LiteUNet",
    "SequenceAnswer",
    "SequenceNet",
    "Topology",
    "UNet",
    "build_net",
    "build_segmenter",
    "build_sequence",
    "build_unet",
    "build_volume_net",
    "plan_topology",
]

# public name → file that holds it; `topology` alone needs no torch
_FILES = {
    "NETS": "build",
    "build_net": "build",
    "UNETS": "build_volumes",
    "VOLUME_NETS": "build_volumes",
    "build_segmenter": "build_volumes",
    "build_sequence": "build_volumes",
    "build_unet": "build_volumes",
    "build_volume_net": "build_volumes",
    "Classifier": "classifier",
    "Exported": "classifier",
    "ExportedReading": "graphs",
    "ExportedSequence": "graphs",
    "ExportedSlices": "graphs",
    "READERS": "reader",
    "SequenceAnswer": "sequence",
    "SequenceNet": "sequence",
    "Topology": "topology",
    "plan_topology": "topology",
    "UNet": "unet",
    "ExportedMasks": "unet",
    "LiteUNet": "unet_lite",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module 'medlens.nets' has no attribute {name!r}")
    return getattr(importlib.import_module(f"medlens.nets.{_FILES[name]}"), name)
