"""Results → bytes that other programs read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.write.nifti import write_nifti

__all__ = ["write_nifti"]

_HOMES = {"write_nifti": "nifti"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"medlens.write.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'medlens.write' has no attribute {name!r}")
