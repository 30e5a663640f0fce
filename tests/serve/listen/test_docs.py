"""docs/dicom.md names every status, limit and identifier of the listener."""

from __future__ import annotations

from pathlib import Path

from medlens.serve.listen import dimse, listener
from medlens.serve.listen.associate import IMPLEMENTATION_NAME, IMPLEMENTATION_UID
from medlens.serve.listen.association import SLOWEST
from medlens.serve.send.stow import REQUEST_BYTES
from medlens.serve.settings import Limits

PAGE = (Path(__file__).parents[3] / "docs" / "dicom.md").read_text(encoding="utf-8")


def test_every_status_is_documented() -> None:
    names = (
        "SUCCESS", "PROCESSING_FAILURE", "DUPLICATE_SOP_INSTANCE",
        "INVALID_SOP_INSTANCE", "SOP_CLASS_NOT_SUPPORTED", "UNRECOGNIZED_OPERATION",
        "OUT_OF_RESOURCES", "DATA_SET_MISMATCH", "CANNOT_UNDERSTAND",
    )  # fmt: skip
    for name in names:
        assert f"| {getattr(dimse, name):04X}H |" in PAGE, name


def test_every_limit_of_the_listener_is_documented() -> None:
    for name in ("associations", "associations_per_address", "association_s", "idle_s",
                 "pdu_bytes", "instance_mb", "free_mb", "store_gb"):  # fmt: skip
        assert hasattr(Limits, name)
        assert f"`{name}`" in PAGE, name
    assert (SLOWEST, dimse.COMMAND_BYTES, listener.STOP_S) == (8192, 16384, 20.0)
    assert (listener.TAKERS, REQUEST_BYTES, Limits().pdu_bytes) == (
        8,
        256 << 20,
        1 << 20,
    )


def test_the_identifiers_are_documented() -> None:
    assert f"{IMPLEMENTATION_UID}, {IMPLEMENTATION_NAME} |" in PAGE
