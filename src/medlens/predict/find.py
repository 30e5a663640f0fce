"""What the user pointed at → images, each under a key of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from medlens.core import DataError, UsageError
from medlens.read import list_members

AnyInput = TypeVar("AnyInput", bound="Input")
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
        for path, key in paths_of(start):
            for member in members_of(path):
                name = f"{key}#{member}" if member else key
                found.append(Input(path, member, legible(name)))
                outer.append(legible(folder_name(start)))
                if len(found) > MAX_INPUTS:
                    raise UsageError(
                        f"more than {MAX_INPUTS} images; give fewer folders at a time"
                    )
    if not found:
        raise DataError("INPUT: no file found; give images or a folder that holds some")
    return unique(found, outer)


def paths_of(start: Path) -> list[tuple[Path, str]]:
    """A file, or the files below a folder, with their keys.

    Raises:
        UsageError: there is no such file or folder.
    """
    if start.is_dir():
        return [(p, p.relative_to(start).as_posix()) for p in _walk(start)]
    if not os.path.lexists(start):
        raise UsageError(f"{legible(start.name)}: there is no such file or folder")
    return [(start, start.name)]


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            is_hidden = name.startswith(".") or name.upper() == "DICOMDIR"
            if not is_hidden and Path(name).suffix.lower() not in PASSED_OVER:
                yield Path(root) / name


def members_of(path: Path) -> list[str]:
    """Images in a file; [""] as well where it cannot be read: reading says why."""
    try:
        return list_members(path)
    except Exception:
        return [""]


def folder_name(start: Path) -> str:
    """Name of a folder, or of the one that a file is in."""
    folder = start if start.is_dir() else start.parent
    return folder.name or folder.resolve().name


def legible(key: str) -> str:
    """The key as UTF-8 and a terminal can show it: file names may hold any byte."""
    text = key.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def unique(found: list[AnyInput], outer: list[str]) -> list[AnyInput]:
    """The same with keys that are each there once.

    Args:
        found: inputs.
        outer: what is put before their keys where these are equal.
    """
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
