"""Studies to try a service on: held-out test images of a run, and a made CT.

Nothing that the bundle learned from is among them. Names and dates are invented; two
images that stand for one patient at two dates are of two people.
"""

from __future__ import annotations

import csv
import gzip
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medlens.core import DataError, ExistsError, ResourceError, UsageError
from medlens.datasets import Case, Manifest, read_manifest, read_splits
from medlens.datasets.phantom_ct import chest_geometry, make_chest
from medlens.experiment.folder import STATE, read_json, write_json

NOTE = "samples.json"
SCHEMA = "medlens/samples/1"
PATIENTS = 8
WITH_PRIOR = 4  # of them have an earlier study, too
TEST_SET, TEST_CASES = "testset.zip", 120
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
PHANTOMS = ((8.0, "20260305"), (12.0, "20260914"))  # nodule in mm, date
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # so that the same files are the same archive


def write_samples(
    run: Path, data: Path, out: Path, *, modality: str = "", body_part: str = ""
) -> Path:
    """A folder that `medlens serve --demo --samples` puts into a service.

    It holds pictures and two NIfTI volumes, `samples.json` that says whose they are,
    and `testset.zip`, a labelled set for the page that evaluates a bundle.

    Args:
        run: folder of a finished run on single images.
        data: that the run learned from.
        out: folder to write; one of the same run is left as it is.
        modality, body_part: of the pictures, as DICOM writes them ("MR", "HEAD").

    Raises:
        UsageError: the run has not finished, or looks at more than single images.
        DataError: `data` is not that of the run, or has too few test images.
        ExistsError: `out` holds something else.
        ResourceError: it cannot be written.
    """
    state = _state_of(run)
    there = read_json(out / NOTE)
    if there is not None and there.get("bundle") == state.get("bundle_digest"):
        return out
    if there is None and out.exists() and any(out.iterdir()):
        raise ExistsError(
            f"{out.name}: is there already and holds no {NOTE}; choose another --out"
        )
    test = _test_cases(run, read_manifest(data))
    unfinished = out.with_name(f"{out.name}.part")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        studies = [
            *_pictures(
                test, unfinished, {"modality": modality, "body_part": body_part}
            ),
            *_phantoms(unfinished),
        ]
        _write_test_set(test, unfinished / TEST_SET)
        bundle = state.get("bundle_digest")
        note = {"schema": SCHEMA, "bundle": bundle, "files": studies}
        write_json(unfinished / NOTE, note)
        shutil.rmtree(out, ignore_errors=True)
        unfinished.replace(out)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise ResourceError(
            f"{out.name}: samples cannot be written ({error.strerror}); free some disk "
            "space or choose another --out"
        ) from error
    return out


def _state_of(run: Path) -> dict[str, Any]:
    state = read_json(run / STATE) or {}
    if state.get("status") != "done":
        raise UsageError(
            f"{run.name}: is no finished run; wanted the folder of medlens run"
        )
    form = (read_json(run / "metrics.json") or {}).get("task", {}).get("form", "image")
    if form != "image":
        raise UsageError(
            f"{run.name}: its bundle looks at {form} data; samples are made of single "
            "images"
        )
    return state


def _test_cases(run: Path, manifest: Manifest) -> dict[str, list[Case]]:
    """Label → test cases, one of each group of near-copies, in the order of keys.

    Raises:
        DataError: there are not enough.
    """
    path = run / "splits.csv"
    splits, groups = read_splits(path, manifest), _groups_of(path)
    found: dict[str, list[Case]] = {label: [] for label in manifest.labels}
    seen: set[str] = set()
    rows = zip(manifest.cases, splits, strict=True)
    for case, split in sorted(rows, key=lambda row: row[0].key):
        group = groups[case.key]
        is_picture = case.path.suffix.lower() in SUFFIXES and not case.member
        if split != "test" or group in seen or not is_picture:
            continue
        labels = [
            name for name, target in zip(manifest.labels, case.target, strict=True)
            if target == 1
        ]  # fmt: skip
        if len(labels) == 1:
            seen.add(group)
            found[labels[0]].append(case)
    fewest = min(len(cases) for cases in found.values())
    if fewest < PATIENTS:
        raise DataError(
            f"{run.name}: has {fewest} distinct test images of some label; samples "
            f"want {PATIENTS} of each"
        )
    return found


def _groups_of(path: Path) -> dict[str, str]:
    """Case → its group of near-copies and patients, of a splits.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["case"]: row["group"] for row in csv.DictReader(file)}


def _pictures(
    test: dict[str, list[Case]], folder: Path, said: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Files with what is said of each: patients with one date, some with two."""
    labels = list(test)
    taken = dict.fromkeys(labels, 0)

    def take(turn: int) -> Case:
        label = labels[turn % len(labels)]
        taken[label] += 1
        return test[label][taken[label] - 1]

    for at in range(PATIENTS):
        dates = [f"202609{2 + 3 * at:02d}"]
        # The earlier image is of the first label, "normal" in most sets.
        turns = [at + 1]
        if at < WITH_PRIOR:
            dates, turns = [f"202603{5 + at:02d}", *dates], [0, *turns]
        for date, turn in zip(dates, turns, strict=True):
            case = take(turn)
            name = f"sample-{at + 1:02d}-{date}{case.path.suffix.lower()}"
            shutil.copyfile(case.path, folder / name)
            yield {"file": name, "details": said | _person(at, date)}


def _person(at: int, date: str) -> dict[str, str]:
    return {
        "patient_id": f"SAMPLE-{at + 1:02d}",
        "patient_name": f"Sample^{at + 1:02d}",
        "birth_date": f"{1948 + 6 * at}{1 + at:02d}{10 + at}",
        "sex": "FM"[at % 2],
        "study": date,
        "study_date": date,
        "study_description": "Sample: held-out test image, invented name",
    }


def _phantoms(folder: Path) -> Iterator[dict[str, Any]]:
    for at, (diameter, date) in enumerate(PHANTOMS):
        name = f"phantom-{date}.nii.gz"
        (folder / name).write_bytes(_volume(diameter, seed=at))
        yield {
            "file": name,
            "details": {
                "patient_id": "PHANTOM-01",
                "patient_name": "Phantom^Chest",
                "sex": "O",
                "study": date,
                "study_date": date,
                "modality": "CT",
                "body_part": "CHEST",
                "study_description": "Phantom: computed shapes, no patient",
                "series_description": f"Phantom, nodule of {diameter:g} mm",
            },
        }


def _volume(diameter: float, *, seed: int) -> bytes:
    """A NIfTI-1 file, packed; the same bytes each time."""
    import nibabel as nib
    import numpy as np

    values = make_chest(nodule_mm=diameter, seed=seed)
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine = to_ras @ chest_geometry().affine @ np.eye(4)[[2, 1, 0, 3]]
    image = nib.Nifti1Image(values.transpose(2, 1, 0), affine)
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)


def _write_test_set(test: dict[str, list[Case]], path: Path) -> None:
    """Folders by label, those not among the studies first."""
    each = TEST_CASES // len(test)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for label, cases in test.items():
            for at, case in enumerate(cases[: -each - 1 : -1]):
                name = f"{label}/{at + 1:03d}{case.path.suffix.lower()}"
                info = zipfile.ZipInfo(name, date_time=_ZIP_TIME)
                archive.writestr(info, case.path.read_bytes())
