"""Networks by name; torch is imported when the first one is asked for."""

from __future__ import annotations

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
