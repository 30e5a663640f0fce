"""A recipe's list of named steps, made into one function on images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from medlens.core import Image, PrepError, RecipeError
from medlens.prep.parameters import check_params, nearest
from medlens.prep.planes import to_known_depth
from medlens.prep.registry import STEPS
from medlens.recipe.settings import Step

LEAST_SIDE = 2
"""Smallest height and width that can be prepared, in pixels."""

MOST_STEPS = 64


@dataclass(frozen=True)
class Pipeline:
    """Source image → network input; the same in training and in service.

    Attributes:
        steps: as run, every parameter written out; building a pipeline from
            them gives the same pipeline.
    """

    steps: tuple[Step, ...]
    functions: tuple[Callable[[Image], Image], ...]

    def __call__(self, image: Image) -> Image:
        """The prepared image: float32 (C, D, H, W) in 0..1, stage "windowed".

        Its geometry places every pixel where it lies in the patient.

        Raises:
            PrepError: the image does not suit the steps; names the case, what
                was found and what to do.
        """
        image = _admit(image)
        if not (self.steps and self.steps[0].name == "fill_invalid"):
            _check_finite(image)
        for step, function in zip(self.steps, self.functions, strict=True):
            try:
                image = function(image)
            except (cv2.error, ValueError, ArithmeticError, MemoryError) as error:
                raise PrepError(
                    f"{image.case}: step '{step.name}' failed on "
                    f"{_describe(image)}: {type(error).__name__}; leave the step out "
                    "or the case"
                ) from error
        array = np.ascontiguousarray(image.array, dtype=np.float32)
        if not np.isfinite(array).all():
            raise PrepError(
                f"{image.case}: preparation gave values that are not finite; check "
                "the ranges in the recipe's prep.steps"
            )
        return image.with_array(np.clip(array, 0, 1))


def build_pipeline(steps: Sequence[Step]) -> Pipeline:
    """The pipeline that a recipe's `prep.steps` names.

    Where no step maps values onto 0..1, `display` is put in front (after
    `fill_invalid`).

    Args:
        steps: in the order in which they run; may be empty.

    Raises:
        RecipeError: an unknown step or parameter, a value out of range, or an
            order that cannot be right.
    """
    if len(steps) > MOST_STEPS:
        raise RecipeError(
            f"recipe.toml: prep.steps has {len(steps)} steps; wanted at most "
            f"{MOST_STEPS}"
        )
    checked = [
        _checked(step, f"recipe.toml: prep.steps[{i}]") for i, step in enumerate(steps)
    ]
    if not any(STEPS[step.name].windows for step in checked):
        at = 1 if checked and checked[0].name == "fill_invalid" else 0
        checked.insert(at, _checked(Step("display"), "recipe.toml: prep.steps"))
    _check_order(checked)
    functions = [partial(STEPS[step.name].run, **step.params) for step in checked]
    return Pipeline(tuple(checked), tuple(functions))


def _checked(step: Step, where: str) -> Step:
    if step.name not in STEPS:
        raise RecipeError(
            f"{where}.name '{step.name:.40}' is unknown; {nearest(step.name, STEPS)}"
        )
    params = check_params(step.params, STEPS[step.name].params, where=where)
    return Step(step.name, params)


def _check_order(steps: Sequence[Step]) -> None:
    mapped_by = ""
    for i, step in enumerate(steps):
        where, needs = f"recipe.toml: prep.steps[{i}]", STEPS[step.name].needs
        if step.name == "fill_invalid" and i:
            raise RecipeError(
                f"{where}: 'fill_invalid' must be the first step; move it"
            )
        if needs == "values" and mapped_by:
            raise RecipeError(
                f"{where}: '{step.name}' needs stored or rescaled values, but "
                f"'{mapped_by}' has mapped them onto 0..1; keep one of the two"
            )
        if needs == "windowed" and not mapped_by:
            raise RecipeError(
                f"{where}: '{step.name}' needs values in 0..1; put 'display' or "
                "another intensity step before it"
            )
        if STEPS[step.name].windows:
            mapped_by = step.name


def _admit(image: Image) -> Image:
    """The image at a depth that the steps know, if it can be prepared at all."""
    height, width = image.array.shape[2:]
    if 0 in image.array.shape or min(height, width) < LEAST_SIDE:
        raise PrepError(
            f"{image.case}: image is {height}×{width} pixels; wanted at least "
            f"{LEAST_SIDE}×{LEAST_SIDE}; leave the case out"
        )
    if image.array.dtype.kind not in "biuf":
        raise PrepError(
            f"{image.case}: pixels are of type {image.array.dtype}; wanted integers "
            "or floating point"
        )
    return image.with_array(to_known_depth(image.array))


def _check_finite(image: Image) -> None:
    if image.array.dtype.kind != "f":
        return
    bad = int(image.array.size - np.isfinite(image.array).sum())
    if bad:
        raise PrepError(
            f"{image.case}: {bad} of {image.array.size} pixels are NaN or infinite; "
            "put step 'fill_invalid' first, or leave the case out"
        )


def _describe(image: Image) -> str:
    channels, slices, height, width = image.array.shape
    return f"{channels}×{slices}×{height}×{width} {image.array.dtype}"
