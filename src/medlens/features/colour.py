"""Colour moments (Stricker and Orengo 1995) and saturation."""

from __future__ import annotations

import numpy as np

from medlens.features.intensity import measure_moments
from medlens.features.region import Region


def measure_colour(region: Region) -> dict[str, float]:
    """Mean, standard deviation and skewness of R, G, B and saturation.

    Saturation is that of HSV, (max − min) / max, and 0 for black. A grey image
    has equal channels and saturation 0.
    """
    if region.colour is None:
        channels = dict.fromkeys(("red", "green", "blue"), region.inside)
        channels["saturation"] = np.zeros(1)
    else:
        planes = region.colour[:, region.mask]
        channels = dict(zip(("red", "green", "blue"), planes, strict=True))
        high, low = planes.max(axis=0), planes.min(axis=0)
        positive = np.where(high > 0, high, 1.0)
        channels["saturation"] = np.where(high > 0, (high - low) / positive, 0.0)
    values: dict[str, float] = {}
    # The channels of a grey image are one array; its moments are taken once.
    moments = {id(channel): measure_moments(channel) for channel in channels.values()}
    for name, channel in channels.items():
        mean, deviation, skewness, _ = moments[id(channel)]
        values |= {
            f"colour_{name}_mean": mean,
            f"colour_{name}_std": deviation,
            f"colour_{name}_skewness": skewness,
        }
    return values
