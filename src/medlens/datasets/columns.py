"""Which column of a CSV says what, by rule, each rule overridable."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from medlens.core import DataError
from medlens.datasets.drafts import list_in, list_some
from medlens.datasets.label_column import (
    find_labels,
    is_label_name,
    names_person,
    words_of,
)
from medlens.datasets.label_text import is_binary, is_blank
from medlens.datasets.table import Table
from medlens.datasets.walk import suffix_of

_IMAGE = list_in(
    "image images imagepath imagefile imagefilename imagename img imgpath imgname "
    "file filename filepath fname path relativepath relpath dicom dicompath "
    "dicomfile dcm dcmpath imageindex imageid imgid dicomid id "
    "图像 图片 影像 文件 文件名"
)
_PATIENT = list_in(
    "patient patientid patientkey patientnumber patientnr patientno patno pid "
    "subject subjectid subjectkey subjectnumber person personid "
    "患者 患者编号 病人 病人编号"
)
_SITE = list_in(
    "site siteid hospital hospitalid institution institutionname institutionid "
    "centre center centreid centerid clinic "
    "医院 机构"
)
_SPLIT = list_in("split fold set subset partition")
_MASK = list_in("mask masks maskpath maskfile segmentation seg segpath")
_BOXES = list_in("boxes box bbox bboxes boundingbox boundingboxes")
_SERIES = list_in("series seriesid seriespath volume volumepath")
_SLICE = list_in("slice sliceindex slicenumber frame framenumber")
_UIDS = ("sopinstanceuid", "seriesinstanceuid", "studyinstanceuid", "patientid")
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "tune": "validation",
    "test": "test",
    "testing": "test",
    "holdout": "test",
}
_SAMPLE = 200


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are for; "" or () where there is none.

    Attributes:
        image: names the file of each row.
        uid: DICOM keyword in lower case → column, for joining by header.
        labels: one column, or several 0/1 columns (multi-label); () where masks
            are the labels.
        patient, site, split, mask, boxes, series, slice: as named.
        extra: columns kept for subgroup tables.
        notes: choices that were not plain from the names.
    """

    image: str
    uid: dict[str, str]
    labels: tuple[str, ...]
    patient: str = ""
    site: str = ""
    split: str = ""
    mask: str = ""
    boxes: str = ""
    series: str = ""
    slice: str = ""
    extra: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def split_name(text: str) -> str:
    """Split that a word stands for: "val" → "validation"; "" if none."""
    return _SPLITS.get(text.strip().lower(), "")


def choose_columns(
    table: Table,
    *,
    names_file: Callable[[str], bool],
    label_column: str | None = None,
    patient_column: str | None = None,
    takes_series: bool = False,
    task: str = "auto",
    has_masks: bool = False,
) -> Roles:
    """Give each column of a table its role.

    Args:
        table: the rows.
        names_file: True when a text names a file of DATA.
        label_column: the label column, or several 0/1 columns parted by
            commas; None to find it by rule.
        patient_column: the patient column; None to find it by rule.
        takes_series: a column `series` may stand in for the image column.
        task: "segment" wants no label column; "auto" takes masks where there
            is none.
        has_masks: masks lie beside the images, without a column.

    Raises:
        DataError: a named column is not there, no column names files, or the
            label column is not plain; the message lists the columns.
    """
    _require_header(table, names_file)
    patient = _named(table, patient_column, flag="--patient-column")
    wanted = _wanted_labels(table, label_column)
    keys = {name: "".join(words_of(name)) for name in table.columns}
    image = _find_image(table, keys, names_file, taken={*wanted, patient})
    uid = {
        key: name
        for name, key in keys.items()
        if key in _UIDS and name != image and name not in wanted
    }
    series = next(iter(_by_key(keys, _SERIES)), "")
    if not image and not uid and not (takes_series and series):
        raise DataError(_no_image_message(table))
    taken = {image, patient, *wanted} - {""}
    found: dict[str, str] = {"patient": patient}
    for role, names in (
        ("patient", _PATIENT),
        ("site", _SITE),
        ("split", _SPLIT),
        ("mask", _MASK),
        ("series", _SERIES),
        ("slice", _SLICE),
    ):
        if not found.get(role):
            found[role] = next((n for n in _by_key(keys, names) if n not in taken), "")
        taken |= {found[role]}
    found["boxes"] = next(
        (n for n in table.columns if n not in taken and _is_boxes(n)), ""
    )
    taken |= {found["boxes"], *uid.values()}
    notes: list[str] = []
    split = _check_split(table, found["split"], notes)
    taken -= {found["split"]} - {split}
    found["split"] = split
    free = [n for n in table.columns if n not in taken]
    labels: tuple[str, ...] = ()
    if task != "segment":
        can_do_without = task == "auto" and (has_masks or bool(found["mask"]))
        labels = wanted or find_labels(table, free, notes, is_needed=not can_do_without)
    extra = [n for n in table.columns if n not in taken and n not in labels]
    extra = [n for n in extra if not names_person(n)]
    return Roles(image, uid, labels, extra=tuple(extra), notes=tuple(notes), **found)


def _require_header(table: Table, names_file: Callable[[str], bool]) -> None:
    # A suffix is asked for: a column "image" beside a file image.png is fine.
    if any(suffix_of(name) and names_file(name) for name in table.columns):
        raise DataError(
            f"{table.name}: the first line names a file, so the header is missing; "
            "add a first line such as 'image,label'"
        )


def _by_key(keys: dict[str, str], names: list[str]) -> list[str]:
    """Columns whose bare name is in a list, in the order of that list."""
    return [column for name in names for column, key in keys.items() if key == name]


def _named(table: Table, name: str | None, *, flag: str) -> str:
    """The column that a flag names, its case ignored."""
    if not name:
        return ""
    if name in table.columns:
        return name
    lower = {column.lower(): column for column in table.columns}
    if name.lower() in lower:
        return lower[name.lower()]
    near = difflib.get_close_matches(name, table.columns, n=1)
    hint = f"; nearest: '{near[0]}'" if near else ""
    raise DataError(
        f"{table.name}: {flag} '{name}' is not a column{hint}; "
        f"columns: {list_some(list(table.columns), most=40)}"
    )


def _wanted_labels(table: Table, label_column: str | None) -> tuple[str, ...]:
    if not label_column:
        return ()
    if "," not in label_column or label_column in table.columns:
        return (_named(table, label_column, flag="--label-column"),)
    names = [part.strip() for part in label_column.split(",") if part.strip()]
    labels = tuple(_named(table, name, flag="--label-column") for name in names)
    for name in labels:
        if not is_binary(table.column(name)):
            raise DataError(
                f"{table.name}: column '{name}' is not 0/1; several label columns "
                "must hold 1 (present), 0 (absent) or nothing (not read)"
            )
    return labels


def _find_image(
    table: Table,
    keys: dict[str, str],
    names_file: Callable[[str], bool],
    *,
    taken: set[str],
) -> str:
    """Column that names files: by its name if its values agree, else by value."""
    step = max(1, len(table.rows) // _SAMPLE)

    def share(column: str) -> float:
        texts = [text for text in table.column(column)[::step] if text]
        return sum(map(names_file, texts)) / max(1, len(texts))

    named = [n for n in _by_key(keys, _IMAGE) if n not in taken]
    masks = set(_by_key(keys, _MASK))
    best = max(named, key=share, default="")
    if best and share(best) > 0:
        return best
    # A label "a" must not pass for the file a.png: image columns do not repeat.
    free = [n for n in table.columns if n not in taken | masks | set(named)]
    others = [n for n in free if not is_label_name(n) and _rarely_repeats(table, n)]
    by_value = max(others, key=share, default="")
    if by_value and share(by_value) >= 0.5:
        return by_value
    # Columns such as `id` prove nothing by their name; the others do: their
    # files are missing, which the caller reports row by row.
    return next((n for n in named if keys[n] not in ("id", "imageid")), "")


def _is_boxes(name: str) -> bool:
    words = words_of(name)
    return bool(set(words) & set(_BOXES)) or "".join(words) in _BOXES


def _rarely_repeats(table: Table, name: str) -> bool:
    texts = table.column(name)
    return 2 * len(set(texts)) > len(texts)


def _check_split(table: Table, name: str, notes: list[str]) -> str:
    """The split column, or "" when it holds something else (fold numbers)."""
    if not name:
        return ""
    texts = {text for text in table.column(name) if not is_blank(text)}
    unknown = sorted(text for text in texts if not split_name(text))
    if not unknown:
        return name if texts else ""
    if len(unknown) == len(texts):
        notes.append(f"column '{name}' names no train/validation/test split; not used")
        return ""
    raise DataError(
        f"{table.name}: split column '{name}' holds {list_some(unknown)}; wanted "
        "train, validation, test or nothing"
    )


def _no_image_message(table: Table) -> str:
    series = next((n for n in table.columns if "".join(words_of(n)) in _SERIES), "")
    whole = (
        f"; column '{series}' names whole series, this version takes single images"
        if series
        else ""
    )
    return (
        f"{table.name}: no column names the image files{whole}; columns: "
        f"{list_some(list(table.columns), most=40)}; wanted a column 'image' with "
        "paths relative to DATA (or SOPInstanceUID, SeriesInstanceUID, "
        "StudyInstanceUID, PatientID for DICOM)"
    )
