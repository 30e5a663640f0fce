"""Data sets and files without the patient's identity (PS3.15 E)."""

from __future__ import annotations

from medlens.deidentify.dataset import IdentityError, deidentify_dataset
from medlens.deidentify.file import Freed, deidentify_file
from medlens.deidentify.folder import Report, deidentify_folder
from medlens.deidentify.options import Keep, parse_keep
from medlens.deidentify.risk import why_held
from medlens.deidentify.secret import Secret, load_secret, new_secret

__all__ = [
    "Freed",
    "IdentityError",
    "Keep",
    "Report",
    "Secret",
    "deidentify_dataset",
    "deidentify_file",
    "deidentify_folder",
    "load_secret",
    "new_secret",
    "parse_keep",
    "why_held",
]
