"""How the voxels of a data set lie, as the rules for volumes see it."""

from __future__ import annotations

from medlens.plan.facts import Facts

FINEST, COARSEST = 0.01, 100.0  # mm; a recipe takes no others
THICK = 3.0  # slice distance over pixel size from which neighbours tell little
FEWEST_SLICES = 8  # fewer have no third dimension to convolve along


def spacing_of(facts: Facts) -> tuple[float, ...]:
    """Median mm along D, H, W; () where there is none that a recipe can hold."""
    spacing = facts.spacing
    is_usable = len(spacing) == 3 and all(FINEST <= mm <= COARSEST for mm in spacing)
    return spacing if is_usable else ()


def anisotropy(facts: Facts) -> float:
    """Distance of slices over pixel size; 1 where nothing says."""
    spacing = spacing_of(facts)
    return spacing[0] / min(spacing[1:]) if spacing else 1.0


def describe_ratio(ratio: float) -> str:
    """ "1.5 times as far apart as", to be followed by "pixels"."""
    if 0.95 <= ratio < 1.05:
        return "as close as"
    return f"{ratio:.1f} times as far apart as"
