"""Where a voxel lies in the patient: index (d, h, w) → LPS millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """Affine placement of a (D, H, W) grid in patient space.

    Attributes:
        affine: (4, 4) float64; maps (d, h, w, 1) at voxel centres to
            (x, y, z, 1) in mm, LPS (x to the patient's Left, y to Posterior,
            z to Superior; DICOM PS3.3 C.7.6.2.1.1).
        is_calibrated: False when the file gave no physical spacing, so that
            a "mm" here is a pixel and no length may be reported.
    """

    affine: FloatArray
    is_calibrated: bool = True

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError("affine must be a finite (4, 4) matrix")
        if _is_singular(affine[:3, :3]):
            raise ValueError("affine is singular: two axes of the image are parallel")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)

    @classmethod
    def from_parts(
        cls,
        *,
        spacing: tuple[float, float, float],
        origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
        direction: FloatArray | None = None,
        is_calibrated: bool = True,
    ) -> Geometry:
        """Geometry from spacing, origin and direction.

        Args:
            spacing: mm in order D, H, W; each above 0.
            origin: LPS mm of the centre of voxel (0, 0, 0).
            direction: (3, 3); column k is the unit vector in which index k
                grows. Default: an axial image, w → +x, h → +y, d → +z.
        """
        if direction is None:
            direction = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=np.float64)
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(direction, dtype=np.float64) * np.asarray(spacing)
        affine[:3, 3] = origin
        return cls(affine, is_calibrated)

    @classmethod
    def uncalibrated(cls) -> Geometry:
        """Unit grid for files that carry no physical size."""
        return cls.from_parts(spacing=(1.0, 1.0, 1.0), is_calibrated=False)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in mm between neighbours along D, H, W."""
        d, h, w = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(d), float(h), float(w)

    @property
    def origin(self) -> tuple[float, float, float]:
        """LPS mm of the centre of voxel (0, 0, 0)."""
        x, y, z = self.affine[:3, 3]
        return float(x), float(y), float(z)

    @property
    def direction(self) -> FloatArray:
        """(3, 3) unit vectors of the D, H, W axes as columns."""
        columns: FloatArray = self.affine[:3, :3] / np.asarray(self.spacing)
        return columns

    def to_patient(self, index: FloatArray) -> FloatArray:
        """LPS mm of (..., 3) voxel indices in order d, h, w."""
        index = np.asarray(index, dtype=np.float64)
        points: FloatArray = index @ self.affine[:3, :3].T + self.affine[:3, 3]
        return points

    def to_index(self, points: FloatArray) -> FloatArray:
        """Fractional voxel indices (..., 3) of LPS mm points."""
        inverse = np.linalg.inv(self.affine)
        index: FloatArray = np.asarray(points) @ inverse[:3, :3].T + inverse[:3, 3]
        return index

    def then(self, index_map: FloatArray) -> Geometry:
        """Geometry of a new grid, given the map new index → old index.

        Args:
            index_map: (4, 4) affine on (d, h, w, 1). A crop that starts at
                row 5 is a translation of +5 along h; halving the size is a
                scale of 2 with a half-pixel shift.
        """
        return Geometry(self.affine @ index_map, self.is_calibrated)


def _is_singular(axes: FloatArray) -> bool:
    """Whether three columns span no space, however small their unit is.

    Voxels of electron microscopy are 1e-5 mm wide: the volume of one says
    nothing, that of the box of unit vectors does.
    """
    lengths = np.linalg.norm(axes, axis=0)
    if lengths.min() < np.finfo(np.float64).tiny:
        return True
    return bool(abs(np.linalg.det(axes / lengths)) < 1e-9)
