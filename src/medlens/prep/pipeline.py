"""A recipe's list of named steps, made into one function on images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np

from medlens.core import Array, Image, PrepError, RecipeError, release
from medlens.prep.parameters import check_params, nearest
from medlens.prep.planes import to_known_depth
from medlens.prep.registry import STEPS
from medlens.prep.stream import Stream, collect
from medlens.recipe.settings import Step

LEAST_SIDE = 2
"""Smallest height and width that can be prepared, in pixels."""

MOST_STEPS = 64

RESULT_DTYPES = (np.float32, np.float16, np.uint8, np.uint16)

Allocate = Callable[[tuple[int, int, int, int]], Array]
"""(C, D, H, W) → a writable array of that shape."""


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
        self._check_finite(Stream.of(image))
        for step, function in zip(self.steps, self.functions, strict=True):
            with _explained(step, image):
                image = function(image)
        array = np.ascontiguousarray(image.array, dtype=np.float32)
        if not np.isfinite(array).all():
            raise _not_finite(image)
        return image.with_array(np.clip(array, 0, 1))

    def run_volume(self, image: Image, *, allocate: Allocate | None = None) -> Image:
        """As a call, but slab by slab: little more than source and result in memory.

        Steps that see whole volumes at once (`fill_invalid`, `crop_border`,
        `crop_lungs`, and filters before the mapping onto 0..1) still make one.

        Args:
            image: as for a call.
            allocate: (C, D, H, W) → array to fill, of float32, float16, uint8 or
                uint16; a memory-mapped file, say. None makes float32 in memory.

        Returns:
            The prepared image on that array. Floats are in 0..1, stage
            "windowed". Whole numbers are value · largest, rounded: their stage is
            "stored", and `valid_max` is the number that stands for 1.

        Raises:
            PrepError: as for a call.
            ValueError: `allocate` gave another shape, or a dtype that is not
                named above.
        """
        stream = Stream.of(_admit(image))
        self._check_finite(stream)
        for step, function in zip(self.steps, self.functions, strict=True):
            with _explained(step, stream.head):
                stream = _then(stream, step, function)
        array = _allocated(allocate, stream.shape)
        largest = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 0
        with _explained(self.steps[-1], stream.head):
            for first, last, slab in stream.slabs():
                values = slab.array.astype(np.float32, copy=False)
                if not np.isfinite(values).all():
                    raise _not_finite(image)
                values = np.clip(values, 0, 1)
                array[:, first:last] = np.rint(values * largest) if largest else values
                release(array)  # written to its file, where it has one
        return stream.head.with_array(array, **_coded(largest))

    def _check_finite(self, stream: Stream) -> None:
        head = stream.head
        fills = bool(self.steps) and self.steps[0].name == "fill_invalid"
        if fills or head.array.dtype.kind != "f":
            return
        bad = sum(
            int(slab.array.size - np.isfinite(slab.array).sum())
            for _, _, slab in stream.slabs()
        )
        if bad:
            raise PrepError(
                f"{head.case}: {bad} of {math.prod(stream.shape)} pixels are NaN or "
                "infinite; put step 'fill_invalid' first, or leave the case out"
            )


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


def _then(stream: Stream, step: Step, function: Callable[[Image], Image]) -> Stream:
    """The stream after one step; in memory where it cannot be had in slabs."""
    row = STEPS[step.name]
    if row.stream is not None:
        return row.stream(stream, **step.params)
    is_windowed = stream.head.stage == "windowed"
    if row.alone == "always" or (row.alone == "windowed" and is_windowed):
        return stream.then(function)
    return Stream.of(function(collect(stream)))


def _allocated(allocate: Allocate | None, shape: tuple[int, int, int, int]) -> Array:
    if allocate is None:
        return np.empty(shape, dtype=np.float32)
    array = allocate(shape)
    if array.shape != shape or array.dtype not in RESULT_DTYPES:
        raise ValueError(
            f"allocate gave {array.shape} of {array.dtype}; wanted {shape} of float32, "
            "float16, uint8 or uint16"
        )
    return array


def _coded(largest: int) -> dict[str, Any]:
    """Fields of an image whose whole numbers stand for 0..1."""
    if not largest:
        return {"stage": "windowed"}
    return {
        "stage": "stored",
        "bits_stored": largest.bit_length(),
        "valid_min": 0.0,
        "valid_max": float(largest),
        "voi": None,
    }


@contextmanager
def _explained(step: Step, image: Image) -> Iterator[None]:
    """Failures of libraries as a PrepError that names the case and the step."""
    try:
        yield
    except (cv2.error, ValueError, ArithmeticError, MemoryError) as error:
        raise PrepError(
            f"{image.case}: step '{step.name}' failed on {_describe(image)}: "
            f"{type(error).__name__}; leave the step out or the case"
        ) from error


def _not_finite(image: Image) -> PrepError:
    return PrepError(
        f"{image.case}: preparation gave values that are not finite; check the ranges "
        "in the recipe's prep.steps"
    )


def _describe(image: Image) -> str:
    channels, slices, height, width = image.array.shape
    return f"{channels}×{slices}×{height}×{width} {image.array.dtype}"
