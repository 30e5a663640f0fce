"""Edges, texture and morphology as numbers, and the baseline built on them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.features.baseline import (
        Baseline,
        BoostedTrees,
        Majority,
        fit_baseline,
        fit_majority,
    )
    from medlens.features.catalogue import full_catalogue
    from medlens.features.image import measure, measure_image, measure_many
    from medlens.features.levels import discretise
    from medlens.features.names import FEATURES, VOLUME_FEATURES, Feature
    from medlens.features.prepared import (
        VolumeSettings,
        measure_region,
        measure_volume_image,
    )
    from medlens.features.shape import find_foreground, measure_shape
    from medlens.features.table import (
        FeatureTable,
        build_table,
        read_table,
        write_table,
    )
    from medlens.features.texture import measure_texture
    from medlens.features.volume import measure_volume

_ROOM = {
    "baseline": (
        "Baseline",
        "BoostedTrees",
        "Majority",
        "fit_baseline",
        "fit_majority",
    ),
    "catalogue": ("full_catalogue",),
    "levels": ("discretise",),
    "image": ("measure", "measure_image", "measure_many"),
    "names": ("FEATURES", "VOLUME_FEATURES", "Feature"),
    "prepared": ("VolumeSettings", "measure_region", "measure_volume_image"),
    "shape": ("find_foreground", "measure_shape"),
    "table": ("FeatureTable", "build_table", "read_table", "write_table"),
    "texture": ("measure_texture",),
    "volume": ("measure_volume",),
}
_HOME = {name: module for module, names in _ROOM.items() for name in names}

__all__ = [
    "FEATURES",
    "VOLUME_FEATURES",
    "Baseline",
    "BoostedTrees",
    "Feature",
    "FeatureTable",
    "Majority",
    "VolumeSettings",
    "build_table",
    "discretise",
    "find_foreground",
    "fit_baseline",
    "fit_majority",
    "full_catalogue",
    "measure",
    "measure_image",
    "measure_many",
    "measure_region",
    "measure_shape",
    "measure_texture",
    "measure_volume",
    "measure_volume_image",
    "read_table",
    "write_table",
]


def __getattr__(name: str) -> Any:
    """Import a public name's module only when the name is used."""
    if name not in _HOME:
        raise AttributeError(f"module 'medlens.features' has no attribute '{name}'")
    return getattr(import_module(f"medlens.features.{_HOME[name]}"), name)
