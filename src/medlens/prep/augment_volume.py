"""Random changes of volumes and their masks that can be repeated exactly.

What happens to a case depends on the seed, the epoch and the case's index alone,
as in `augment.py`. Affine and elastic changes are one interpolation; a mask goes
the same way by the nearest voxel, and changes of tone leave it alone. A 2D image
is a volume of one slice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from medlens.core import Array, RecipeError
from medlens.prep import volume_place as place
from medlens.prep import volume_tone as tone
from medlens.prep.augment import AUGMENTS
from medlens.prep.augment_space import Draw
from medlens.prep.augment_step import check_steps, draw_steps, limit, with_chance
from medlens.prep.parameters import Param
from medlens.prep.volume_place import Frame
from medlens.prep.warp import BORDERS, Warp, warp
from medlens.recipe.settings import Step


@dataclass(frozen=True)
class RegisteredVolumeAugment:
    """A random change of volumes that a recipe may name.

    Attributes:
        group: "warp" (one interpolation), "place" (no interpolation) or "tone".
        text: what it does, one line.
        draw: (rng, frame, **parameters) → numbers of one change.
        apply: (array, **numbers) → array; for "warp" (**numbers) → Warp.
        params: name → Param; `p`, the probability of the change, among them.
    """

    group: str
    text: str
    draw: Callable[..., Draw]
    apply: Callable[..., Array] | None
    params: Mapping[str, Param]


def _augment(
    group: str, name: str, text: str, params: Mapping[str, Param], *, p: float
) -> RegisteredVolumeAugment:
    module: ModuleType = tone if group == "tone" else place
    draw = getattr(module, f"draw_{name}")
    apply = None if group == "warp" else getattr(module, f"apply_{name}")
    table = with_chance(draw, params, p=p)
    return RegisteredVolumeAugment(group, text, draw, apply, table)


def _of_planes(name: str) -> RegisteredVolumeAugment:
    """A change of single values, as `AUGMENTS` has it, on all slices at once."""
    known = AUGMENTS[name]

    def draw(rng: np.random.Generator, frame: Frame, **params: float) -> Draw:
        channels, depth, height, width = frame.shape
        return known.draw(rng, (channels, depth * height, width), **params)

    def apply(array: Array, **numbers: float) -> Array:
        # (C, D, H, W) -> (C, D*H, W) and back
        flat = array.reshape(array.shape[0], -1, array.shape[-1])
        return known.apply(flat, **numbers).reshape(array.shape)

    return RegisteredVolumeAugment("tone", known.text, draw, apply, known.params)


VOLUME_AUGMENTS: Mapping[str, RegisteredVolumeAugment] = {
    "affine": _augment(
        "warp",
        "affine",
        "rotation about each axis, scale and shift, in the elastic's interpolation",
        {
            "rotate": limit("largest angle in degrees about each axis", 180),
            "scale": limit("0.1 draws a factor between 1/1.1 and 1.1", 2),
            "translate": limit("largest shift as a share of each side", 0.5),
            "border": Param("word", "what comes in from outside", choices=BORDERS),
        },
        p=1.0,
    ),
    "elastic": _augment(
        "warp",
        "elastic",
        "smooth bending by random shifts on a coarse grid",
        {
            "amount": limit("deviation of a shift as a share of each side", 0.2),
            "grid": Param("integer", "cells along each side", 1, 16),
        },
        p=0.3,
    ),
    "horizontal_flip": _augment(
        "place",
        "horizontal_flip",
        "W reversed; never where laterality matters",
        {},
        p=0.5,
    ),
    "vertical_flip": _augment("place", "vertical_flip", "H reversed", {}, p=0.5),
    "depth_flip": _augment(
        "place", "depth_flip", "the slices in reverse order", {}, p=0.5
    ),
    "rot90": _augment(
        "place",
        "rot90",
        "quarter turns within slices; half turns where not square",
        {},
        p=1.0,
    ),
    "brightness": _of_planes("brightness"),
    "contrast": _of_planes("contrast"),
    "gamma": _of_planes("gamma"),
    "noise": _of_planes("noise"),
    "colour_jitter": _of_planes("colour_jitter"),
    "channel_tone": _of_planes("channel_tone"),
    "channel_gap": _of_planes("channel_gap"),
    "bias_field": _augment(
        "tone",
        "bias_field",
        "brightness that drifts across the volume, as MR coils make it",
        {
            "amount": limit("deviation of the field's logarithm", 2),
            "grid": Param("integer", "cells along each side", 1, 8),
        },
        p=0.3,
    ),
    "blur": _augment(
        "tone",
        "blur",
        "Gaussian blur, equally wide in mm along each axis",
        {"sigma": Param("number", "largest, in pixels of a slice", 0.1, 20)},
        p=0.1,
    ),
    "low_resolution": _augment(
        "tone",
        "low_resolution",
        "as seen with larger voxels",
        {"factor": Param("number", "largest factor", 1, 16)},
        p=0.1,
    ),
    "anisotropy": _augment(
        "tone",
        "anisotropy",
        "as seen with voxels that are longer along one axis",
        {"factor": Param("number", "largest factor", 1, 16)},
        p=0.1,
    ),
}


@dataclass(frozen=True)
class VolumeAugment:
    """Random changes of a volume and its mask.

    Attributes:
        steps: as run, every parameter written out.
        seed: 0 or above.
        spacing: mm between voxels along D, H, W. Where slices lie more than
            `volume.COARSE` times as far apart as pixels, they are tilted
            little and never bent or blurred into one another.
    """

    steps: tuple[Step, ...]
    seed: int
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __call__(
        self, array: Array, mask: Array | None = None, *, epoch: int, index: int
    ) -> tuple[Array, Array | None]:
        """A changed copy of one case and of its mask.

        Args:
            array: (C, D, H, W) float32 in 0..1; left as it is.
            mask: (D, H, W) uint8 of label indices, or None.
            epoch, index: 0 or above; with the seed they fix what happens.

        Returns:
            (C, D, H, W) float32 in 0..1 and (D, H, W) uint8 or None, contiguous,
            memory of their own.

        Raises:
            ValueError: the mask is not on the array's grid.
        """
        if array.ndim != 4 or (mask is not None and mask.shape != array.shape[1:]):
            found = "none" if mask is None else mask.shape
            raise ValueError(
                f"volume is {array.shape} and its mask {found}; wanted (C, D, H, W) "
                "and (D, H, W)"
            )
        return self.apply(array, mask, self.draw(array.shape, epoch=epoch, index=index))

    def draw(
        self, shape: tuple[int, ...], *, epoch: int, index: int
    ) -> list[tuple[str, Draw]]:
        """Names and numbers of the changes of one case (C, D, H, W), in order."""
        rng = np.random.default_rng((self.seed, epoch, index))
        channels, depth, height, width = shape
        frame = Frame((channels, depth, height, width), self.spacing)
        return draw_steps(self.steps, VOLUME_AUGMENTS, rng, frame)

    def apply(
        self, array: Array, mask: Array | None, drawn: Sequence[tuple[str, Draw]]
    ) -> tuple[Array, Array | None]:
        """The changes done; the same numbers give the same result.

        Affine and elastic changes are done together, where the first of them
        stands.
        """
        result = np.array(array, dtype=np.float32)
        labels = None if mask is None else np.array(mask)
        how = _joined([numbers for name, numbers in drawn if _is_warp(name)])
        for name, numbers in drawn:
            if _is_warp(name):
                if how is not None:
                    result, labels = warp(result, labels, how)
                how = None
                continue
            change = VOLUME_AUGMENTS[name].apply
            assert change is not None
            result = change(result, **numbers)
            if labels is not None and VOLUME_AUGMENTS[name].group == "place":
                labels = change(labels[None], **numbers)[0]
        return np.clip(result, np.float32(0), np.float32(1), out=result), labels


def build_volume_augment(
    steps: Sequence[Step],
    *,
    seed: int,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> VolumeAugment:
    """The random changes of volumes that a recipe's `augment.steps` names.

    Args:
        steps: in the order in which they run; may be empty.
        seed: 0 or above.
        spacing: mm between voxels of the prepared volumes along D, H, W; only
            their ratios matter.

    Raises:
        RecipeError: an unknown step or parameter, or a value out of range.
    """
    checked = check_steps(steps, VOLUME_AUGMENTS, seed=seed, kind="for volumes")
    if len(spacing) != 3 or not all(np.isfinite(mm) and mm > 0 for mm in spacing):
        raise RecipeError(
            f"recipe.toml: net.spacing is {list(spacing)!s:.80}; wanted three numbers "
            "above 0 in the order D, H, W"
        )
    d, h, w = (float(mm) for mm in spacing)
    return VolumeAugment(checked, seed, (d, h, w))


def _is_warp(name: str) -> bool:
    return VOLUME_AUGMENTS[name].group == "warp"


def _joined(changes: Sequence[Draw]) -> Warp | None:
    """Affine and elastic changes as one: all matrices, all shifts added."""
    if not changes:
        return None
    matrix, bend, border = np.eye(4), None, "edge"
    for change in changes:
        if "matrix" in change:
            matrix = matrix @ np.vstack([change["matrix"], [0, 0, 0, 1]])
            border = change["border"]
        elif bend is None or bend.shape == change["shifts"].shape:
            bend = change["shifts"] if bend is None else bend + change["shifts"]
    return Warp(matrix[:3], bend, border)
