"""All errors of medlens, one family.

MedlensError
├── UsageError            the command or call was used wrongly (exit code 2)
│   ├── RecipeError       a recipe has an unknown key or a value out of range
│   ├── DataError         the data set as a whole cannot be used
│   └── ExistsError       the result is already there; --force would replace it
├── ReadError             one case cannot be read (the others go on)
├── PrepError             one case cannot be prepared by the recipe's steps
├── BundleError           a bundle is incomplete, too new, or does not fit the task
│   └── TamperedError     a file of a bundle does not match its digest
├── ResourceError         not enough memory, disk or time for what was asked
├── TrainError            training cannot go on (no finite loss, wrong checkpoint)
└── MissingExtraError     an optional dependency is not installed

A message says where, what was found, what was wanted, what to do. It names a
case by its local key only: no patient name, ID, date, UID or absolute path.
"""

from __future__ import annotations


class MedlensError(Exception):
    """Base of every error that medlens raises on purpose."""


class UsageError(MedlensError):
    """The command or call was used wrongly."""


class RecipeError(UsageError):
    """A recipe has an unknown key or a value out of range."""


class DataError(UsageError):
    """The data set as a whole cannot be used."""


class ExistsError(UsageError):
    """The result is already there and would be overwritten."""


class ReadError(MedlensError):
    """One case cannot be read."""


class PrepError(MedlensError):
    """One case cannot be prepared."""


class BundleError(MedlensError):
    """A bundle is incomplete, too new, or does not fit."""


class TamperedError(BundleError):
    """A file of a bundle does not match its digest."""


class ResourceError(MedlensError):
    """Not enough memory, disk or time."""


class TrainError(MedlensError):
    """Training cannot go on."""


class MissingExtraError(MedlensError):
    """An optional dependency is not installed.

    Args:
        feature: what the user asked for, as they would call it.
        extra: the extra of medlens that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature}: needs packages that are not installed; "
            f"run: pip install 'medlens[{extra}]'"
        )
        self.feature, self.extra = feature, extra


def reason_of(error: Exception) -> str:
    """Why a case failed, in our own words; a library's may name folders or people."""
    if isinstance(error, MedlensError):
        return str(error)
    if isinstance(error, MemoryError):
        found = "there is not enough memory; free some, or scale the image down"
    elif isinstance(error, OSError) and error.strerror:
        found = f"{error.strerror}; check the file"
    else:
        found = f"{type(error).__name__}; the file may be damaged: leave it out"
    return f"cannot be read or prepared: {found}"
