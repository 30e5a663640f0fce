"""Test cases to look at where voxels are labelled: worst, middle and best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, Image, MedlensError
from medlens.datasets import Manifest, open_case, open_mask
from medlens.evaluate import MaskTable
from medlens.experiment.collect_masks import spacing_of
from medlens.experiment.slices import one_slice
from medlens.predict import MaskPredictor
from medlens.prep import build_pipeline
from medlens.recipe import Step
from medlens.report import MaskExample

Rank = Literal["worst", "median", "best"]
RANKS: tuple[Rank, ...] = ("worst", "worst", "median", "median", "best", "best")


def make_mask_examples(
    predictor: MaskPredictor, manifest: Manifest, table: MaskTable
) -> list[MaskExample]:
    """The plane with most disagreement of the worst, middle and best cases.

    A case that cannot be opened any more is left out.
    """
    places = {case.key: i for i, case in enumerate(manifest.cases)}
    examples: list[MaskExample] = []
    for row, rank in choose_rows(table):
        case = manifest.cases[places[table.cases[row]]]
        try:
            image = open_case(case)
            reference = open_mask(case, manifest.mask_values, image=image)
            answer = predictor.predict(image)
        except MedlensError:
            continue
        examples.append(_example(table, row, rank, image, reference, answer.mask))
    return examples


def choose_rows(table: MaskTable) -> list[tuple[int, Rank]]:
    """Rows with their rank: two each of the worst, the middle and the best."""
    with np.errstate(invalid="ignore"):
        scores = np.array(
            [
                np.nanmean(row) if np.isfinite(row).any() else np.nan
                for row in table.dice
            ]
        )
    known = np.flatnonzero(np.isfinite(scores))
    order: Sequence[int] = known[np.argsort(scores[known], kind="stable")].tolist()
    if len(order) <= len(RANKS):
        names: dict[int, Rank] = {0: "worst", len(order) - 1: "best"}
        return [(row, names.get(at, "median")) for at, row in enumerate(order)]
    middle = len(order) // 2
    picked = [*order[:2], *order[middle - 1 : middle + 1], *order[-2:]]
    return list(zip(picked, RANKS, strict=True))


def _example(
    table: MaskTable, row: int, rank: Rank, image: Image, reference: Array, mask: Array
) -> MaskExample:
    plane = _telling_plane(reference, mask)
    shown = build_pipeline((Step("display", {}),))(one_slice(image, plane)).array[:, 0]
    pixels = np.rint(np.moveaxis(shown, 0, -1) * 255).astype(np.uint8)
    spacing = spacing_of(image) or (1.0, 1.0, 1.0)
    return MaskExample(
        case=table.cases[row],
        rank=rank,
        plane=pixels[..., 0] if pixels.shape[-1] == 1 else pixels,
        reference=reference[plane],
        predicted=np.array(mask[plane]),
        dice={
            label: None if np.isnan(value) else float(value)
            for label, value in zip(table.labels, table.dice[row], strict=True)
        },
        spacing=spacing[1:],
        slice_index=plane,
        slices=len(reference),
        note="unlike the training images"
        if table.ood_flags is not None and table.ood_flags[row]
        else "",
    )


def _telling_plane(reference: Array, mask: Array) -> int:
    """The slice with most disagreement; of none, the one with most of the labels."""
    wrong: NDArray[np.int64] = np.array(
        [int((r != m).sum()) for r, m in zip(reference, mask, strict=True)]
    )
    if wrong.any():
        return int(wrong.argmax())
    return int(np.array([int((r > 0).sum()) for r in reference]).argmax())
