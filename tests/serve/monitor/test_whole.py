"""From studies that arrive to a shadow that was compared, promoted and taken back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from medlens.bundle import write_bundle
from medlens.serve.access.caller import Caller
from medlens.serve.monitor.feedback import say
from medlens.serve.monitor.promotion import promote, roll_back
from medlens.serve.monitor.shadow import compare_shadow
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles, results
from medlens.serve.work.answer import Workplace
from medlens.serve.work.models import register
from medlens.serve.work.queue import lease
from medlens.serve.work.ready import make_ready
from medlens.serve.work.worker import do
from medlens.write.document import from_document
from tests.serve.work.studies import models_of, of_study, put_bundle, take, with_level
from tests.tiny import CARD, bundle_of, plain_graph
from tests.write.dicom_sources import radiograph

WHO = Caller(None, "somebody", "administrator", frozenset())
LEVELS = (0.05, 0.3, 0.3, 0.9)


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Workplace:
    """An active bundle with another in its shadow, whose threshold is lower."""
    strict = bundle_of(plain_graph(bias=-2.0), name="old", thresholds=(0.9999,))
    write_bundle(tmp_path / "old", replace(strict, conformal=None), card=CARD)
    folders = [tmp_path / "old", put_bundle(tmp_path / "new", name="new")]
    old, new = register(store, folders, now=1.0)
    with store.begin() as connection:
        connection.execute(
            sa.update(bundles)
            .where(bundles.c.digest == new)
            .values(role="shadow", shadow_of=old)
        )
    return Workplace(store, ServeSettings(), None, models_of(store, *folders))


def work(place: Workplace) -> None:
    now = time.time() + 1
    make_ready(place.store, quiet_s=0, rules_digest="r" * 64, attempts=3, now=now)
    kinds = ("answer", "shadow")
    while job := lease(place.store, worker="w", kinds=kinds, lease_s=60, now=now):
        do(place, job)


def test_the_whole_way(place: Workplace) -> None:
    store = place.store
    (old,) = place.models.active
    (new,) = place.models.shadows_of(old.digest)
    for number, level in enumerate(LEVELS, start=1):
        take(store, of_study(with_level(radiograph(), level), number))
    work(place)
    with store.begin() as connection:
        for row in connection.execute(
            sa.select(results).where(results.c.role == "active")
        ).all():
            say(
                connection, result=row.id, study_id=row.study_id,
                diagnosis=from_document(row.diagnosis), assessment=0, finding="1",
                verdict="accept", reader=None, now=1.0,
            )  # fmt: skip
    with store.read() as connection:
        found = compare_shadow(connection, old.digest, new.digest)
    (label,) = found.labels
    # Logits differ by 20 x brightness: probabilities 0.73, 0.9975 twice, and 1, held
    # against 0.9999 by the old bundle and against 0.9 by the new one.
    assert found.pairs == len(LEVELS)
    assert (label.both, label.only_active, label.only_shadow, label.neither) == (
        1,
        0,
        2,
        1,
    )
    assert label.p_value == pytest.approx(0.5)
    assert label.reviewed == len(LEVELS)
    assert (label.active_right, label.shadow_right) == (4, 2)
    assert label.mean_change == pytest.approx(0.0, abs=1e-6)
    with store.begin() as connection:
        promote(connection, new.digest, WHO, now=2.0)
    place.models.refresh(is_due=True)
    assert [model.bundle.name for model in place.models.active] == ["new"]
    take(store, of_study(with_level(radiograph(), 0.9), 9))
    work(place)
    with store.read() as connection:
        document = connection.scalars(
            sa.select(results.c.diagnosis).order_by(results.c.id.desc())
        ).first()
    (assessment,) = from_document(document).assessments
    assert assessment.algorithm.name == "new"
    with store.begin() as connection:
        roll_back(connection, WHO, now=3.0)
    place.models.refresh(is_due=True)
    assert [model.bundle.name for model in place.models.active] == ["old"]
    assert len(place.models.shadows_of(old.digest)) == 1
