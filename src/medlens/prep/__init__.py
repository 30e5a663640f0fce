"""Images → network input: the same steps in training and in service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.prep.augment import AUGMENTS, Augment, RegisteredAugment, build_augment
    from medlens.prep.enhance import quantiles_of
    from medlens.prep.intensity import WINDOW_PRESETS
    from medlens.prep.parameters import Param
    from medlens.prep.pipeline import Pipeline, build_pipeline
    from medlens.prep.place import place_on_source
    from medlens.prep.presets import AUGMENT_PRESETS, preset_of
    from medlens.prep.registry import STEPS, Registered

_HOME = {
    "AUGMENTS": "augment",
    "AUGMENT_PRESETS": "presets",
    "Augment": "augment",
    "Param": "parameters",
    "Pipeline": "pipeline",
    "Registered": "registry",
    "RegisteredAugment": "augment",
    "STEPS": "registry",
    "WINDOW_PRESETS": "intensity",
    "build_augment": "augment",
    "build_pipeline": "pipeline",
    "place_on_source": "place",
    "preset_of": "presets",
    "quantiles_of": "enhance",
}

__all__ = [
    "AUGMENTS",
    "AUGMENT_PRESETS",
    "STEPS",
    "WINDOW_PRESETS",
    "Augment",
    "Param",
    "Pipeline",
    "Registered",
    "RegisteredAugment",
    "build_augment",
    "build_pipeline",
    "place_on_source",
    "preset_of",
    "quantiles_of",
]


def __getattr__(name: str) -> Any:
    """Load the module behind a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'medlens.prep' has no attribute '{name}'")
    return getattr(import_module(f"medlens.prep.{_HOME[name]}"), name)
