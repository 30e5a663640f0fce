"""The steps for volumes by name; `registry.py` takes them up after its own."""

from __future__ import annotations

from collections.abc import Mapping

from medlens.prep import bias, volume, volume_values
from medlens.prep import rank as ranks
from medlens.prep.parameters import Param
from medlens.prep.registered import SIDE, Registered, register
from medlens.prep.stream import on_stream

VOLUME_STEPS: Mapping[str, Registered] = {
    "resample_volume": register(
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
    "fit_volume": register(
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
    "bias_correct": register(
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
    "rank": register(
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
    "nyul": register(
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
