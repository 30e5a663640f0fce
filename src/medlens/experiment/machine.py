"""What this machine is and can spare."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.metadata
import os
import platform
import shutil
from pathlib import Path
from typing import Any

PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "pydicom",
    "scikit-learn",
    "torch",
    "monai",
    "onnx",
)


def machine_facts() -> dict[str, Any]:
    """Processor, cores and memory; no host or user name."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _processor(),
        "cores": usable_cores(),
        "memory_mb": memory_mb(),
        "python": platform.python_version(),
    }


def give_back_memory() -> None:
    """Hand what has been freed back to the system, where glibc can.

    The audit looks at all images side by side, learning at a few: without this
    the memory of the one would stay under that of the other.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def memory_mb() -> int:
    """Memory in MB that this process may use: the machine's or its group's."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in (
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ):
        try:
            total = min(total, int(Path(name).read_text()))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return int(total // 2**20)


def free_disk_mb(folder: Path) -> int:
    """Free space in MB where the folder lies."""
    return int(shutil.disk_usage(folder).free // 2**20)


def versions() -> dict[str, str]:
    """Installed versions of what decides a result."""
    import medlens

    found = {"medlens": medlens.__version__}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def multiplies_bf16() -> bool:
    """Whether processor or GPU multiplies bfloat16 natively, as far as Linux says."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags or " bf16" in flags
