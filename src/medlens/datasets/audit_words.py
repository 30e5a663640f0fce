"""The findings of an audit as plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from medlens.datasets.audit_result import LabelConflict, Leak
from medlens.datasets.fingerprint import Fingerprint
from medlens.datasets.shortcuts import Shortcut, describe_shortcut

_FEW = 10
_UNEVEN = 10


def warn_of_files(unreadable: int, constant: int, inverted: int) -> list[str]:
    """Sentences on images that are broken or odd."""
    found = []
    if unreadable:
        found.append(
            f"{_images(unreadable)} cannot be read and {_take(unreadable)} no part; "
            "see 'unreadable' for the reasons."
        )
    if constant:
        found.append(
            f"{_images(constant)} {'is' if constant == 1 else 'are'} blank or nearly "
            "so; remove them unless that is meant."
        )
    if inverted:
        found.append(
            f"{_images(inverted)} {'has' if inverted == 1 else 'have'} dark and bright "
            "exchanged, compared with the rest; invert them or remove them."
        )
    return found


def warn_of_copies(
    groups: Sequence[Sequence[str]], conflicts: Sequence[LabelConflict]
) -> tuple[list[str], list[str]]:
    """(warnings, notes) on near-duplicates and contradicting labels."""
    warnings, notes = [], []
    if conflicts:
        warnings.append(
            f"{_count(len(conflicts), 'image or group')} of copies "
            f"{'has' if len(conflicts) == 1 else 'have'} contradicting labels; look at "
            "them and correct the labels."
        )
    if groups:
        notes.append(
            f"{sum(map(len, groups)):,} images are copies or near-copies of another, "
            f"in {_count(len(groups), 'group')}; a group never crosses splits."
        )
    return warnings, notes


def warn_of_leaks(leaks: Sequence[Leak], spellings: int) -> list[str]:
    """Sentences on given splits that part patients or copies."""
    found = []
    for reason, what in (
        ("same patient", "patient"),
        ("near-duplicate", "group of copies"),
    ):
        mine = [leak for leak in leaks if leak.reason == reason]
        if mine:
            images = sum(len(leak.cases) for leak in mine)
            found.append(
                f"The given splits part {_count(len(mine), what)} ({images:,} images): "
                "results on them would be too good; training leaves those cases out "
                "that also stand in a later split."
            )
    if spellings:
        found.append(
            f"{_count(spellings, 'patient')} {'is' if spellings == 1 else 'are'} "
            "spelled in more than one way (case, spaces, dashes, leading zeros) and "
            "taken as one."
        )
    return found


def warn_of_classes(
    classes: dict[str, int], patients_per_class: dict[str, int]
) -> list[str]:
    """Sentences on classes that are too small or uneven."""
    found = []
    for label, count in classes.items():
        people = patients_per_class.get(label, 0)
        if count < _FEW:
            found.append(
                f"'{label}' has {_count(count, 'image')}; at least {_FEW} are needed "
                "to learn and to test it."
            )
        elif 0 < people < _FEW:
            found.append(
                f"'{label}' comes from {_count(people, 'patient')}; results will hang "
                "on few people."
            )
    counts = [count for count in classes.values() if count]
    if len(counts) > 1 and max(counts) > _UNEVEN * min(counts):
        found.append(
            f"The classes are uneven, {max(counts):,} to {min(counts):,}: look at the "
            "figures of each label, not at accuracy."
        )
    return found


def warn_of_mixture(fingerprint: Fingerprint) -> list[str]:
    """Sentences on images of different kinds in one data set."""
    found = []
    for values, what, advice in (
        (fingerprint.modalities, "modalities", "use one modality, or test on each"),
        (fingerprint.channels, "colour and grey images", "convert all to one"),
        (fingerprint.bit_depths, "bit depths", "check that ranges are comparable"),
    ):
        if len(values) > 1:
            listed = ", ".join(f"{name} {count:,}" for name, count in values.items())
            found.append(f"The data set mixes {what} ({listed}); {advice}.")
    low, high = fingerprint.size_quantiles[0], fingerprint.size_quantiles[-1]
    if low and high > 4 * low:
        found.append(
            f"Image sizes differ much: the shorter side is {low:,.0f} to {high:,.0f} "
            "pixels in nine of ten images; small ones are enlarged and look blurred."
        )
    return found


def warn_of_shortcuts(shortcuts: Sequence[Shortcut]) -> list[str]:
    """One sentence a shortcut."""
    return [describe_shortcut(shortcut.to_json()) for shortcut in shortcuts]


def note_names(shortcut: Shortcut | None) -> list[str]:
    """A note where the file names tell the label."""
    if shortcut is None:
        return []
    return [
        f"The file names tell '{shortcut.label}' (AUROC {shortcut.auroc:.2f}). A "
        "network never sees them; it only shows that the classes were named apart."
    ]


def _images(count: int) -> str:
    return _count(count, "image")


def _take(count: int) -> str:
    return "takes" if count == 1 else "take"


def _count(count: int, what: str) -> str:
    if count == 1:
        return f"1 {what}"
    many = {"group of copies": "groups of copies", "image or group": "images or groups"}
    return f"{count:,} {many.get(what, what + 's')}"
