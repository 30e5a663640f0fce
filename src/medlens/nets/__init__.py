"""Networks by name; torch is imported when the first one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.nets.build import NETS, build_net
    from medlens.nets.classifier import Classifier, Exported

__all__ = ["NETS", "Classifier", "Exported", "build_net"]


def __getattr__(name: str) -> Any:
    if name in {"NETS", "build_net"}:
        from medlens.nets import build

        return getattr(build, name)
    if name in {"Classifier", "Exported"}:
        from medlens.nets import classifier

        return getattr(classifier, name)
    raise AttributeError(f"module 'medlens.nets' has no attribute {name!r}")
