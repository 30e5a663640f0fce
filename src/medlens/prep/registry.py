"""Every step of preparation by name: its function, parameters and one line.

This table is the only place where a step becomes known to recipes; the plan and
the documents read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from medlens.core import Image
from medlens.prep import (
    bias,
    crop,
    denoise,
    enhance,
    geometry,
    intensity,
    normalise,
    volume,
    volume_crop,
    volume_values,
)
from medlens.prep import rank as ranks
from medlens.prep import steps as made
from medlens.prep.parameters import Param, with_defaults
from medlens.prep.stream import Stream, on_stream

Needs = Literal["any", "values", "windowed"]
Alone = Literal["always", "windowed", "never"]


@dataclass(frozen=True)
class Registered:
    """A step that a recipe may name.

    Attributes:
        group: the page it stands on: colour, denoise, enhance, …
        text: what it does, one line.
        run: (image, **parameters) → image.
        params: name → Param, defaults filled in.
        needs: "values" for steps that must stand before the mapping onto 0..1,
            "windowed" for those after it, else "any".
        windows: True where the step itself maps onto 0..1.
        stream: the step on streams of slices, where it has to see the volume.
        alone: whether a slice can be prepared without the others: "windowed"
            where it can once values are in 0..1, because the step asks for the
            smallest and largest value before.
    """

    group: str
    text: str
    run: Callable[..., Image]
    params: Mapping[str, Param]
    needs: Needs = "any"
    windows: bool = False
    stream: Callable[..., Stream] | None = None
    alone: Alone = "windowed"


def _step(
    group: str,
    function: Callable[..., Any],
    text: str,
    params: Mapping[str, Param] | None = None,
    *,
    on: Callable[[Callable[..., Any]], Callable[..., Image]] = lambda f: f,
    needs: Needs = "any",
    windows: bool = False,
    stream: Callable[..., Stream] | None = None,
    alone: Alone = "windowed",
) -> Registered:
    table = with_defaults(function, params or {}, own=("span",))
    if on is on_stream:
        stream = function
    return Registered(group, text, on(function), table, needs, windows, stream, alone)


SIDE = Param("integer", "in pixels", 1, geometry.LARGEST_SIDE)
FILTER = Param(
    "word",
    "linear, cubic, area or nearest; all antialiased but the last",
    choices=("linear", "cubic", "area", "nearest"),
)
NOISE = Param("number", "noise as a share of black to white; 0 estimates it", 0, 1)
CLIP = Param("number", "standard deviations from the middle to 0 and to 1", 0.1, 20)
PERCENT_LOW = Param("number", "percentile that becomes 0", 0, 50)
PERCENT_HIGH = Param("number", "percentile that becomes 1", 50, 100)
MARGIN = Param("number", "kept around it, as a share of the image's side", 0, 0.5)
FILL = Param("number", "value of new pixels: 0 black, 1 white", 0, 1)
PRESETS = tuple(intensity.WINDOW_PRESETS)

STEPS: Mapping[str, Registered] = {
    "fill_invalid": _step(
        "intensity",
        made.fill_invalid,
        "replace NaN and infinite pixels; only as the first step",
        {"value": Param("number", "share of the span they become: 0 black", 0, 1)},
        alone="never",
    ),
    "display": _step(
        "intensity",
        intensity.display,
        "as the file asks to be shown: VOI LUT, window, valid range, percentiles",
        {"low": PERCENT_LOW, "high": PERCENT_HIGH},
        windows=True,
        stream=volume_values.display,
    ),
    "unit": _step(
        "intensity",
        intensity.unit,
        "the whole range that stored values could take becomes 0..1",
        needs="values",
        windows=True,
        stream=volume_values.unit,
    ),
    "percentile": _step(
        "intensity",
        volume_values.percentile,
        "two percentiles of the image itself become 0 and 1",
        {
            "low": PERCENT_LOW,
            "high": PERCENT_HIGH,
            "headroom": Param(
                "number", "share of 0..1 left for what lies above `high`", 0, 0.9
            ),
            "foreground": Param("flag", "leave the darkest value out of them"),
        },
        on=on_stream,
        windows=True,
    ),
    "window": _step(
        "intensity",
        intensity.window,
        "a window by centre and width, or by the name of a CT preset",
        {
            "center": Param("number", "in the unit of the values (HU for CT)"),
            "width": Param("number", "in the unit of the values", 0),
            "preset": Param("word", "CT window by name", choices=("", *PRESETS)),
            "function": Param(
                "word",
                "as in DICOM PS3.3 C.11.2",
                choices=("LINEAR", "LINEAR_EXACT", "SIGMOID"),
            ),
        },
        needs="values",
        windows=True,
        alone="always",
    ),
    "multi_window": _step(
        "intensity",
        intensity.multi_window,
        "one channel for each named CT window",
        {"presets": Param("words", "CT windows by name", choices=PRESETS)},
        needs="values",
        windows=True,
        alone="always",
    ),
    "invert": _step(
        "intensity", intensity.invert, "exchange black and white", needs="windowed"
    ),
    "fixed_range": _step(
        "normalise",
        normalise.fixed_range,
        "a fixed range of values becomes 0..1",
        {
            "low": Param("number", "value that becomes 0"),
            "high": Param("number", "value that becomes 1"),
        },
        windows=True,
        alone="always",
    ),
    "z_score": _step(
        "normalise",
        volume_values.z_score,
        "distance from the image's mean in standard deviations, as 0..1",
        {
            "clip": CLIP,
            "foreground": Param("flag", "leave the darkest value out of the mean"),
        },
        on=on_stream,
        windows=True,
    ),
    "statistics": _step(
        "normalise",
        normalise.statistics,
        "as z_score, with the mean and deviation of the training images",
        {
            "mean": Param("number", "of the training images, in the values' unit"),
            "deviation": Param("number", "of the training images", 1e-9),
            "clip": CLIP,
        },
        windows=True,
        alone="always",
    ),
    "to_grey": _step(
        "colour", made.to_grey, "RGB to grey by luma; grey stays", alone="always"
    ),
    "to_rgb": _step(
        "colour", made.to_rgb, "grey to three equal channels; RGB stays", alone="always"
    ),
    "to_ybr": _step(
        "colour", made.to_ybr, "RGB to luma and two colour differences", windows=True
    ),
    "to_hsv": _step(
        "colour", made.to_hsv, "RGB to hue, saturation and value", windows=True
    ),
    "to_lab": _step(
        "colour", made.to_lab, "RGB to CIE L*a*b*, scaled to 0..1", windows=True
    ),
    "optical_density": _step(
        "colour",
        made.to_optical_density,
        "−log10 of transmitted light, as a share of the largest density",
        {"largest": Param("number", "optical density that becomes 1", 0.1, 10)},
        windows=True,
    ),
    "stains": _step(
        "colour",
        made.stains,
        "amounts of the stains of a slide, one channel each",
        {
            "method": Param(
                "word",
                "published stain colours, or estimated from the slide",
                choices=("ruifrok", "macenko"),
            ),
            "keep": Param(
                "words",
                "stains to keep, in order",
                choices=("hematoxylin", "eosin", "dab"),
            ),
            "largest": Param("number", "optical density that becomes 1", 0.1, 10),
        },
        windows=True,
    ),
    "select_channel": _step(
        "colour",
        made.select_channel,
        "keep one channel",
        {"index": Param("integer", "0 is the first (red)", 0, 15)},
        alone="always",
    ),
    "median": _step(
        "denoise",
        denoise.median,
        "median of a square window",
        {"size": Param("integer", "3 or 5; 7 and 9 are slow", 3, 9, odd=True)},
        on=made.on_array,
        alone="always",
    ),
    "gaussian": _step(
        "denoise",
        denoise.gaussian,
        "Gaussian blur",
        {"sigma": Param("number", "in pixels", 0.05, 50)},
        on=made.on_array,
        alone="always",
    ),
    "bilateral": _step(
        "denoise",
        denoise.bilateral,
        "blur that stops at edges",
        {
            "size": Param("integer", "side of the window in pixels", 3, 25, odd=True),
            "sigma_space": Param("number", "in pixels", 0.1, 50),
            "sigma_value": Param("number", "share of black to white", 0.001, 1),
        },
        on=made.on_span,
    ),
    "nl_means": _step(
        "denoise",
        denoise.nl_means,
        "non-local means on 16-bit values",
        {
            "strength": Param("number", "in multiples of the noise", 0.1, 10),
            "noise": NOISE,
            "patch": Param("integer", "side of a patch", 3, 11, odd=True),
            "search": Param("integer", "side of the search window", 5, 35, odd=True),
        },
        on=made.on_span,
    ),
    "total_variation": _step(
        "denoise",
        denoise.total_variation,
        "smooth regions, sharp borders",
        {"weight": Param("number", "larger is smoother", 0.0001, 2)},
        on=made.on_span,
    ),
    "wavelet": _step(
        "denoise",
        denoise.wavelet,
        "shrink small wavelet coefficients",
        {
            "noise": NOISE,
            "wavelet": Param(
                "word",
                "family and order",
                choices=("haar", "db2", "db4", "sym4", "sym8", "coif2"),
            ),
        },
        on=made.on_span,
    ),
    "anisotropic": _step(
        "denoise",
        denoise.anisotropic,
        "diffusion that stops at edges",
        {
            "iterations": Param("integer", "time steps", 1, 200),
            "contrast": Param("number", "edge, as share of black to white", 0.001, 1),
            "rate": Param("number", "size of a time step", 0.01, 0.25),
        },
        on=made.on_span,
    ),
    "clahe": _step(
        "enhance",
        enhance.clahe,
        "local contrast, limited; all 16 bits kept",
        {
            "clip": Param("number", "multiple of a mean bin; 0 is no limit", 0, 100),
            "tiles": Param("integer", "along each side", 1, 64),
        },
        on=made.on_contrast,
    ),
    "equalise": _step(
        "enhance",
        enhance.equalise,
        "global histogram equalisation",
        on=made.on_contrast,
    ),
    "match_histogram": _step(
        "enhance",
        enhance.match_histogram,
        "give the image the grey-value distribution of a reference",
        {"quantiles": Param("numbers", "of the reference, evenly spaced", 0, 1)},
        on=made.on_contrast,
    ),
    "gamma": _step(
        "enhance",
        enhance.gamma,
        "below 1 brightens the middle, above 1 darkens it",
        {"gamma": Param("number", "exponent", 0.05, 20)},
        on=made.on_contrast,
    ),
    "unsharp": _step(
        "enhance",
        enhance.unsharp,
        "sharpen by an unsharp mask",
        {
            "sigma": Param("number", "of the blur, in pixels", 0.1, 50),
            "amount": Param("number", "0 changes nothing", 0, 10),
        },
        on=made.on_span,
    ),
    "resize": _step(
        "geometry",
        geometry.resize,
        "to a fixed number of pixels",
        {
            "height": SIDE,
            "width": SIDE,
            "mode": Param(
                "word",
                "stretch; fit keeps the shape and pads; cover keeps it and crops",
                choices=("stretch", "fit", "cover"),
            ),
            "filter": FILTER,
        },
    ),
    "resample": _step(
        "geometry",
        geometry.resample,
        "to square pixels of a given size in mm",
        {"spacing": Param("number", "in mm", 0.01, 100), "filter": FILTER},
    ),
    "crop": _step(
        "geometry",
        geometry.crop,
        "take so many pixels off each side",
        {
            name: Param("integer", "pixels", 0, geometry.LARGEST_SIDE)
            for name in ("top", "bottom", "left", "right")
        },
        alone="always",
    ),
    "crop_center": _step(
        "geometry",
        geometry.crop_center,
        "keep the middle",
        {"height": SIDE, "width": SIDE},
        alone="always",
    ),
    "crop_border": _step(
        "geometry",
        crop.crop_border,
        "take off even black or white borders",
        {
            "tolerance": Param("number", "what counts as even", 0, 0.3),
            "margin": MARGIN,
        },
        alone="never",
    ),
    "crop_body": _step(
        "geometry",
        volume_crop.crop_body,
        "crop to the body; the whole image where it is not plain to see",
        {
            "margin": MARGIN,
            "slices": Param("flag", "leave out slices before and behind the body"),
        },
        on=on_stream,
    ),
    "crop_lungs": _step(
        "geometry",
        crop.crop_lungs,
        "crop a chest image to the lungs, else to the body",
        {"margin": MARGIN},
        alone="never",
    ),
    "pad": _step(
        "geometry",
        geometry.pad,
        "pad evenly to a size, or to a square where both are 0",
        {
            "height": Param("integer", "in pixels", 0, geometry.LARGEST_SIDE),
            "width": Param("integer", "in pixels", 0, geometry.LARGEST_SIDE),
            "fill": FILL,
        },
    ),
    "flip": _step(
        "geometry",
        geometry.flip,
        "reverse one axis, geometry with it",
        {"axis": Param("word", "which", choices=("width", "height"))},
        alone="always",
    ),
    "resample_volume": _step(
        "volume",
        volume.resample_volume,
        "to voxels of a given size in mm",
        {
            "spacing": Param(
                "numbers", "mm along D, H, W; 0 leaves an axis", 0, 100, count=3
            ),
            "filter": Param(
                "word", "antialiased where it shrinks", choices=("linear", "cubic")
            ),
            "coarse": Param(
                "word",
                "along D where slices lie more than 3 times as far apart as pixels",
                choices=("linear", "nearest", "same"),
            ),
            "uncalibrated": Param(
                "word", "files without a physical size", choices=("refuse", "keep")
            ),
        },
        on=on_stream,
    ),
    "fit_volume": _step(
        "volume",
        volume.fit_volume,
        "to a fixed number of voxels",
        {
            "depth": SIDE,
            "height": SIDE,
            "width": SIDE,
            "mode": Param(
                "word",
                "stretch; fit keeps the shape and pads; crop_pad does not scale",
                choices=("stretch", "fit", "crop_pad"),
            ),
        },
        on=on_stream,
    ),
    "bias_correct": _step(
        "volume",
        bias.bias_correct,
        "divide MR by its slow drift of brightness (N4); needs SimpleITK",
        {
            "shrink": Param("integer", "factor of the copy it is estimated on", 1, 16),
            "iterations": Param("integer", "at most, at each level", 1, 200),
            "levels": Param("integer", "of the field's grid", 1, 5),
        },
        on=on_stream,
    ),
    "rank": _step(
        "normalise",
        ranks.rank,
        "each channel's values as their rank among the foreground, over the volume",
        {
            "background": Param(
                "number",
                "share of the range, from the darkest up, that is none",
                0,
                0.5,
            )
        },
        on=on_stream,
        windows=True,
    ),
    "nyul": _step(
        "normalise",
        volume_values.nyul,
        "percentiles of an MR volume laid on those of the training volumes",
        {
            "landmarks": Param(
                "numbers", "eleven, growing; from fit_nyul", 0, 1, count=11
            ),
            "foreground": Param("flag", "count what is above the mean only"),
        },
        on=on_stream,
        windows=True,
    ),
}
