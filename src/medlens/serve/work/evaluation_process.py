"""`medlens evaluate` in a process of its own, beside the answering.

A set from outside may take long, much memory, or the process down: that must be no
process which answers. This one is the first that the system ends where memory is short,
yields to all others, and ends with whoever started it.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from medlens.core import DataError, MedlensError, ResourceError, reason_of

NICE = 15
LOOK_S = 0.5
TELL_S = 0.2
EVALUATED, REPORT = 0.92, 0.95  # progress when the cases, and the figures, are done
RESULT, REPORT_NAME = "result.json", "report.html"
OUT = "out"


@dataclass(frozen=True)
class Given:
    """What the process is told.

    Attributes:
        bundle: folder of the bundle.
        data: the unpacked set, or a file in it.
        labels: table of labels, or None to look for one.
        label_column, patient_column: "" to find them by rule.
        folder: where the result goes; it is made.
    """

    bundle: Path
    data: Path
    labels: Path | None
    label_column: str
    patient_column: str
    folder: Path


def run_beside(given: Given, check: Callable[[float], None]) -> dict[str, Any]:
    """Evaluate in another process; what it found.

    Args:
        given: what to do.
        check: called twice a second with the progress, 0..1; what it raises ends the
            process at once.

    Returns:
        {"metrics", "curves", "failed"}; the page lies in `folder`.

    Raises:
        DataError: the set cannot be evaluated; it would be the same again.
        ResourceError: there was too little memory or disk, or the process was killed.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=evaluate_alone, args=(given, theirs), name="medlens-evaluate"
    )
    process.start()
    theirs.close()
    try:
        said = _listen(ours, check)
    finally:
        process.kill()
        process.join()
        ours.close()
    if said is None:
        raise ResourceError(
            f"evaluation: its process was ended (code {process.exitcode}), as for lack "
            "of memory; send a smaller set"
        )
    kind, reason = said
    if kind == "set":
        raise DataError(reason)
    if kind != "done":
        raise ResourceError(reason)
    found: dict[str, Any] = json.loads((given.folder / RESULT).read_text("utf-8"))
    return found


def _listen(line: Connection, check: Callable[[float], None]) -> tuple[str, str] | None:
    """How it ended, None where it ended without a word."""
    progress = 0.0
    while True:
        check(progress)
        try:
            if not line.poll(LOOK_S):
                continue
            kind, value = line.recv()
        except (EOFError, OSError):
            return None
        if kind != "progress":
            return str(kind), str(value)
        progress = float(value)


def evaluate_alone(given: Given, line: Connection) -> None:
    """Main function of the process."""
    _be_modest()
    threading.Thread(target=_watch, args=(line,), daemon=True).start()
    try:
        _evaluate(given, line)
        said = ("done", "")
    except (ResourceError, MemoryError, OSError) as error:
        said = ("resource", f"evaluation: {reason_of(error)}")
    except MedlensError as error:
        said = ("set", _as_asked(str(error)))
    except Exception as error:  # a file that a library stumbles over would do so again
        said = ("set", f"evaluation: {reason_of(error)}")
    with contextlib.suppress(OSError):
        line.send(said)
    os._exit(0)  # engines take seconds to be taken apart


OPTIONS = ("--label-column", "--patient-column", "--labels")


def _as_asked(text: str) -> str:
    """A message of the command line in the words of who asks over the web."""
    for option in OPTIONS:
        text = text.replace(option, option.strip("-").replace("-", "_"))
    return text


def _evaluate(given: Given, line: Connection) -> None:
    from medlens.experiment import evaluate_bundle

    out = given.folder / OUT
    found = evaluate_bundle(
        given.bundle,
        given.data,
        labels=given.labels,
        label_column=given.label_column or None,
        patient_column=given.patient_column or None,
        out=out,
        narrator=_Teller(line),
    )
    result = {name: found[name] for name in ("curves", "failed")}
    result["metrics"] = {
        name: found[name] for name in ("schema", "task", "splits")
    }  # fmt: skip
    text = json.dumps(result, allow_nan=False)
    (given.folder / RESULT).write_text(text, encoding="utf-8")
    (out / REPORT_NAME).replace(given.folder / REPORT_NAME)


class _Teller:
    """Tells how far it is; words are kept, since they may name a file."""

    def __init__(self, line: Connection) -> None:
        self._line, self._told_at = line, 0.0

    def step(self, title: str) -> None:
        """A new step begins."""
        if title == "Report":
            self._tell(REPORT)

    def say(self, sentence: str) -> None:
        """Keep it."""

    def progress(self, done: int, total: int, unit: str = "images") -> None:
        """So many cases are answered."""
        del unit
        if time.monotonic() - self._told_at > TELL_S:
            self._tell(EVALUATED * done / max(total, 1))

    def _tell(self, progress: float) -> None:
        self._told_at = time.monotonic()
        with contextlib.suppress(OSError):
            self._line.send(("progress", progress))


def _be_modest() -> None:
    """Yield to all others, and say nothing: libraries may print names of files."""
    os.nice(NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")  # Linux, oom_score_adj
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)


def _watch(line: Connection) -> None:
    """End when whoever started this is gone: nothing is ever sent to it."""
    with contextlib.suppress(EOFError, OSError):
        line.recv_bytes()
    os._exit(1)
