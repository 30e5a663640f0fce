"""Kernels and strides: published plans, a case by hand, and what always holds."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.core import RecipeError
from medlens.nets import Topology, plan_topology

ALL = (2, 2, 2)
PLANE = (1, 2, 2)
CUBE = (3, 3, 3)
FLAT = (1, 3, 3)


def test_hippocampus_is_nnu_net_s_published_plan() -> None:
    """github.com/MIC-DKFZ/nnUNet issue 148: patch 40 56 40, 1 mm, three pools."""
    found = plan_topology((40, 56, 40), (1.0, 1.0, 1.0))
    assert found.strides == ((1, 1, 1), ALL, ALL, ALL)
    assert found.kernels == (CUBE,) * 4
    assert (found.patch, found.multiple) == ((40, 56, 40), (8, 8, 8))


@pytest.mark.parametrize("spacing", [(2.473, 1.898, 1.898), (1.0, 0.768, 0.768)])
def test_liver_is_nnu_net_s_published_plan(spacing: tuple[float, ...]) -> None:
    """github.com/MIC-DKFZ/nnUNet issue 856: patch 128³, five pools, kernels 3³."""
    found = plan_topology((128, 128, 128), spacing)
    assert found.strides[1:] == (ALL,) * 5
    assert found.kernels == (CUBE,) * 6


def test_thick_slices_wait_until_the_plane_has_caught_up() -> None:
    """Prostate: 20×320×256 at 3.6×0.62×0.62 mm, worked out by hand.

    Ratio 5.8, then 2.9, then 1.45: the third halving is the first of the slices.
    20 → 10 → 5 slices stop it; rows and columns go on to 5 and 4.
    """
    found = plan_topology((20, 320, 256), (3.6, 0.62, 0.62))
    assert found.strides == ((1, 1, 1), PLANE, PLANE, ALL, ALL, PLANE, PLANE)
    assert found.kernels == (FLAT, FLAT, CUBE, CUBE, CUBE, CUBE, CUBE)
    assert found.multiple == (4, 64, 64)


def test_two_axes_and_a_patch_that_is_rounded_up() -> None:
    """100 → 50 → 25 → 13 → 7 places: four halvings, so multiples of 16."""
    found = plan_topology((100, 100), (0.5, 0.5))
    assert found.strides == ((1, 1), *((2, 2),) * 4)
    assert found.patch == (112, 112)


def test_a_last_axis_alone_keeps_six_places() -> None:
    assert plan_topology((4, 11), (1.0, 1.0)).strides == ((1, 1),)
    assert plan_topology((4, 12), (1.0, 1.0)).strides == ((1, 1), (1, 2))


def test_a_limit_of_halvings_is_kept() -> None:
    assert len(plan_topology((64, 64), (1.0, 1.0), deepest=2).strides) == 3
    assert plan_topology((64, 64), (1.0, 1.0), deepest=0).strides == ((1, 1),)


sides = st.integers(1, 600)
gaps = st.floats(0.1, 20)


@given(st.lists(st.tuples(sides, gaps), min_size=2, max_size=3))
def test_what_always_holds(axes: list[tuple[int, float]]) -> None:
    patch, spacing = tuple(a for a, _ in axes), tuple(b for _, b in axes)
    found = plan_topology(patch, spacing)
    assert len(found.kernels) == len(found.strides) <= 9
    for i, side in enumerate(patch):
        times = math.prod(stride[i] for stride in found.strides)
        assert times == found.multiple[i]
        assert found.patch[i] % times == 0
        assert side <= found.patch[i] < side + times
        assert times == 1 or found.patch[i] // times >= 4
        sizes = [kernel[i] for kernel in found.kernels]
        assert sizes == sorted(sizes)
        assert all(
            k[i] > 1 or s[i] == 1
            for k, s in zip(found.kernels, found.strides, strict=True)
        )


@given(st.permutations([(20, 3.6), (320, 0.62), (256, 0.7)]))
def test_the_order_of_the_axes_does_not_matter(axes: list[tuple[int, float]]) -> None:
    found = plan_topology(tuple(a for a, _ in axes), tuple(b for _, b in axes))
    plain = plan_topology((20, 320, 256), (3.6, 0.62, 0.7))
    order = [[20, 320, 256].index(side) for side, _ in axes]
    assert found.strides == tuple(tuple(s[i] for i in order) for s in plain.strides)
    assert found.kernels == tuple(tuple(k[i] for i in order) for k in plain.kernels)


@pytest.mark.parametrize(
    ("patch", "spacing", "deepest", "message"),
    [
        ((8,), (1.0,), 8, r"patch has 1 axes and spacing 1; wanted 2 .* or 3"),
        ((8, 8, 8), (1.0, 1.0), 8, r"patch has 3 axes and spacing 2"),
        ((8, 0), (1.0, 1.0), 8, r"patch is \(8, 0\) voxels; wanted 1 to 4096"),
        ((8, 5000), (1.0, 1.0), 8, r"patch is \(8, 5000\) voxels"),
        ((8, 8), (1.0, 0.0), 8, r"spacing is \(1.0, 0.0\) mm; wanted numbers above"),
        ((8, 8), (1.0, math.nan), 8, r"spacing is \(1.0, nan\) mm"),
        ((8, 8), (1.0, 1.0), 9, r"9 halvings asked for; wanted 0 to 8"),
    ],
)
def test_what_makes_no_sense_is_refused(
    patch: tuple[int, ...], spacing: tuple[float, ...], deepest: int, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        plan_topology(patch, spacing, deepest=deepest)


def test_planning_needs_no_torch() -> None:
    code = (
        "import sys; from medlens.nets import plan_topology; "
        "plan_topology((8, 8), (1.0, 1.0)); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
    assert Topology.__doc__
