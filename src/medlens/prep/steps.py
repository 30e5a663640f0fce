"""Array functions as steps on images: units, channels and stage kept true."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from medlens.core import Array, Image, PrepError
from medlens.prep import colour
from medlens.prep.planes import to_unit, value_span

ArrayStep = Callable[..., Array]
ImageStep = Callable[..., Image]


def on_array(function: ArrayStep) -> ImageStep:
    """A step from an array function that knows no units."""

    def run(image: Image, **params: object) -> Image:
        return image.with_array(function(image.array, **params))

    return run


def on_span(function: ArrayStep) -> ImageStep:
    """A step from an array function that wants to know black and white."""

    def run(image: Image, **params: object) -> Image:
        array = function(image.array, span=value_span(image), **params)
        return image.with_array(array)

    return run


def on_contrast(function: ArrayStep) -> ImageStep:
    """As `on_span`, for steps after which the file's own window means nothing."""

    def run(image: Image, **params: object) -> Image:
        low, high = value_span(image)
        array = function(image.array, span=(low, high), **params)
        return image.with_array(array, voi=None, valid_min=low, valid_max=high)

    return run


def fill_invalid(image: Image, *, value: float = 0.0) -> Image:
    """NaN and infinite pixels replaced by a share of the finite values' range.

    Raises:
        PrepError: no pixel is finite.
    """
    if image.array.dtype.kind != "f":
        return image
    valid = np.isfinite(image.array)
    if valid.all():
        return image
    if not valid.any():
        raise PrepError(
            f"{image.case}: no pixel is finite; leave the case out or export it again"
        )
    low, high = float(image.array[valid].min()), float(image.array[valid].max())
    filled = np.where(valid, image.array, np.float32(low + value * (high - low)))
    return image.with_array(filled.astype(np.float32))


def to_grey(image: Image) -> Image:
    """Luma of RGB, in unit and dtype of the input; grey is handed through."""
    if image.array.shape[0] == 1:
        return image
    _check_rgb(image, "to_grey")
    return image.with_array(colour.rgb_to_grey(image.array))


def to_rgb(image: Image) -> Image:
    """Three channels: grey repeated, RGB handed through."""
    if image.array.shape[0] not in (1, 3):
        _check_rgb(image, "to_rgb")
    return image.with_array(colour.grey_to_rgb(image.array))


def to_ybr(image: Image) -> Image:
    """YBR_FULL in 0..1."""
    return _converted(image, "to_ybr", colour.rgb_to_ybr)


def to_hsv(image: Image) -> Image:
    """Hue, saturation and value in 0..1."""
    return _converted(image, "to_hsv", colour.rgb_to_hsv)


def to_lab(image: Image) -> Image:
    """CIE L*a*b* scaled to 0..1."""
    return _converted(image, "to_lab", colour.rgb_to_lab)


def to_optical_density(image: Image, *, largest: float = 2.0) -> Image:
    """Optical density of each channel; `largest` becomes 1."""
    light = np.clip(to_unit(image.array, value_span(image)), 0, 1)
    density = colour.optical_density(light) / np.float32(largest)
    return _windowed(image, density)


def stains(
    image: Image,
    *,
    method: str = "ruifrok",
    keep: Sequence[str] = ("hematoxylin", "eosin"),
    largest: float = 2.0,
) -> Image:
    """Stain amounts, one channel each; optical density `largest` becomes 1.

    "ruifrok" unmixes the stains in `keep` (two or three are unmixed against one
    another; one alone against its partner eosin or hematoxylin). "macenko"
    estimates hematoxylin and eosin from this slide; it knows no third stain.

    Raises:
        PrepError: the image is not RGB, or Macenko is asked for DAB.
    """
    from medlens.prep.stain import estimate_stains, separate_stains, stain_matrix

    _check_rgb(image, "stains")
    light = np.clip(to_unit(image.array, value_span(image)), 0, 1)
    names = list(dict.fromkeys(keep))
    known = ["hematoxylin", "eosin", "dab"]
    if method == "macenko":
        if "dab" in names:
            raise PrepError(
                f"{image.case}: step 'stains' by method macenko finds hematoxylin and "
                "eosin only; drop 'dab' or use method ruifrok"
            )
        order, matrix = known, estimate_stains(light)
    else:
        partner = "eosin" if names == ["hematoxylin"] else "hematoxylin"
        order = names if len(names) > 1 else [*names, partner]
        matrix = stain_matrix(*order)
    amounts = separate_stains(light, matrix=matrix)
    chosen = amounts[[order.index(name) for name in names]]
    return _windowed(image, chosen / np.float32(largest))


def select_channel(image: Image, *, index: int = 0) -> Image:
    """One channel of the image.

    Raises:
        PrepError: the image has no such channel.
    """
    count = image.array.shape[0]
    if index >= count:
        raise PrepError(
            f"{image.case}: step 'select_channel' wants channel {index}, the image "
            f"has {count}; choose 0..{count - 1}"
        )
    return image.with_array(colour.select_channel(image.array, index=index))


def _converted(image: Image, step: str, convert: Callable[[Array], Array]) -> Image:
    _check_rgb(image, step)
    light = np.clip(to_unit(image.array, value_span(image)), 0, 1)
    return _windowed(image, convert(light))


def _check_rgb(image: Image, step: str) -> None:
    count = image.array.shape[0]
    if count != 3:
        raise PrepError(
            f"{image.case}: step '{step}' needs 3 channels (RGB), found {count}; "
            "leave the step out for grey images, or put 'to_rgb' before it"
        )


def _windowed(image: Image, array: Array) -> Image:
    return image.with_array(
        np.clip(array, 0, 1).astype(np.float32, copy=False),
        stage="windowed",
        voi=None,
        valid_min=0.0,
        valid_max=1.0,
    )
