"""Test cases to look at where voxels are labelled: worst, middle and best."""

from __future__ import annotations

import numpy as np

from medlens.core import Array, Image, MedlensError
from medlens.datasets import Manifest, open_case, open_mask
from medlens.evaluate import MaskTable, pick_cases
from medlens.experiment.collect_masks import predict_kept, spacing_of
from medlens.experiment.kept_masks import KeptMasks
from medlens.experiment.slices import one_slice
from medlens.predict import MaskPredictor
from medlens.prep import build_pipeline
from medlens.recipe import Step
from medlens.report import MaskExample, find_telling_plane
from medlens.report.mask_example import Rank


def make_mask_examples(
    predictor: MaskPredictor,
    manifest: Manifest,
    table: MaskTable,
    *,
    kept: KeptMasks | None = None,
) -> list[MaskExample]:
    """The plane with most disagreement of the worst, middle and best cases.

    A case that cannot be opened any more is left out.
    """
    places = {case.key: i for i, case in enumerate(manifest.cases)}
    examples: list[MaskExample] = []
    for row, rank in pick_cases(table):
        case = manifest.cases[places[table.cases[row]]]
        try:
            image = open_case(case)
            reference = open_mask(case, manifest.mask_values, image=image)
            answer = predict_kept(predictor, image, kept)
        except MedlensError:
            continue
        examples.append(_example(table, row, rank, image, reference, answer.mask))
    return examples


def _example(
    table: MaskTable, row: int, rank: Rank, image: Image, reference: Array, mask: Array
) -> MaskExample:
    plane = find_telling_plane(reference, mask)
    spacing = spacing_of(image) or (1.0, 1.0, 1.0)
    is_strange = table.ood_flags is not None and bool(table.ood_flags[row])
    return MaskExample(
        case=table.cases[row],
        rank=rank,
        plane=_picture(one_slice(image, plane)),
        reference=reference[plane],
        predicted=np.array(mask[plane]),
        dice={
            label: None if np.isnan(value) else float(value)
            for label, value in zip(table.labels, table.dice[row], strict=True)
        },
        spacing=spacing[1:],
        slice_index=plane,
        slices=len(reference),
        note="unlike the training images" if is_strange else "",
    )


def _picture(image: Image) -> Array:
    """(H, W) or (H, W, 3) uint8, as a reader would see it."""
    shown = build_pipeline((Step("display", {}),))(image).array[:, 0]
    pixels = np.rint(np.moveaxis(shown, 0, -1) * 255).astype(np.uint8)
    grey: Array = pixels[..., 0]
    return grey if pixels.shape[-1] == 1 else pixels[..., :3]
