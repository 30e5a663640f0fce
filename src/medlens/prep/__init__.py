"""Images → network input: the same steps in training and in service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.prep.augment import AUGMENTS, Augment, RegisteredAugment, build_augment
    from medlens.prep.augment_volume import (
        VOLUME_AUGMENTS,
        VolumeAugment,
        build_volume_augment,
    )
    from medlens.prep.enhance import quantiles_of
    from medlens.prep.intensity import WINDOW_PRESETS
    from medlens.prep.mask import prepare_mask
    from medlens.prep.parameters import Param
    from medlens.prep.pipeline import Pipeline, build_pipeline
    from medlens.prep.place import place_on_source
    from medlens.prep.presets import AUGMENT_PRESETS, VOLUME_AUGMENT_PRESETS, preset_of
    from medlens.prep.registered import Registered
    from medlens.prep.registry import STEPS
    from medlens.prep.volume_values import fit_nyul

_HOME = {
    "AUGMENTS": "augment",
    "AUGMENT_PRESETS": "presets",
    "Augment": "augment",
    "Param": "parameters",
    "Pipeline": "pipeline",
    "Registered": "registered",
    "RegisteredAugment": "augment",
    "STEPS": "registry",
    "VOLUME_AUGMENTS": "augment_volume",
    "VOLUME_AUGMENT_PRESETS": "presets",
    "VolumeAugment": "augment_volume",
    "WINDOW_PRESETS": "intensity",
    "build_augment": "augment",
    "build_pipeline": "pipeline",
    "build_volume_augment": "augment_volume",
    "fit_nyul": "volume_values",
    "place_on_source": "place",
    "prepare_mask": "mask",
    "preset_of": "presets",
    "quantiles_of": "enhance",
}

__all__ = [
    "AUGMENTS",
    "AUGMENT_PRESETS",
    "STEPS",
    "VOLUME_AUGMENTS",
    "VOLUME_AUGMENT_PRESETS",
    "WINDOW_PRESETS",
    "Augment",
    "Param",
    "Pipeline",
    "Registered",
    "RegisteredAugment",
    "VolumeAugment",
    "build_augment",
    "build_pipeline",
    "build_volume_augment",
    "fit_nyul",
    "place_on_source",
    "prepare_mask",
    "preset_of",
    "quantiles_of",
]


def __getattr__(name: str) -> Any:
    """Load the module behind a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'medlens.prep' has no attribute '{name}'")
    return getattr(import_module(f"medlens.prep.{_HOME[name]}"), name)
