"""How much memory a network takes while it answers, measured in a process of its own.

The peak of a process never falls, and the one that trains has had its own long ago;
a fresh one has seen nothing but the graph.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from medlens.core import Array

LONGEST_SECONDS = 300.0
CHILD = "from medlens.predict.net_memory import report; report()"


def measure_net_mb(
    model: bytes, shape: tuple[int, ...], *, threads: int = 1
) -> float | None:
    """MB (10^6 bytes) that ONNX Runtime holds beyond its own start, at the most.

    Args:
        model: bytes of a graph.
        shape: of its input: (B, C, d, h, w) or (B, C, h, w) of "image", or
            (B, T, C, H, W) of "slices".
        threads: as it will run; each takes some memory of its own.

    Returns:
        The peak over loading and two runs, weights included; None where it cannot
        be measured here, so that an estimate is used.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(model)
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    CHILD,
                    str(path),
                    json.dumps(shape),
                    str(threads),
                ],
                capture_output=True,
                text=True,
                timeout=LONGEST_SECONDS,
                check=True,
            )
        return float(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def report() -> None:
    """In the child: run the graph and print the MB."""
    import onnxruntime

    path, shape, threads = sys.argv[1:4]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = int(threads)
    feed = np.full(json.loads(shape), 0.5, dtype=np.float32)
    before = _peak_mb()
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    for _ in range(2):
        session.run(None, _feeds([node.name for node in session.get_inputs()], feed))
    sys.stdout.write(json.dumps(round(_peak_mb() - before, 1)))


def _feeds(names: list[str], feed: Array) -> dict[str, Array]:
    feeds = {names[0]: feed}
    if "lengths" in names:
        lengths = np.full(len(feed), feed.shape[1], dtype=np.int64)
        feeds = {"slices": feed, "lengths": lengths}
    return feeds


def _peak_mb() -> float:
    """Largest resident memory so far.

    Where the system tells it of the process alone; getrusage counts what the parent
    had when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found:
            return int(found.group(1)) * 1024 / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
