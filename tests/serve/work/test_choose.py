"""What is in a study, which bundle looks at it, and why none does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydicom.dataset import Dataset

from medlens.bundle import write_bundle
from medlens.core.diagnosis import Algorithm, Assessment, Diagnosis, ImageRef
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import bundles
from medlens.serve.work.candidates import Candidates, find_candidates, gather_reasons
from medlens.serve.work.choose import Plan, choose, modalities_of
from medlens.serve.work.inputs import load_study
from medlens.serve.work.models import work_digest
from medlens.serve.work.outcome import outcome_of
from medlens.serve.work.rules import Rules, rules_from_table
from tests.serve.work.studies import models_of, of_study, put_bundle, take
from tests.tiny import CARD, bundle_of, plain_graph
from tests.write.dicom_sources import radiograph, series, ultrasound


@pytest.fixture
def place(tmp_path: Path) -> Store:
    return open_store(tmp_path / "service")


def sort(place: Store, *images: Dataset) -> Candidates:
    (number,) = {take(place, image).study_id for image in images}
    assert number is not None
    study = load_study(place, number)
    assert study is not None
    return find_candidates(study)


def slices(count: int = 4, number: int = 2) -> list[Dataset]:
    return [
        of_study(image, 1, series=number, instance=at + 1)
        for at, image in enumerate(series("CT", slices=count))
    ]


def rules_of(**conditions: object) -> Rules:
    return rules_from_table(
        {"rule": [{"name": "chest", "bundle": "tiny", **conditions}]}
    )


def test_a_study_is_sorted_into_series_images_and_the_rest(place: Store) -> None:
    scout = of_study(series("CT", slices=1)[0], 1, series=3)
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    film = of_study(ultrasound(frames=3), 1, series=4)
    report = of_study(radiograph(), 1, series=5)
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    report.file_meta.MediaStorageSOPClassUID = report.SOPClassUID
    report.Modality = "SR"
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    found = sort(place, of_study(radiograph(), 1), *slices(), scout, film, report)
    shown = {item.case: item for item in found.found}
    assert list(shown) == ["series 1/image 1", "series 2"]
    image, volume = shown.values()
    assert (image.facts.modality, image.facts.body_part) == ("DX", "CHEST")
    assert not image.facts.is_series
    assert (volume.facts.slices, volume.facts.slice_gap_mm) == (4, pytest.approx(2.5))
    assert (volume.facts.orientation, volume.facts.is_series) == ("axial", True)
    # In the order of their places: the phantom's rise with the Instance Number.
    assert [ref.sop_instance_uid for ref in volume.images] == [
        f"1.2.840.99.1.2.{n}" for n in (1, 2, 3, 4)
    ]
    reasons = dict(found.left_out)
    assert reasons["series 3/image 1"] == "is a localiser by its Image Type"
    assert reasons["series 4/image 1"] == ("is a film of 3 frames; no bundle takes one")
    assert reasons["series 5/image 1"] == "is no image (Basic Text SR)"


def test_a_file_that_breaks_the_reader_costs_nobody_else(
    place: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medlens.read.series import find
    from medlens.serve.work import candidates

    real = find.scan_file

    def breaks(path: Path, case: str) -> object:
        if case == "series 2/image 3":
            raise ValueError("Doe^Jane")
        return real(path, case)

    monkeypatch.setattr(find, "scan_file", breaks)
    assert candidates.find_series is find.find_series
    found = sort(place, of_study(radiograph(), 1), *slices(6))
    assert [item.case for item in found.found] == ["series 1/image 1", "series 2"]
    assert found.found[1].facts.slices == 5
    ((case, reason),) = found.left_out
    assert case == "series 2/image 3"
    assert "ValueError" in reason
    assert "Doe" not in reason


def test_missing_slices_are_told(place: Store) -> None:
    found = sort(place, *slices(6)[:2], *slices(6)[3:])
    (volume,) = found.found
    assert any("1 slice is missing" in note for note in volume.notes)


def test_a_secondary_capture_is_none_but_a_wrapped_picture(place: Store) -> None:
    capture = of_study(radiograph(), 1)
    capture.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    capture.file_meta.MediaStorageSOPClassUID = capture.SOPClassUID
    wrapped = of_study(capture, 1, instance=2)
    wrapped.Manufacturer = "medlens"
    wrapped.DerivationDescription = "converted from PNG by medlens"
    found = sort(place, capture, wrapped)
    assert [item.facts.is_capture for item in found.found] == [True, False]


def test_reasons_are_gathered_and_bounded() -> None:
    many = [(f"series 1/image {n}", "is a localiser") for n in range(9)]
    assert list(gather_reasons(many)) == [("series 1 (9 images)", "is a localiser")]
    each = [(f"series {n:03}/image 1", "is damaged") for n in range(80)]
    told = list(gather_reasons(each))
    assert len(told) == 51
    assert told[-1] == ("the rest", "30 more files are left out")


def plan(place: Store, rules: Rules | None, tmp_path: Path, *images: Dataset) -> Plan:
    models = models_of(place, put_bundle(tmp_path / "bundle"))
    return choose(sort(place, *images).found, rules, models)


def test_a_rule_chooses(place: Store, tmp_path: Path) -> None:
    rules = rules_of(modality=["CR", "DX"], body_part="chest", destinations=["pacs"])
    made = plan(place, rules, tmp_path, of_study(radiograph(), 1))
    (task,) = made.tasks
    assert task.model.bundle.name == "tiny"
    assert (made.left_out, made.destinations) == ((), ("pacs",))


def test_a_knee_has_its_reason(place: Store, tmp_path: Path) -> None:
    knee = of_study(radiograph(), 1)
    knee.Modality, knee.BodyPartExamined = "MR", "KNEE"
    rules = rules_of(modality=["CR", "DX"], body_part="CHEST")
    made = plan(place, rules, tmp_path, knee)
    assert made.left_out == (
        (
            "series 1/image 1",
            "no bundle takes MR KNEE: rule 'chest' wants modality CR or DX and body "
            "part CHEST",
        ),
    )


def test_a_name_in_a_header_is_not_repeated(place: Store, tmp_path: Path) -> None:
    odd = of_study(radiograph(), 1)
    odd.BodyPartExamined = "DOE JANE"
    made = plan(place, rules_of(body_part="CHEST"), tmp_path, odd)
    ((_, reason),) = made.left_out
    assert "DOE" not in reason.upper()


def test_a_form_that_does_not_fit(place: Store, tmp_path: Path) -> None:
    made = plan(place, rules_of(), tmp_path, *slices())
    assert made.left_out[0][1] == (
        "no bundle takes CT HEAD: bundle 'tiny' takes single images, and this is a "
        "series of 4 slices"
    )


def test_a_bundle_that_is_not_there(place: Store, tmp_path: Path) -> None:
    rules = rules_from_table({"rule": [{"name": "x", "bundle": "other"}]})
    made = plan(place, rules, tmp_path, of_study(radiograph(), 1))
    assert "rule 'x' names a bundle that is not at work" in made.left_out[0][1]


def test_no_bundle_at_all(place: Store) -> None:
    made = choose(sort(place, of_study(radiograph(), 1)).found, None, models_of(place))
    assert "no bundle at work" in made.left_out[0][1]


def test_exclusion_goes_before_and_first_stops(place: Store, tmp_path: Path) -> None:
    entries = [
        {"name": "out", "exclude": True, "view_position": "LL"},
        {"name": "one", "bundle": "tiny"},
        {"name": "two", "bundle": "tiny"},
    ]
    side = of_study(radiograph(), 1, instance=2)
    side.ViewPosition = "LL"
    images = (of_study(radiograph(), 1), side)
    first = plan(place, rules_from_table({"rule": entries}), tmp_path, *images)
    assert [task.rule.name for task in first.tasks] == ["one"]
    assert first.left_out == (("series 1/image 2", "left out by rule 'out'"),)
    models = models_of(place)
    models = models_of(place, tmp_path / "bundle")
    study = load_study(place, 1)
    assert study is not None
    both = choose(
        find_candidates(study).found,
        rules_from_table({"rule": entries, "match": "all"}),
        models,
    )
    assert [task.rule.name for task in both.tasks] == ["one", "two"]


def test_what_bundles_say_of_themselves() -> None:
    from dataclasses import replace

    plain = bundle_of(plain_graph())
    assert modalities_of(plain) == ()
    assert modalities_of(replace(plain, training={"modality": "CT"})) == ("CT",)
    films = modalities_of(replace(plain, training={"modalities": {"DX": 9, "CR": 2}}))
    assert set(films) >= {"DX", "CR", "RG"}
    assert modalities_of(replace(plain, training={"modality": 7})) == ()


def test_roles_are_followed_while_the_service_runs(
    place: Store, tmp_path: Path
) -> None:
    first = put_bundle(tmp_path / "one", name="one")
    second = put_bundle(tmp_path / "two", name="two", bias=-3.0)
    models = models_of(place, first, second)
    assert {model.bundle.name for model in models.active} == {"one", "two"}
    old, new = models.named("one"), models.named("two")
    assert old is not None
    assert new is not None
    before = work_digest(None, models)
    with place.begin() as connection:
        connection.execute(
            sa.update(bundles)
            .where(bundles.c.digest == new.digest)
            .values(role="shadow", shadow_of=old.digest)
        )
    models.refresh(is_due=True)
    assert [model.bundle.name for model in models.active] == ["one"]
    assert [m.bundle.name for m in models.shadows_of(old.digest)] == ["two"]
    assert models.named(old.digest[:8]) is not None
    assert models.named(old.digest[:7]) is None
    assert work_digest(None, models) != before
    # A restart with both leaves the roles as they are.
    again = models_of(place, first, second)
    assert [model.bundle.name for model in again.active] == ["one"]
    # A start without them runs neither.
    assert models_of(place).active == ()


def test_a_bundle_that_was_changed_is_not_run(place: Store, tmp_path: Path) -> None:
    folder = put_bundle(tmp_path / "one", name="one")
    models_of(place, folder)
    note = folder / "bundle.json"
    note.write_text(note.read_text().replace("Tests.", "Texts."))
    with place.read() as connection:
        digest = connection.execute(sa.select(bundles.c.digest)).scalar_one()
    from medlens.serve.work.models import Models

    models = Models(place, [digest])
    models.refresh(is_due=True)
    assert models.active == ()
    assert "does not match its own digest" in models.failed[0][1]
    made = choose(sort(place, of_study(radiograph(), 1)).found, None, models)
    assert "bundle 'one' cannot be run: " in made.left_out[0][1]


def test_workers_that_start_at_once_register_the_same_bundle(
    store: Store, tmp_path: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from medlens.serve.work.models import register

    folder = put_bundle(tmp_path / "one", name="one")
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(register, store, [folder], now=0.0) for _ in range(12)]
    assert len({tuple(job.result()) for job in jobs}) == 1
    with store.read() as connection:
        assert len(connection.execute(sa.select(bundles)).all()) == 1


def test_bundles_without_rules_are_called_bundles(place: Store, tmp_path: Path) -> None:
    """And those that would take it but for its form are named first."""
    made = bundle_of(plain_graph(), name="heads")
    ct = replace(made, training={"modalities": ["CT"]}, conformal=None)
    mr = replace(ct, name="knees", training={"modalities": ["MR"]})
    for bundle in (mr, ct):
        write_bundle(tmp_path / bundle.name, bundle, card=CARD)
    models = models_of(place, tmp_path / "knees", tmp_path / "heads")
    left_out = choose(sort(place, *slices()).found, None, models).left_out
    assert left_out[0][1] == (
        "no bundle takes CT HEAD: bundle 'heads' takes single images, and this is a "
        "series of 4 slices; bundle 'knees' wants modality MR"
    )


def test_one_reason_of_two_bundles_is_told_once() -> None:
    images = (ImageRef("series 1/image 1", "1.2", "1.2.3", "1.2.4"),)
    algorithm = Algorithm("a", "0" * 64, "1", "image", "binary")
    each = Assessment(
        algorithm, "not_assessable", "not_assessable", images, reason="cut off"
    )
    state, reason = outcome_of(Diagnosis("study 1", (each, each)))
    assert (state, reason) == ("refused", "series 1/image 1: cut off")
