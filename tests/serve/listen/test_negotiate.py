"""Which contexts are taken."""

from __future__ import annotations

import pytest
from pynetdicom import AllStoragePresentationContexts
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    PatientRootQueryRetrieveInformationModelFind,
    StorageCommitmentPushModel,
)

from medlens.serve.listen.associate import Context
from medlens.serve.listen.negotiate import (
    Accepted,
    is_storage,
    is_uid,
    negotiate,
    transfer_syntaxes,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
JPIP = "1.2.840.10008.1.2.4.94"
JPEG = "1.2.840.10008.1.2.4.50"
IMPLICIT = "1.2.840.10008.1.2"


def test_the_senders_first_choice_that_can_be_kept_is_taken() -> None:
    proposed = (
        Context(1, CT, (JPEG, IMPLICIT)),
        Context(3, CT, (IMPLICIT, JPEG)),
        Context(5, CT, (JPIP, "1.2.3.4", JPEG)),
        Context(7, CT, (JPIP,)),
        Context(9, CT, ()),
        Context(11, "1.2.840.10008.1.1", (IMPLICIT,)),
    )
    results, accepted = negotiate(proposed)
    assert results == {
        1: (0, JPEG),
        3: (0, IMPLICIT),
        5: (0, JPEG),
        7: (4, ""),
        9: (4, ""),
        11: (0, IMPLICIT),
    }
    assert set(accepted) == {1, 3, 5, 11}
    assert accepted[5] == Accepted(CT, JPEG)


def test_every_storage_class_that_pynetdicom_knows_is_taken() -> None:
    known = [str(each.abstract_syntax) for each in AllStoragePresentationContexts]
    assert len(known) > 100
    assert [uid for uid in known if not is_storage(uid)] == []


def test_services_and_what_is_no_uid_are_not_taken() -> None:
    for uid in (
        str(PatientRootQueryRetrieveInformationModelFind),
        str(StorageCommitmentPushModel),
        "1.2.840.10008.1.3.10",
        "1.2.840.10008.1.1",
        "",
        "../../etc",
        "1." + "2" * 63,
    ):
        assert not is_storage(uid)
    results, accepted = negotiate((Context(1, "../x", (IMPLICIT,)),))
    assert (results, accepted) == ({1: (3, "")}, {})


def test_private_and_future_classes_are_taken() -> None:
    assert is_storage("1.3.12.2.1107.5.9.1")
    assert is_storage("1.2.840.10008.5.1.4.1.1.999.1")


def test_every_pixel_encoding_that_the_data_hold_is_taken() -> None:
    known = transfer_syntaxes()
    for number in (50, 51, 57, 70, 80, 81, 90, 91, 100, 102, 103, 107, 201, 203):
        assert f"1.2.840.10008.1.2.4.{number}" in known
    for rest in ("", ".1", ".1.99", ".2", ".5"):
        assert f"1.2.840.10008.1.2{rest}" in known


@pytest.mark.parametrize(
    ("text", "strict", "loose"),
    [
        ("1.2.3", True, True),
        ("2.25." + "9" * 39, True, True),
        ("1.02.3", False, True),
        ("1", False, False),
        ("1..2", False, False),
        ("1.2.", False, False),
        ("1.2\n", False, False),
        ("1.٣", False, False),
        ("1.2/../3", False, False),
        ("1." + "2" * 62, True, True),
        ("1." + "2" * 63, False, False),
    ],
)
def test_uids(text: str, strict: bool, loose: bool) -> None:
    assert is_uid(text) is strict
    assert is_uid(text, strict=False) is loose
