"""The images of a study → what a bundle could be asked about, and what it cannot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medlens.core import MedlensError, ReadError, reason_of
from medlens.core.diagnosis import ImageRef
from medlens.core.quiet import quiet
from medlens.read.dicom.header import read_header
from medlens.read.dicom.numbers import text, whole
from medlens.read.series import Found, LeftOut, Series, find_series
from medlens.read.source import open_source
from medlens.serve.work.facts import Facts, read_facts
from medlens.serve.work.inputs import Input, Study

# Left out of volumes, and images of their own all the same.
ALONE = ("single", "unplaced", "capture")
MOST_NAMED = 50  # reasons in one diagnosis
LeftOutFile = tuple[str, str]  # case, reason


@dataclass(frozen=True)
class Candidate:
    """A series or an image that a bundle could be asked about.

    Attributes:
        case: local key.
        facts: what rules look at.
        images: its slices in their order, or the image.
        inputs: the files they lie in, each once.
        series: slices with their places; None for an image.
        notes: what a reader should know of the series.
    """

    case: str
    facts: Facts
    images: tuple[ImageRef, ...]
    inputs: tuple[Input, ...] = field(repr=False)
    series: Series | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidates:
    """What a study holds.

    Attributes:
        found: in the order of their cases.
        left_out: (case, reason) of all else.
    """

    found: tuple[Candidate, ...]
    left_out: tuple[tuple[str, str], ...]


def find_candidates(study: Study) -> Candidates:
    """Sort the files of a study into series, single images and the rest.

    Headers alone are read. Whatever is neither has its reason: localisers, films,
    objects without pixels, damaged files, copies.
    """
    images = [item for item in study.inputs if item.is_image]
    left_out = [
        (item.case, tell_class(item.sop_class))
        for item in study.inputs
        if not item.is_image
    ]
    found: list[Candidate] = []
    by_series: dict[str, list[Input]] = defaultdict(list)
    for item in images:
        by_series[item.series].append(item)
    for members in by_series.values():
        for each in _sort_series(members):
            if isinstance(each, Candidate):
                found.append(each)
            else:
                left_out.append(each)
    return Candidates(
        tuple(sorted(found, key=lambda item: item.case)),
        tuple(gather_reasons(left_out)),
    )


def _sort_series(members: Sequence[Input]) -> Iterator[Candidate | LeftOutFile]:
    """One series, whatever is in it: a hostile file must not cost the others."""
    fit = list(members)
    try:
        grouped = _group(fit)
    except Exception:
        fit, unfit = _part_readable(members)
        yield from unfit
        try:
            grouped = _group(fit)
        except Exception as error:
            yield from ((item.case, reason_of(error)) for item in fit)
            return
    by_path = {item.path: item for item in fit}
    by_case = {item.case: item for item in fit}
    for series in grouped.series:
        try:
            yield _of_series(series, by_path)
        except Exception as error:
            yield series.case, reason_of(error).removeprefix(f"{series.case}: ")
    for rest in grouped.left_out:
        yield _of_image(rest, by_case)


def _group(members: Sequence[Input]) -> Found:
    paths = [item.path for item in members]
    return find_series(paths, cases=[item.case for item in members])


def _part_readable(
    members: Sequence[Input],
) -> tuple[list[Input], list[LeftOutFile]]:
    fit: list[Input] = []
    unfit: list[LeftOutFile] = []
    for item in members:
        try:
            _group([item])
            fit.append(item)
        except Exception as error:
            unfit.append((item.case, reason_of(error).removeprefix(f"{item.case}: ")))
    return fit, unfit


def tell_class(sop_class: str) -> str:
    """What an object without pixels is, in the standard's words."""
    from pydicom.uid import UID, UID_dictionary

    if sop_class not in UID_dictionary:
        return "is an object of unknown kind without pixels"
    name = str(UID(sop_class).name).removesuffix(" Storage")
    return f"is no image ({name})"


def gather_reasons(reasons: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """One line for each reason within a series, the rest counted."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case, reason in sorted(reasons):
        groups[case.partition("/")[0], reason].append(case)
    for at, ((home, reason), cases) in enumerate(groups.items()):
        if at == MOST_NAMED:
            rest = sum(len(more) for more in list(groups.values())[at:])
            yield "the rest", f"{rest:,} more files are left out"
            return
        one = cases[0] if len(cases) == 1 else f"{home} ({len(cases):,} images)"
        yield one, reason


def _of_series(series: Series, by_path: dict[Path, Input]) -> Candidate:
    first = series.slices[0]
    gap = series.stack.gap if first.is_calibrated else None
    facts = _read(
        by_path[first.path], slices=len(series.slices), gap_mm=gap, is_series=True
    )
    inputs = dict.fromkeys(by_path[item.path] for item in series.slices)
    images = tuple(
        to_ref(by_path[item.path], case=item.name, member=item.member)
        for item in series.slices
    )
    return Candidate(series.case, facts, images, tuple(inputs), series, series.findings)


def _of_image(rest: LeftOut, by_case: dict[str, Input]) -> Candidate | LeftOutFile:
    """The file as an image of its own, or why not."""
    item = by_case.get(rest.case)  # a frame of a film has no file of its own
    if item is None or rest.kind not in ALONE:
        return rest.case, rest.reason
    try:
        data = read_header(open_source(item.path, item.case)).data
        with quiet():
            frames = whole(data, "NumberOfFrames", 1) or 1
            if frames > 1:
                return rest.case, f"is a film of {frames:,} frames; no bundle takes one"
            is_capture = rest.kind == "capture" and not _is_wrapped(data)
        facts = _read(item, is_capture=is_capture)
    except MedlensError as error:
        return rest.case, str(error).removeprefix(f"{rest.case}: ")
    return Candidate(rest.case, facts, (to_ref(item),), (item,))


def to_ref(item: Input, *, case: str = "", member: str = "") -> ImageRef:
    """The instance, or a frame of it, as results name it."""
    frame = int(member.partition(":")[2]) + 1 if member else None
    return ImageRef(
        case or item.case, item.sop_class, item.sop_uid, item.series_uid, frame,
        item.digest,
    )  # fmt: skip


def _read(item: Input, **more: Any) -> Facts:
    header = read_header(open_source(item.path, item.case))
    with quiet():
        try:
            return read_facts(header.data, **more)
        except Exception as error:  # pydicom raises whatever its converters raise
            raise ReadError(
                f"{item.case}: the header cannot be read ({type(error).__name__}); "
                "export it again"
            ) from None


def _is_wrapped(data: Any) -> bool:
    """A picture that somebody uploaded here: wrapped as a capture, and meant."""
    return text(data, "Manufacturer") == "medlens" and text(
        data, "DerivationDescription"
    ).startswith("converted from ")
