"""The full IBSI catalogue through mirp, and mirp as a second opinion."""

from __future__ import annotations

import logging
import re
import sys

import numpy as np
import pytest

from medlens.core import MissingExtraError, PrepError, UsageError
from medlens.features import full_catalogue, measure, measure_volume

TEXTURES = {
    "glcm_contrast": "cm_contrast",
    "glcm_joint_entropy": "cm_joint_entr",
    "glcm_correlation": "cm_corr",
    "glcm_information_correlation_1": "cm_info_corr1",
    "glrlm_short_runs_emphasis": "rlm_sre",
    "glrlm_run_entropy": "rlm_rl_entr",
    "glrlm_run_percentage": "rlm_r_perc",
    "glszm_large_zone_emphasis": "szm_lze",
    "glszm_zone_size_entropy": "szm_zs_entr",
    "gldzm_large_distance_emphasis": "dzm_lde",
    "gldzm_zone_distance_variance": "dzm_zd_var",
    "ngtdm_coarseness": "ngt_coarseness",
    "ngtdm_busyness": "ngt_busyness",
    "ngtdm_complexity": "ngt_complexity",
    "ngtdm_strength": "ngt_strength",
    "ngldm_high_dependence_emphasis": "ngl_hde",
    "ngldm_dependence_count_entropy": "ngl_dc_entr",
    "ih_entropy": "ih_entropy",
    "ih_maximum_gradient": "ih_max_grad",
    "stat_kurtosis": "stat_kurt",
    "stat_percentile_90": "stat_p90",
}
SHAPES = {
    "morph_volume": "morph_volume",
    "morph_surface_area": "morph_area_mesh",
    "morph_centre_shift": "morph_com",
    "morph_maximum_diameter": "morph_diam",
    "morph_least_axis": "morph_pca_least_axis",
    "morph_area_density_ellipsoid": "morph_area_dens_aee",
    "morph_area_density_hull": "morph_area_dens_conv_hull",
    "morph_moran": "morph_moran_i",
    "morph_geary": "morph_geary_c",
    "peak_global": "loc_peak_glob",
}


def region(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    noise = np.random.default_rng(12).normal(size=shape)
    smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in noise])
    mask = np.zeros(shape, dtype=bool)
    mask[:, 3:-3, 4:-2] = True
    mask[:, 6:9, 6:12] = False
    return smooth * 100, mask


@pytest.fixture
def mirp():
    module = pytest.importorskip("mirp", reason="the extra 'ibsi' is not installed")
    yield module
    # mirp turns on logging for the whole process.
    logging.getLogger().handlers.clear()


def find(catalogue: dict[str, float], name: str) -> float:
    """The one value whose column is the name and mirp's notes on settings."""
    notes = r"(_d1)?(_a0\.0)?(_[23]d[a-z_]*)?(_fb[ns]_[nw][\d.]+)?"
    found = [column for column in catalogue if re.fullmatch(name + notes, column)]
    assert len(found) == 1, (name, found)
    return catalogue[found[0]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("mirp")
def test_plane_agrees():
    values, mask = region((1, 30, 34))
    ours = measure(values[0], mask=mask[0], spacing=(1.0, 1.0), bins=16)
    theirs = full_catalogue(values[0], mask[0], (1.0, 1.0), bins=16)
    assert len(theirs) > 100
    for name, prefix in TEXTURES.items():
        assert ours[name] == pytest.approx(find(theirs, prefix), rel=1e-4), name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("mirp")
def test_volume_agrees():
    # The ball of the intensity peak stays within the volume: its rim is open.
    values, mask = region((13, 34, 32))
    mask[:3] = mask[-3:] = mask[:, :7] = mask[:, -7:] = False
    mask[:, :, :7] = mask[:, :, -7:] = False
    spacing = (2.5, 1.0, 1.0)
    ours = measure_volume(
        values, mask=mask, spacing=spacing, bin_width=20.0, lower=-200.0
    )
    theirs = full_catalogue(values, mask, spacing, bin_width=20.0, lower=-200.0)
    for name, prefix in (TEXTURES | SHAPES).items():
        assert ours[name] == pytest.approx(find(theirs, prefix), rel=1e-3), name


def test_without_mirp(monkeypatch):
    monkeypatch.setitem(sys.modules, "mirp", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'medlens\[ibsi\]'"):
        full_catalogue(np.zeros((4, 4)), np.ones((4, 4)), (1.0, 1.0))


@pytest.mark.parametrize(
    ("array", "mask", "spacing", "error", "message"),
    [
        (np.zeros(4), np.ones(4), (1.0,), PrepError, r"array has shape \(4,\)"),
        (
            np.zeros((4, 4)),
            np.zeros((4, 4)),
            (1.0, 1.0),
            PrepError,
            "mask is empty; nothing to measure",
        ),
        (
            np.zeros((4, 4)),
            np.ones((4, 4)),
            (1.0, 0.0),
            UsageError,
            "wanted 2 numbers above 0",
        ),
    ],
)
def test_wrong_use(array, mask, spacing, error, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "mirp", sys)
    with pytest.raises(error, match=message):
        full_catalogue(array, mask, spacing)
