"""Which instance a viewer shows first of a study or a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from medlens.core.quiet import quiet
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, series, studies
from medlens.serve.web.dicomweb.dataset import open_dataset
from medlens.serve.web.dicomweb.found import StoredInstance, find_instance

NO_IMAGES = ("SR", "PR", "KO", "RTSTRUCT", "RTPLAN", "DOC", "REG", "FID", "ECG", "AU")
"""Modalities without pixels."""

OWN_IMAGES = ("OT", "SC")
"""Of our own objects those that are images to a reader."""

PARALLEL = 0.99
"""Two normals that differ by less than this (cosine) are of parallel planes."""

Vector = tuple[float, float, float]


def find_opening(
    store: Store, study: int, series_id: int | None = None
) -> StoredInstance | None:
    """The first image of a series, without reading all of it.

    The viewer's order is by position along the patient, and numbers run along it or
    against it: the image is the one of the lowest or of the highest number, whichever
    lies first.

    Args:
        store: that holds the study.
        study: our own number.
        series_id: our own number of one of its series; None for the first one, by its
            number, whose modality has images.

    Returns:
        None where there is no such study or series, or no image in it.
    """
    with store.read() as connection:
        chosen = _series_of(connection, study, series_id)
        if chosen is None:
            return None
        sops = _ends_of(connection, chosen.id)
    ends = [
        find_instance(store, chosen.study_uid, chosen.series_uid, sop) for sop in sops
    ]
    if len(ends) < 2:
        return ends[0] if ends else None
    depths = _depths([_plane_of(each) for each in ends])
    return ends[1] if depths and depths[1] < depths[0] else ends[0]


def _series_of(connection: sa.Connection, study: int, series_id: int | None) -> Any:
    is_image = series.c.modality.not_in(NO_IMAGES)
    is_shown = sa.or_(series.c.is_own.is_(False), series.c.modality.in_(OWN_IMAGES))
    query = (
        sa.select(series.c.id, series.c.series_uid, studies.c.study_uid)
        .join(studies, studies.c.id == series.c.study_id)
        .where(series.c.study_id == study, is_image, is_shown)
        .order_by(series.c.is_own, series.c.number.asc().nulls_last(), series.c.id)
        .limit(1)
    )
    if series_id is not None:
        query = query.where(series.c.id == series_id)
    return connection.execute(query).first()


def _ends_of(connection: sa.Connection, series_id: int) -> list[str]:
    """SOP Instance UIDs of the lowest and the highest number, once where it is one.

    As the viewer counts: none is 0, and images of one number go by their UID.
    """
    number, uid = sa.func.coalesce(instances.c.number, 0), instances.c.sop_uid
    found = [
        connection.execute(
            sa.select(uid)
            .where(instances.c.series_id == series_id, instances.c.rows > 0)
            .order_by(*order)
            .limit(1)
        ).scalar()
        for order in ((number.asc(), uid.asc()), (number.desc(), uid.desc()))
    ]
    return list(dict.fromkeys(str(sop) for sop in found if sop))


def _plane_of(instance: StoredInstance) -> tuple[Vector, Vector] | None:
    """(normal, position) of an image, None where its header does not say them."""
    try:
        with quiet():
            data = open_dataset(instance.path)
            a, b, c, d, e, f = (float(x) for x in data.ImageOrientationPatient)
            x, y, z = (float(x) for x in data.ImagePositionPatient)
    except Exception:  # pydicom raises whatever its parsers raise
        return None
    return (b * f - c * e, c * d - a * f, a * e - b * d), (x, y, z)


def _depths(planes: Sequence[tuple[Vector, Vector] | None]) -> list[float] | None:
    """Positions along the first plane's normal.

    None where one of them is not known, or where planes are not parallel, as those of a
    localiser: the viewer then goes by number.
    """
    known = [plane for plane in planes if plane is not None]
    if len(known) < len(planes):
        return None
    first = known[0][0]
    if any(_dot(normal, first) <= PARALLEL for normal, _ in known):
        return None
    return [_dot(position, first) for _, position in known]


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
