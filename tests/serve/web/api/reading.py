"""Studies with real images and results, for reports to be written on."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import Any

import httpx
import sqlalchemy as sa

from medlens.core.diagnosis import Diagnosis, ImageRef, Place
from medlens.serve.store.store import Store
from medlens.serve.store.tables import feedback, instances, results, studies, trail
from medlens.write.document import to_document
from tests.serve.web.api.filled import diagnosis_of_one
from tests.serve.work.studies import of_study, take, with_level
from tests.write.dicom_sources import radiograph

_numbers = itertools.count(9000)
SECTIONS = {
    "indication": "Cough.",
    "examined": "Radiograph of the chest.",
    "findings": "Pneumonia on the left. [AI, accepted]\n\nNo effusion.",
    "comparison": "",
    "impression": "Pneumonia.",
}


def real_study(store: Store, **changes: Any) -> int:
    """A study with one radiograph that came over the network; our number of it."""
    image = of_study(with_level(radiograph(), 0.6), next(_numbers))
    for name, value in changes.items():
        setattr(image, name, value)
    receipt = take(store, image)
    assert receipt.study_id is not None
    with store.begin() as connection:
        connection.execute(sa.update(studies).values(state="answered"))
    return receipt.study_id


def diagnosis_on(store: Store, study: int) -> Diagnosis:
    """Pneumonia in a box on the study's own image."""
    with store.read() as connection:
        row = connection.execute(
            sa.select(instances).where(
                instances.c.study_id == study, instances.c.origin != "own"
            )
        ).one()
    image = ImageRef("image 1", row.sop_class, row.sop_uid, "1.2.3")
    (item,) = diagnosis_of_one().assessments
    place = Place(image=image, slice_index=0, box=(4.0, 6.0, 20.0, 30.0))
    finding = replace(item.findings[0], place=place)
    whole = replace(item, images=(image,), findings=(finding,))
    return replace(diagnosis_of_one(), assessments=(whole,))


def real_result(store: Store, study: int, diagnosis: Diagnosis | None = None) -> int:
    """An active result on a study."""
    document = to_document(diagnosis or diagnosis_on(store, study))
    with store.begin() as connection:
        made = connection.execute(
            sa.insert(results)
            .values(
                key=f"result {next(_numbers)}", study_id=study, role="active",
                inputs_digest="0" * 64, diagnosis=document, created_at=time.time(),
            )
            .returning(results.c.id)
        )  # fmt: skip
        return int(made.scalar_one())


def add_word(
    store: Store, result: int, verdict: str, *, reader: int | None = None, **said: Any
) -> None:
    """What a reader says of the only finding."""
    row = {
        "result_id": result, "assessment": 0, "finding": "1", "verdict": verdict,
        "correction": said, "comment": "a secret remark", "user_id": reader,
        "at": time.time(),
    }  # fmt: skip
    with store.begin() as connection:
        connection.execute(sa.insert(feedback).values(**row))


def content(**changes: Any) -> dict[str, Any]:
    """A report's content as a request sends it; sections may be changed."""
    names = {key: changes.pop(key) for key in SECTIONS if key in changes}
    made = {"lang": "en", "result_id": None, "sections": {**SECTIONS, **names}}
    return {**made, **changes}


def sign(client: httpx.Client, study: int, expected: int = 0, **more: Any) -> Any:
    """The reply to a signature."""
    body = {
        "content": content(**more.pop("content", {})),
        "sign": True,
        "expected_version": expected,
        **more,
    }
    return client.post(f"/api/v1/studies/{study}/report/versions", json=body)


def address(study: int, rest: str = "") -> str:
    return f"/api/v1/studies/{study}/report{rest}"


def save(client: httpx.Client, study: int, revision: int, **changes: Any) -> Any:
    body = {"revision": revision, "content": content(**changes)}
    return client.put(address(study, "/draft"), json=body)


def reading_of(store: Store, study: int) -> tuple[str, float | None]:
    with store.read() as connection:
        row = connection.execute(
            sa.select(studies.c.reading, studies.c.read_at).where(studies.c.id == study)
        ).one()
    return row.reading, row.read_at


def lines(store: Store) -> list[tuple[str, Any]]:
    with store.read() as connection:
        rows = connection.execute(sa.select(trail).order_by(trail.c.number))
        return [(row.action, row.detail) for row in rows]
