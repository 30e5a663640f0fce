"""Files and folders in, freed files out; what must be looked at is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medlens.core import ExistsError, MedlensError, ResourceError, UsageError
from medlens.deidentify.file import deidentify_file
from medlens.deidentify.options import Keep
from medlens.deidentify.secret import Secret

REPORT = "deidentified.json"
SCHEMA = "medlens/deidentified/1"


@dataclass(frozen=True)
class Report:
    """What became of the files.

    Attributes:
        written: how many were freed.
        patients, series: how many these are of.
        held: (case, reason) of those that a person must look at.
        failed: (case, reason) of those that could not be read or freed.
    """

    written: int
    patients: int
    series: int
    held: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str], ...]


def deidentify_folder(
    inputs: Sequence[Path],
    out: Path,
    secret: Secret,
    *,
    keep: Keep | None = None,
    allow_burned_in: bool = False,
    force: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> Report:
    """Free every file named or lying in a named folder.

    New files are named `PATIENT/SERIES/INSTANCE.dcm` by pseudonym and new UIDs: the
    names of the old ones say too much. `deidentified.json` beside them holds counts
    and the method, nothing of the sources.

    Args:
        inputs: files and folders.
        out: folder for the new files.
        secret, keep, allow_burned_in: see `deidentify_file`.
        force: replace files in `out`.
        tell: called with the files done and all files.

    Raises:
        UsageError: an input is not there, or `out` lies inside of one or around it.
        ExistsError: `out` holds files and `force` is not given.
        ResourceError: `out` cannot be written.
    """
    files = list(_files(inputs, out))
    if out.exists() and any(out.iterdir()) and not force:
        raise ExistsError(
            f"{out.name}: is not empty; choose another --out, or pass --force"
        )
    held: list[tuple[str, str]] = []
    failed: list[tuple[str, str]] = []
    people: set[str] = set()
    series: set[str] = set()
    written: set[tuple[str, str]] = set()
    for number, (path, case) in enumerate(files):
        if tell is not None:
            tell(number, len(files))
        try:
            found = deidentify_file(
                path.read_bytes(),
                secret,
                case=case,
                keep=keep,
                allow_burned_in=allow_burned_in,
            )
        except (MedlensError, OSError) as error:
            failed.append((case, _reason(error, case)))
            continue
        if found.held:
            held.append((case, found.held))
            continue
        if (found.series_uid, found.sop_uid) in written:
            failed.append((case, "is a second file of the same instance"))
            continue
        name = f"{found.sop_uid}.dcm"
        _write(out / found.pseudonym / found.series_uid / name, found.data)
        written.add((found.series_uid, found.sop_uid))
        people.add(found.pseudonym)
        series.add(found.series_uid)
    if tell is not None:
        tell(len(files), len(files))
    report = Report(len(written), len(people), len(series), tuple(held), tuple(failed))
    _write(out / REPORT, _document(report, keep or Keep()))
    return report


def _files(inputs: Sequence[Path], out: Path) -> Iterator[tuple[Path, str]]:
    target = out.resolve()
    for start in inputs:
        if not start.exists():
            raise UsageError(f"{start.name}: there is no such file or folder")
        whole = start.resolve()
        if start.is_dir() and (target.is_relative_to(whole) or target == whole):
            raise UsageError(
                f"--out {out.name}: lies inside of {start.name}; wanted a folder "
                "beside it"
            )
        if start.is_file():
            yield start, start.name
            continue
        for path in sorted(start.rglob("*")):
            is_wanted = path.is_file() and not path.name.startswith(".")
            if is_wanted and path.name.upper() != "DICOMDIR":
                yield path, path.relative_to(start).as_posix()


def _reason(error: Exception, case: str) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    return str(error).removeprefix(f"{case}: ")


def _document(report: Report, keep: Keep) -> bytes:
    """Counts and method; the names of held files stay with whoever ran it."""
    found = {
        "schema": SCHEMA,
        "written": report.written,
        "patients": report.patients,
        "series": report.series,
        "held": len(report.held),
        "failed": len(report.failed),
        "methods": [f"{value} {meaning}" for value, meaning in keep.codes],
    }
    return (json.dumps(found, indent=1) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ResourceError(
            f"--out: cannot be written ({error.strerror}); free some disk space or "
            "choose another folder"
        ) from None
