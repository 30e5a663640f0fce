"""Files under a folder, found once and asked often."""

from __future__ import annotations

import os
import posixpath
import re
from collections import defaultdict
from functools import cached_property
from pathlib import Path

from medlens.core import DataError
from medlens.datasets.drafts import words_in
from medlens.datasets.manifest import Problem, ProblemKind
from medlens.read.sniff import HEAD_BYTES, sniff

MAX_FILES = 3_000_000
MAX_DEPTH = 32
PICTURES = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".webp"}
)
DICOM = frozenset({".dcm", ".dicom", ".ima"})
NIFTI = frozenset({".nii", ".nii.gz"})
# Never opened in search of DICOM; other unknown suffixes are (names such as
# IM000001 or 1.2.840.113619 are usual there).
_NO_IMAGES = words_in(
    ".txt .csv .tsv .json .xml .md .rst .pdf .py .ipynb .html .htm .zip .gz .tar .tgz "
    ".7z .rar .xls .xlsx .ods .doc .docx .yaml .yml .toml .ini .cfg .log .npy .npz "
    ".pkl .pt .pth .onnx .h5 .hdf5 .mat .db .sqlite .sh .bat .js .css .svg .mp4 .avi "
    ".part .tmp .lock"
)
_BAD_NAME = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def suffix_of(name: str) -> str:
    """Lower-case suffix of a file name, ".nii.gz" in one piece."""
    dot = name.rfind(".")
    if dot <= name.rfind("/") + 1:
        return ""
    suffix = name[dot:].lower()
    if suffix == ".gz" and name[:dot].lower().endswith(".nii"):
        return ".nii.gz"
    return suffix


def stem_of(name: str) -> str:
    """A path without its suffix."""
    suffix = suffix_of(name)
    return name[: -len(suffix)] if suffix else name


class Tree:
    """The files of a folder.

    Attributes:
        root: the folder, resolved.
        files: paths relative to root in POSIX spelling, sorted.
        problems: links that leave the folder and names that cannot be written
            to a text file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.problems: list[Problem] = []
        self._sniffed: dict[str, str] = {}
        found: list[str] = []
        self._walk("", found, depth=0)
        self.files: tuple[str, ...] = tuple(sorted(found))

    def _walk(self, folder: str, found: list[str], *, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise DataError(
                f"{folder[:60]}…: folders are more than {MAX_DEPTH} deep; "
                "pass the folder that holds the images"
            )
        try:
            with os.scandir(self.root / folder) as entries:
                listed = list(entries)
        except OSError as error:
            why = error.strerror or "input error"
            self._report(
                folder or "DATA", f"folder cannot be read ({why})", "unreadable"
            )
            return
        for entry in listed:
            name = entry.name
            if name.startswith(".") or name == "__MACOSX":
                continue
            path = f"{folder}/{name}" if folder else name
            if _BAD_NAME.search(name):
                self._report_name(path)
            elif entry.is_symlink():
                self._follow(path, found)
            elif entry.is_dir(follow_symlinks=False):
                self._walk(path, found, depth=depth + 1)
            elif entry.is_file(follow_symlinks=False):
                found.append(path)
        if len(found) > MAX_FILES:
            raise DataError(
                f"DATA holds more than {MAX_FILES:,} files; pass a smaller folder"
            )

    def _follow(self, path: str, found: list[str]) -> None:
        """Take a link to a file inside the folder, report any other."""
        target = os.path.realpath(self.root / path)
        inside = Path(target).is_relative_to(self.root)
        if not inside:
            self._report(path, "symbolic link that leaves DATA; copy the file", "link")
        elif Path(target).is_file():
            found.append(path)
        elif not Path(target).is_dir():
            self._report(path, "symbolic link to a file that is not there", "missing")
        # A link to a folder inside DATA: its files are found where they are.

    def _report_name(self, path: str) -> None:
        shown = path.encode("ascii", "backslashreplace").decode()
        shown = _BAD_NAME.sub("?", shown)
        reason = "file name holds control characters or is not UTF-8; rename it"
        self._report(shown, reason, "unreadable")

    def _report(self, case: str, reason: str, kind: ProblemKind) -> None:
        self.problems.append(Problem(case, reason, kind))

    @cached_property
    def known(self) -> frozenset[str]:
        """`files` as a set."""
        return frozenset(self.files)

    @cached_property
    def images(self) -> tuple[str, ...]:
        """Files that look like images by suffix or, lacking one, by content."""
        return tuple(name for name in self.files if self.is_image(name))

    def is_image(self, name: str) -> bool:
        """True for picture, NIfTI and DICOM files."""
        suffix = suffix_of(name)
        if suffix in PICTURES or suffix in NIFTI or suffix in DICOM:
            return True
        return self._sniff(name) not in ("", "npz")

    def is_dicom(self, name: str) -> bool:
        """True for DICOM suffixes and for unnamed files that begin as DICOM."""
        suffix = suffix_of(name)
        if suffix in PICTURES or suffix in NIFTI:
            return False
        return suffix in DICOM or self._sniff(name) == "dicom"

    def is_nifti(self, name: str) -> bool:
        """True for NIfTI suffixes and for files of odd suffixes that begin so."""
        suffix = suffix_of(name)
        if suffix in PICTURES or suffix in DICOM:
            return False
        return suffix in NIFTI or self._sniff(name) == "nifti"

    def _sniff(self, name: str) -> str:
        """Kind of image by content, "" for none, for files of odd suffixes."""
        if suffix_of(name) in _NO_IMAGES or posixpath.basename(name) == "DICOMDIR":
            return ""
        if name not in self._sniffed:
            try:
                with (self.root / name).open("rb") as file:
                    self._sniffed[name] = sniff(file.read(HEAD_BYTES))
            except OSError:
                self._sniffed[name] = ""
        return self._sniffed[name]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = defaultdict(list)
        for name in self.files:
            table[posixpath.basename(name)].append(name)
        return table

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = defaultdict(list)
        for name in self.files:
            if suffix_of(name) not in _NO_IMAGES:
                table[posixpath.basename(stem_of(name)).casefold()].append(name)
        return table

    def find(self, reference: str) -> list[str]:
        """Files whose path ends with a reference, its suffix left out or not.

        Args:
            reference: relative POSIX path, normalised, without "..".

        Returns:
            The file of exactly this path; else all whose path ends with it;
            else all whose path ends with it when letter case, and its suffix
            if need be, are left out.
        """
        if reference in self.known:
            return [reference]
        base = posixpath.basename(reference)
        tail = "/" + reference
        named = [f for f in self._by_name.get(base, ()) if ("/" + f).endswith(tail)]
        if named:
            return named
        tail = tail.casefold()
        # "IMG_1.JPG" for img_1.jpg, then "IMG_1" for either.
        for bare in (stem_of(base), base):
            near = self._by_stem.get(bare.casefold(), [])
            whole = [f for f in near if ("/" + f).casefold().endswith(tail)]
            if whole:
                return whole
            cut = [f for f in near if ("/" + stem_of(f)).casefold().endswith(tail)]
            if cut:
                return cut
        return []
