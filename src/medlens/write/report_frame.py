"""How every structured report of medlens begins: TID 1500 and what surrounds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem

from medlens import __version__
from medlens.core.diagnosis import Assessment, Code
from medlens.core.terms import Lang
from medlens.write import codes
from medlens.write.report_items import coded
from medlens.write.stamp import MANUFACTURER, derive_uid

DEVICE = Code("121007", "DCM", "Device")


def unverified() -> dict[str, Any]:
    """Arguments of a document that is complete, PRELIMINARY and UNVERIFIED."""
    return {
        "is_complete": True,
        "is_final": False,
        "is_verified": False,
        "coding_schemes": [
            CodingSchemeIdentificationItem(
                designator=codes.SCHEME,
                name="medlens results",
                responsible_organization=MANUFACTURER,
            )
        ],
    }


def measurement_report(
    groups: Sequence[Any],
    assessments: Iterable[Assessment],
    *,
    observers: Any,
    lang: Lang,
) -> Any:
    """A Measurement Report (TID 1500).

    Args:
        groups: imaging measurements.
        assessments: whose modalities name the procedures, each once and in this order,
            since the same words have the same bytes.
        observers: an ObservationContext (TID 1001).
        lang: of the document and what is below it (TID 1204).
    """
    procedures = dict.fromkeys(
        codes.PROCEDURES.get(assessment.modality, codes.ANY_PROCEDURE)
        for assessment in assessments
    )
    return sr.MeasurementReport(
        observation_context=observers,
        procedure_reported=[coded(code) for code in procedures],
        imaging_measurements=groups,
        language_of_content_item_and_descendants=(
            sr.LanguageOfContentItemAndDescendants(coded(codes.LANGUAGES[lang]))
        ),
    )


def device_observer() -> Any:
    """TID 1004: the observer is a device, this version of medlens."""
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=derive_uid("medlens", __version__),
        name="medlens",
        manufacturer_name=MANUFACTURER,
        model_name=f"medlens {__version__}",
    )
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=coded(DEVICE), observer_identifying_attributes=device
        )
    )
