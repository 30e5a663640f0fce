"""Run a bundle; no training framework is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.predict.predictor import Failed, Predictor

__all__ = ["Failed", "Predictor"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from medlens.predict import predictor

        return getattr(predictor, name)
    raise AttributeError(f"module 'medlens.predict' has no attribute {name!r}")
