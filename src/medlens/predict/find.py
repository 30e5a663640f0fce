"""What the user pointed at → images, each under a key of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medlens.core import DataError, UsageError
from medlens.read import list_members

MAX_INPUTS = 1_000_000
PASSED_OVER = frozenset({".csv", ".json", ".txt", ".md", ".toml", ".xml", ".html"})


@dataclass(frozen=True)
class Input:
    """One image to answer for.

    Attributes:
        path: file that holds it.
        member: which image of that file; "" for its only one.
        key: its name in every answer, message and file.
    """

    path: Path
    member: str
    key: str


def find_inputs(given: Sequence[Path]) -> list[Input]:
    """Every image named or lying in a named folder.

    A file that was named is tried whatever it is. In folders, hidden files and
    folders, DICOMDIR, tables and texts are passed over.

    Args:
        given: files and folders.

    Returns:
        In the order given, folders sorted by name. Keys are relative to the
        folder given; where two are equal the folder's name is put before, and
        a number behind where that is not enough.

    Raises:
        UsageError: something is not there, or there are too many.
        DataError: nothing was found.
    """
    found: list[Input] = []
    outer: list[str] = []
    for start in given:
        for path, key in _paths(start):
            for member in _members(path):
                name = f"{key}#{member}" if member else key
                found.append(Input(path, member, _legible(name)))
                outer.append(_legible(_folder_name(start)))
                if len(found) > MAX_INPUTS:
                    raise UsageError(
                        f"more than {MAX_INPUTS} images; give fewer folders at a time"
                    )
    if not found:
        raise DataError("INPUT: no file found; give images or a folder that holds some")
    return _unique(found, outer)


def _paths(start: Path) -> list[tuple[Path, str]]:
    if start.is_dir():
        return [(p, p.relative_to(start).as_posix()) for p in _walk(start)]
    if not os.path.lexists(start):
        raise UsageError(f"{_legible(start.name)}: there is no such file or folder")
    return [(start, start.name)]


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            is_hidden = name.startswith(".") or name.upper() == "DICOMDIR"
            if not is_hidden and Path(name).suffix.lower() not in PASSED_OVER:
                yield Path(root) / name


def _members(path: Path) -> list[str]:
    try:
        return list_members(path)
    except Exception:
        return [""]  # reading it will say why


def _folder_name(start: Path) -> str:
    folder = start if start.is_dir() else start.parent
    return folder.name or folder.resolve().name


def _legible(key: str) -> str:
    """The key as UTF-8 and a terminal can show it: file names may hold any byte."""
    text = key.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _unique(found: list[Input], outer: list[str]) -> list[Input]:
    times = Counter(item.key for item in found)
    taken = {key for key, count in times.items() if count == 1}
    result = []
    for item, folder in zip(found, outer, strict=True):
        key = item.key
        if times[key] > 1:
            key = _free(f"{folder}/{key}", taken)
            taken.add(key)
        result.append(replace(item, key=key))
    return result


def _free(key: str, taken: set[str]) -> str:
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key} ({number})"
    return free
