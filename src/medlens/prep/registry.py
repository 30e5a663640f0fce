"""Every step of preparation by name: its function, parameters and one line.

This table is the only place where a step becomes known to recipes; the plan and
the documents read it. Its rows for volumes stand in `registry_volume.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from medlens.prep import (
    crop,
    denoise,
    enhance,
    geometry,
    intensity,
    normalise,
    volume_crop,
    volume_values,
)
from medlens.prep import steps as made
from medlens.prep.parameters import Param
from medlens.prep.registered import SIDE, Registered, register
from medlens.prep.registry_volume import VOLUME_STEPS
from medlens.prep.stream import on_stream

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
    "fill_invalid": register(
        "intensity",
        made.fill_invalid,
        "replace NaN and infinite pixels; only as the first step",
        {"value": Param("number", "share of the span they become: 0 black", 0, 1)},
        alone="never",
    ),
    "display": register(
        "intensity",
        intensity.display,
        "as the file asks to be shown: VOI LUT, window, valid range, percentiles",
        {"low": PERCENT_LOW, "high": PERCENT_HIGH},
        windows=True,
        stream=volume_values.display,
    ),
    "unit": register(
        "intensity",
        intensity.unit,
        "the whole range that stored values could take becomes 0..1",
        needs="values",
        windows=True,
        stream=volume_values.unit,
    ),
    "percentile": register(
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
    "window": register(
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
    "multi_window": register(
        "intensity",
        intensity.multi_window,
        "one channel for each named CT window",
        {"presets": Param("words", "CT windows by name", choices=PRESETS)},
        needs="values",
        windows=True,
        alone="always",
    ),
    "invert": register(
        "intensity", intensity.invert, "exchange black and white", needs="windowed"
    ),
    "fixed_range": register(
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
    "z_score": register(
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
    "statistics": register(
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
    "to_grey": register(
        "colour", made.to_grey, "RGB to grey by luma; grey stays", alone="always"
    ),
    "to_rgb": register(
        "colour", made.to_rgb, "grey to three equal channels; RGB stays", alone="always"
    ),
    "to_ybr": register(
        "colour", made.to_ybr, "RGB to luma and two colour differences", windows=True
    ),
    "to_hsv": register(
        "colour", made.to_hsv, "RGB to hue, saturation and value", windows=True
    ),
    "to_lab": register(
        "colour", made.to_lab, "RGB to CIE L*a*b*, scaled to 0..1", windows=True
    ),
    "optical_density": register(
        "colour",
        made.to_optical_density,
        "−log10 of transmitted light, as a share of the largest density",
        {"largest": Param("number", "optical density that becomes 1", 0.1, 10)},
        windows=True,
    ),
    "stains": register(
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
    "select_channel": register(
        "colour",
        made.select_channel,
        "keep one channel",
        {"index": Param("integer", "0 is the first (red)", 0, 15)},
        alone="always",
    ),
    "median": register(
        "denoise",
        denoise.median,
        "median of a square window",
        {"size": Param("integer", "3 or 5; 7 and 9 are slow", 3, 9, odd=True)},
        on=made.on_array,
        alone="always",
    ),
    "gaussian": register(
        "denoise",
        denoise.gaussian,
        "Gaussian blur",
        {"sigma": Param("number", "in pixels", 0.05, 50)},
        on=made.on_array,
        alone="always",
    ),
    "bilateral": register(
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
    "nl_means": register(
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
    "total_variation": register(
        "denoise",
        denoise.total_variation,
        "smooth regions, sharp borders",
        {"weight": Param("number", "larger is smoother", 0.0001, 2)},
        on=made.on_span,
    ),
    "wavelet": register(
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
    "anisotropic": register(
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
    "clahe": register(
        "enhance",
        enhance.clahe,
        "local contrast, limited; all 16 bits kept",
        {
            "clip": Param("number", "multiple of a mean bin; 0 is no limit", 0, 100),
            "tiles": Param("integer", "along each side", 1, 64),
        },
        on=made.on_contrast,
    ),
    "equalise": register(
        "enhance",
        enhance.equalise,
        "global histogram equalisation",
        on=made.on_contrast,
    ),
    "match_histogram": register(
        "enhance",
        enhance.match_histogram,
        "give the image the grey-value distribution of a reference",
        {"quantiles": Param("numbers", "of the reference, evenly spaced", 0, 1)},
        on=made.on_contrast,
    ),
    "gamma": register(
        "enhance",
        enhance.gamma,
        "below 1 brightens the middle, above 1 darkens it",
        {"gamma": Param("number", "exponent", 0.05, 20)},
        on=made.on_contrast,
    ),
    "unsharp": register(
        "enhance",
        enhance.unsharp,
        "sharpen by an unsharp mask",
        {
            "sigma": Param("number", "of the blur, in pixels", 0.1, 50),
            "amount": Param("number", "0 changes nothing", 0, 10),
        },
        on=made.on_span,
    ),
    "resize": register(
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
    "resample": register(
        "geometry",
        geometry.resample,
        "to square pixels of a given size in mm",
        {"spacing": Param("number", "in mm", 0.01, 100), "filter": FILTER},
    ),
    "crop": register(
        "geometry",
        geometry.crop,
        "take so many pixels off each side",
        {
            name: Param("integer", "pixels", 0, geometry.LARGEST_SIDE)
            for name in ("top", "bottom", "left", "right")
        },
        alone="always",
    ),
    "crop_center": register(
        "geometry",
        geometry.crop_center,
        "keep the middle",
        {"height": SIDE, "width": SIDE},
        alone="always",
    ),
    "crop_border": register(
        "geometry",
        crop.crop_border,
        "take off even black or white borders",
        {
            "tolerance": Param("number", "what counts as even", 0, 0.3),
            "margin": MARGIN,
        },
        alone="never",
    ),
    "crop_body": register(
        "geometry",
        volume_crop.crop_body,
        "crop to the body; the whole image where it is not plain to see",
        {
            "margin": MARGIN,
            "slices": Param("flag", "leave out slices before and behind the body"),
        },
        on=on_stream,
    ),
    "crop_lungs": register(
        "geometry",
        crop.crop_lungs,
        "crop a chest image to the lungs, else to the body",
        {"margin": MARGIN},
        alone="never",
    ),
    "pad": register(
        "geometry",
        geometry.pad,
        "pad evenly to a size, or to a square where both are 0",
        {
            "height": Param("integer", "in pixels", 0, geometry.LARGEST_SIDE),
            "width": Param("integer", "in pixels", 0, geometry.LARGEST_SIDE),
            "fill": FILL,
        },
    ),
    "flip": register(
        "geometry",
        geometry.flip,
        "reverse one axis, geometry with it",
        {"axis": Param("word", "which", choices=("width", "height"))},
        alone="always",
    ),
    **VOLUME_STEPS,
}
