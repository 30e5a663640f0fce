"""Random changes of training images that can be repeated exactly.

What happens to a case depends on the seed, the epoch and the case's index alone,
never on what was drawn before: a run that was stopped goes on as if it had not
been, and cases may be prepared in any order or number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.core import Array
from medlens.prep import augment_channels as channels
from medlens.prep import augment_space as space
from medlens.prep import augment_tone as tone
from medlens.prep.augment_space import Draw, Shape
from medlens.prep.augment_step import check_steps, draw_steps, limit, with_chance
from medlens.prep.parameters import Param
from medlens.recipe.settings import Step


@dataclass(frozen=True)
class RegisteredAugment:
    """A random change that a recipe may name.

    Attributes:
        group: "place" or "tone".
        text: what it does, one line.
        draw: (rng, shape (C, H, W), **parameters) → numbers of one change.
        apply: (array (C, H, W), **numbers) → array.
        params: name → Param; `p`, the probability of the change, among them.
    """

    group: str
    text: str
    draw: Callable[..., Draw]
    apply: Callable[..., Array]
    params: Mapping[str, Param]


def _augment(
    group: str, name: str, text: str, params: Mapping[str, Param], *, p: float
) -> RegisteredAugment:
    module: Any = {"place": space, "tone": tone}[group]
    if name.startswith("channel_"):
        module = channels
    draw, apply = getattr(module, f"draw_{name}"), getattr(module, f"apply_{name}")
    table = with_chance(draw, params, p=p)
    return RegisteredAugment(group, text, draw, apply, table)


AUGMENTS: Mapping[str, RegisteredAugment] = {
    "affine": _augment(
        "place",
        "affine",
        "rotation, scale, shift and shear in one interpolation",
        {
            "rotate": limit("largest angle in degrees, either way", 180),
            "scale": limit("0.1 draws a factor between 1/1.1 and 1.1", 2),
            "translate": limit("largest shift as a share of each side", 0.5),
            "shear": limit("largest angle in degrees, either way", 45),
            "border": Param(
                "word", "what comes in from outside", choices=tuple(space.BORDERS)
            ),
        },
        p=1.0,
    ),
    "horizontal_flip": _augment(
        "place",
        "horizontal_flip",
        "left and right exchanged; never where laterality matters",
        {},
        p=0.5,
    ),
    "vertical_flip": _augment(
        "place",
        "vertical_flip",
        "top and bottom exchanged; for images without an up",
        {},
        p=0.5,
    ),
    "rot90": _augment(
        "place", "rot90", "quarter turns; half turns where not square", {}, p=1.0
    ),
    "elastic": _augment(
        "place",
        "elastic",
        "smooth bending by random shifts on a coarse grid",
        {
            "amount": limit("deviation of a shift as a share of each side", 0.2),
            "grid": Param("integer", "cells along each side", 2, 32),
        },
        p=0.2,
    ),
    "cutout": _augment(
        "place",
        "cutout",
        "boxes filled with the image's mean",
        {
            "size": Param("number", "largest side, as a share", 0.01, 0.9),
            "count": Param("integer", "boxes", 1, 32),
        },
        p=0.2,
    ),
    "brightness": _augment(
        "tone",
        "brightness",
        "all values shifted",
        {"limit": limit("largest shift, black to white is 1", 1)},
        p=0.5,
    ),
    "contrast": _augment(
        "tone",
        "contrast",
        "distance from the image's mean scaled",
        {"limit": limit("0.2 draws a factor between 1/1.2 and 1.2", 5)},
        p=0.5,
    ),
    "gamma": _augment(
        "tone",
        "gamma",
        "value to a power",
        {"limit": limit("0.2 draws an exponent between 1/1.2 and 1.2", 5)},
        p=0.5,
    ),
    "noise": _augment(
        "tone",
        "noise",
        "Gaussian noise added",
        {"sigma": limit("largest deviation, black to white is 1", 1)},
        p=0.2,
    ),
    "blur": _augment(
        "tone",
        "blur",
        "Gaussian blur",
        {"sigma": Param("number", "largest, in pixels", 0.1, 20)},
        p=0.1,
    ),
    "sharpen": _augment(
        "tone",
        "sharpen",
        "unsharp mask",
        {"amount": limit("largest amount", 10)},
        p=0.1,
    ),
    "low_resolution": _augment(
        "tone",
        "low_resolution",
        "as seen by a detector with larger pixels",
        {"factor": Param("number", "largest factor", 1, 16)},
        p=0.1,
    ),
    "colour_jitter": _augment(
        "tone",
        "colour_jitter",
        "hue turned and saturation scaled; grey images stay",
        {
            "hue": limit("largest turn in degrees", 180),
            "saturation": limit("0.2 draws a factor between 1/1.2 and 1.2", 5),
        },
        p=0.5,
    ),
    "channel_tone": _augment(
        "tone",
        "channel_tone",
        "gamma, gain and shift of each channel on its own; black stays black",
        {
            "gamma": limit("0.6 draws an exponent between 1/1.6 and 1.6", 5),
            "gain": limit("0.3 draws a factor between 1/1.3 and 1.3", 5),
            "shift": limit("largest shift, black to white is 1", 1),
        },
        p=0.8,
    ),
    "channel_gap": _augment(
        "tone",
        "channel_gap",
        "a channel replaced by another, as where a scan was not recorded",
        {},
        p=0.3,
    ),
}


@dataclass(frozen=True)
class Augment:
    """Random changes in a fixed order.

    Attributes:
        steps: as run, every parameter written out.
        seed: 0 or above.
    """

    steps: tuple[Step, ...]
    seed: int

    def __call__(self, array: Array, *, epoch: int, index: int) -> Array:
        """A changed copy of one case.

        Args:
            array: (C, H, W) float32 in 0..1; left as it is.
            epoch, index: 0 or above; with the seed they fix what happens.

        Returns:
            (C, H, W) float32 in 0..1, contiguous, memory of its own.
        """
        shape: Shape = array.shape
        return self.apply(array, self.draw(shape, epoch=epoch, index=index))

    def draw(self, shape: Shape, *, epoch: int, index: int) -> list[tuple[str, Draw]]:
        """Names and numbers of the changes of one case, in order."""
        rng = np.random.default_rng((self.seed, epoch, index))
        return draw_steps(self.steps, AUGMENTS, rng, shape)

    def apply(self, array: Array, drawn: Sequence[tuple[str, Draw]]) -> Array:
        """The changes done; the same numbers give the same result."""
        result = np.ascontiguousarray(array, dtype=np.float32)
        for name, numbers in drawn:
            result = AUGMENTS[name].apply(result, **numbers)
        clipped: Array = np.clip(result, np.float32(0), np.float32(1))
        return clipped

    def batch(self, arrays: Array, *, epoch: int, indices: Sequence[int]) -> Array:
        """(B, C, H, W): each case as it comes out alone.

        Args:
            arrays: (B, C, H, W) float32 in 0..1.
            epoch: 0 or above.
            indices: index of each case.
        """
        result = np.empty(arrays.shape, dtype=np.float32)
        for b, index in enumerate(indices):
            result[b] = self(arrays[b], epoch=epoch, index=int(index))
        return result


def build_augment(steps: Sequence[Step], *, seed: int) -> Augment:
    """The random changes that a recipe's `augment.steps` names.

    Args:
        steps: in the order in which they run; may be empty.
        seed: 0 or above.

    Raises:
        RecipeError: an unknown step or parameter, or a value out of range.
    """
    return Augment(check_steps(steps, AUGMENTS, seed=seed), seed)
