"""Run folders of masks and of sequences, with examples, made in code."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from medlens.evaluate import (
    CaseTable,
    MaskTable,
    measure_mask_split,
    measure_sequence_split,
    score_case,
    table_of,
    write_mask_predictions,
    write_metrics,
    write_predictions,
)
from medlens.report import MaskExample, SeriesExample

LABELS = ("background", "liver", "lesion")


def mask_pair(
    seed: int, *, shape: tuple[int, ...] = (6, 40, 40)
) -> tuple[np.ndarray, ...]:
    """A disc with a smaller one in it, and an answer that is moved a little."""
    rng = np.random.default_rng(seed)
    reference, answer = np.zeros((2, *shape), dtype=np.uint8)
    shift = int(rng.integers(0, 3))
    has_lesion = seed % 4 != 0
    for index in range(shape[0]):
        for mask, move in ((reference[index], 0), (answer[index], shift)):
            cv2.circle(mask, (18 + move, 20), 11, 1, -1)
            if has_lesion and (seed % 5 or mask.base is reference.base):
                cv2.circle(mask, (22 + move, 20), 4, 2, -1)
    if seed % 7 == 3:
        answer[answer == 2] = 1  # missed altogether
    return reference, answer


def mask_table(
    n: int = 24, *, spacing: tuple[float, ...] | None = (2.0, 0.8, 0.8)
) -> MaskTable:
    """Test and validation cases, one patient each."""
    rng = np.random.default_rng(5)
    return table_of(
        [
            score_case(
                *mask_pair(k),
                spacing=spacing,
                labels=LABELS,
                case=f"liver/case_{k:03d}.nii.gz",
                tolerance=1.0 if spacing else 2.0,
                patient=f"p{k}",
                split="test" if k % 3 else "validation",
                columns={"site": "North" if k % 2 else "South"},
                ood_score=float(rng.gamma(2)),
                ood_flag=k == 5,
            )
            for k in range(n)
        ]
    )


def write_mask_phantom(
    folder: Path, *, spacing: tuple[float, ...] | None = (2.0, 0.8, 0.8), n: int = 36
) -> Path:
    """A run folder of a segmentation; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    table = mask_table(n, spacing=spacing)
    splits = {
        name: measure_mask_split(
            table.select(np.array(table.splits) == name), resamples=100
        )
        for name in ("test", "validation")
    }
    task = {
        "form": "segment",
        "kind": "multiclass",
        "labels": list(LABELS),
        "mask_values": [0, 1, 2],
        "positive": "",
    }
    write_metrics(folder / "metrics.json", splits, task)
    write_mask_predictions(folder / "predictions.csv", table)
    _write_run(folder, "liver-ct")
    (folder / "history.csv").write_text(
        "epoch,train_loss,validation_loss,validation_dice\n"
        "1,0.9,0.8,0.4\n2,0.5,0.5,0.6\n3,0.4,0.45,0.7\n"
    )
    return folder


def mask_examples(count: int = 5) -> list[MaskExample]:
    """Worst, median and best planes."""
    ranks = ("best", "worst", "median")
    examples = []
    for k in range(count):
        reference, answer = mask_pair(k + 1)
        plane = np.full(reference.shape[1:], 60, dtype=np.uint8)
        plane[reference[0] > 0] = 130
        examples.append(
            MaskExample(
                case=f"liver/case_{k:03d}.nii.gz",
                rank=ranks[k % 3],  # type: ignore[arg-type]
                plane=plane,
                reference=reference[0],
                predicted=answer[0],
                dice={"liver": 0.9, "lesion": None},
                spacing=(0.8, 0.8),
                slice_index=0,
                slices=6,
                note="" if k else "unlike the training images",
            )
        )
    return examples


def sequence_tables(
    patients: int = 24, slices: int = 10
) -> tuple[CaseTable, CaseTable, CaseTable]:
    """Slices read in order, slices alone, and series."""
    rng = np.random.default_rng(2)
    positive = np.arange(patients) % 2
    target = np.zeros((patients, slices), dtype=int)
    target[positive == 1, 3:7] = 1
    read = rng.normal(0, 1, target.shape) + 3 * target - 1.5
    plain = read + rng.normal(0, 2, target.shape)
    names = tuple(f"p{k}" for k in range(patients))

    def table(cases: tuple[str, ...], y: np.ndarray, logits: np.ndarray) -> CaseTable:
        p = 1 / (1 + np.exp(-logits.ravel()))
        probabilities = np.stack([1 - p, p], axis=1)
        each = len(cases) // patients
        return CaseTable(
            cases=cases,
            labels=("clear", "bleeding"),
            kind="binary",
            targets=np.eye(2, dtype=np.int8)[y.ravel()],
            probabilities=probabilities,
            decisions=probabilities > 0.5,
            patients=tuple(n for n in names for _ in range(each)),
            splits=("test",) * len(cases),
        )

    keys = tuple(f"{n}/{k:02d}" for n in names for k in range(slices))
    series = table(names, positive, 3.0 * positive - 1.5 + rng.normal(0, 1, patients))
    return table(keys, target, read), table(keys, target, plain), series


def write_sequence_phantom(folder: Path) -> Path:
    """A run folder of series with labels of slices; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    read, plain, series = sequence_tables()
    entry = measure_sequence_split(read, series, plain=plain, resamples=100)
    task = {
        "form": "sequence",
        "kind": "binary",
        "labels": ["clear", "bleeding"],
        "positive": "bleeding",
    }
    write_metrics(folder / "metrics.json", {"test": entry}, task)
    write_predictions(folder / "predictions.csv", read)
    _write_run(folder, "head-ct")
    return folder


def series_examples(count: int = 3) -> list[SeriesExample]:
    """A whole one, one without labels of slices, one with attention alone."""
    p = np.array([0.1, 0.2, 0.7, 0.9, 0.8, 0.3, 0.1])
    whole = SeriesExample(
        case="p1",
        label="bleeding",
        probability=0.93,
        series_reference="bleeding",
        is_right=True,
        probabilities=p,
        reference=[0, 0, 1, 1, 0, 0, 1],
        attention=p / p.sum(),
        plain=p[::-1],
        threshold=0.4,
    )
    bare = SeriesExample("p2", "bleeding", 0.2, "bleeding", False, p)
    pooled = SeriesExample(
        "p3", "bleeding", 0.2, "clear", True, attention=p, note="unlike the others"
    )
    return [whole, bare, pooled][:count]


def _write_run(folder: Path, name: str) -> None:
    run = {
        "schema": "medlens/run/1",
        "data": {"name": name},
        "seconds": {"train": 402.7, "evaluate": 21.9},
        "plan": [{"rule": "form", "choice": "as read", "reason": "what DATA holds"}],
        "command": f"medlens run {name}",
    }
    (folder / "run.json").write_text(json.dumps(run))
