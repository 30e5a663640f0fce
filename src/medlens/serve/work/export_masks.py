"""A DICOM segmentation → label indices on the grid of its images."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medlens.core.diagnosis import ImageRef
from medlens.serve.work.export_labels import UnclearError


def read_segmentation(
    data: bytes, images: Sequence[ImageRef], labels: Sequence[str]
) -> NDArray[np.uint8]:
    """(D, H, W) indices of `labels`, one slice for each image in its order.

    Args:
        data: of the file, BINARY or FRACTIONAL or LABELMAP.
        images: source images, or frames of one.
        labels: of the bundle, the background first; segments carry their names.

    Raises:
        UnclearError: it is none, lies on other images, names other labels, or its
            segments overlap.
    """
    import highdicom as hd

    try:
        found = hd.seg.segread(io.BytesIO(data))
        pixels = _pixels(found, images)
        names = {
            number: str(found.get_segment_description(number).segment_label)
            for number in found.segment_numbers
        }
    except UnclearError:
        raise
    except Exception as error:  # a library's words may quote a UID
        raise UnclearError(
            f"the segmentation cannot be read on these images ({type(error).__name__})"
        ) from None
    table = np.zeros(max(names, default=0) + 1, dtype=np.uint8)
    for number, name in names.items():
        if name not in labels[1:]:
            raise UnclearError("a segment is called by none of the bundle's labels")
        table[number] = labels.index(name)
    return np.asarray(table[pixels])


def _pixels(found: object, images: Sequence[ImageRef]) -> NDArray[np.int64]:
    """Segment numbers by slice; frames that are missing are empty."""
    how = {
        "combine_segments": True,
        "ignore_spatial_locations": True,
        "assert_missing_frames_are_empty": True,
    }
    uids = [image.sop_instance_uid for image in images]
    if all(image.frame is None for image in images):
        pixels = found.get_pixels_by_source_instance(uids, **how)  # type: ignore[attr-defined]
    elif len(set(uids)) == 1:
        frames = [image.frame for image in images]
        pixels = found.get_pixels_by_source_frame(  # type: ignore[attr-defined]
            uids[0], source_frame_numbers=frames, **how
        )
    else:
        raise UnclearError("its images are frames of several files")
    return np.asarray(pixels, dtype=np.int64)
