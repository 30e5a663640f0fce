"""Logs as lines of JSON that identify no patient.

What medlens says is written by medlens and names nobody. What a library says may
repeat an element of a header, and the text of any exception may too, so both are left
out: the line says who spoke, where, and of which kind.
"""

from __future__ import annotations

import copy
import logging
import sys
import threading
import traceback
from pathlib import PurePath
from types import TracebackType
from typing import IO, Any

from pythonjsonlogger.json import JsonFormatter

from medlens.core import MedlensError

OWN = ("medlens", "uvicorn")  # loggers whose text is known to name nobody
WITHHELD = "(text of a library, withheld: it may name a patient)"
MAX_FRAMES = 12
log = logging.getLogger("medlens")


class QuietFormatter(JsonFormatter):
    """One JSON object a line: time, level, logger, message, and what was added."""

    def __init__(self, role: str = "") -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            static_fields={"process": role} if role else {},
            timestamp="time",
        )

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        record = copy.copy(record)
        if record.name.split(".")[0] not in OWN:
            record.msg, record.args = WITHHELD, ()
            record.where = f"{record.module}:{record.lineno}"
        record.exc_text = None  # another handler may have put the full text there
        record.stack_info = None
        record.__dict__.pop("color_message", None)
        record.message = record.getMessage().strip()
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        """Kinds and places of an exception and its causes, without their texts."""
        return describe_error(ei[1]) if ei and ei[1] is not None else ""


def describe_error(error: BaseException) -> str:
    """Kind and place of an exception and of what caused it; text only if it is ours."""
    parts: list[str] = []
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        said = f": {each}" if isinstance(each, MedlensError) else ""
        parts.append(f"{type(each).__name__}{said} at {_places(each)}")
        each = each.__cause__ or each.__context__
    return " <- ".join(parts)


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return " > ".join(f"{PurePath(f.filename).name}:{f.lineno}" for f in frames)


def set_up_logs(
    role: str = "", *, level: str = "INFO", stream: IO[str] | None = None
) -> None:
    """Send the logs of this process to a stream, one JSON object a line.

    Warnings of libraries and exceptions that nobody caught take the same road. Every
    process of a service calls it once.

    Args:
        role: of the process: "web", "listen", "work-1"; a field of each line.
        level: of medlens; libraries are heard from WARNING on.
        stream: stderr by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(QuietFormatter(role))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OWN:
        logging.getLogger(name).setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _report
    threading.excepthook = _report_thread


def _report(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("a process failed", exc_info=(kind, error, trace))


def _report_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        log.critical("a thread failed", exc_info=found.exc_value)
