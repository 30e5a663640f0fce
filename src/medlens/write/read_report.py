"""A structured report of `to_structured_report` read back, field by field.

For checking that a report says what its diagnosis says, and for programs that want
the numbers and not the tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset

from medlens.core import ReadError
from medlens.write import codes
from medlens.write.report_items import from_ranges

_QUANTITIES = {code.value: kind for kind, code in codes.QUANTITIES.items()}
_SIDES = {code.value: side for side, code in codes.SIDES.items()}


def read_structured_report(report: Dataset) -> dict[str, Any]:
    """The diagnosis in a report, with the names of `core.diagnosis` as keys.

    Local keys and digests of files are not in a report. An image is a dict of
    `sop_class_uid`, `sop_instance_uid`, `series_uid` and `frame`.

    Raises:
        ReadError: not a report of medlens.
    """
    try:
        series = _series(report)
        groups = list(_children(_child(report, "126010")))
        library = [
            [_image(item, series) for item in _children(group)]
            for group in _children(_child(report, "111028"))
        ]
        study = list(_children(_child(report, "C0034375")))
        by_session: dict[str, list[Dataset]] = {}
        for group in groups:
            by_session.setdefault(_text(group, "C67447"), []).append(group)
        return {
            "study_uid": str(report.StudyInstanceUID),
            "language": _code(report, "121049").CodeValue,
            "is_verified": report.VerificationFlag == "VERIFIED",
            "is_preliminary": report.PreliminaryFlag == "PRELIMINARY",
            "has_prior": _yes(study, "HAS_PRIOR"),
            "left_out": [
                (str(item.TextValue), str(item.ContentSequence[0].TextValue))
                for item in _all(study, "LEFT_OUT")
            ],
            "assessments": [
                _assessment(*found, images, series)
                for found, images in zip(
                    ((own[0], own[1:]) for own in by_session.values()),
                    library,
                    strict=True,
                )
            ],
        }
    except (AttributeError, IndexError, KeyError, ValueError) as error:
        raise ReadError(
            "report: this is not a measurement report of medlens (TID 1500 with its "
            f"private concepts): {type(error).__name__} where its content is read"
        ) from None


def _assessment(
    own: Dataset,
    findings: list[Dataset],
    images: list[dict[str, Any]],
    series: dict[str, str],
) -> dict[str, Any]:
    items = list(_children(own))
    outside = None
    if _all(items, "OUTSIDE"):
        outside = {
            "score": _number(items, "OUTSIDE_SCORE"),
            "threshold": _number(items, "OUTSIDE_LIMIT"),
            "flag": _yes(items, "OUTSIDE"),
        }
    return {
        "algorithm": _algorithm(items),
        "status": codes.value_name(_choice(items, "STATUS")),
        "advice": codes.value_name(_choice(items, "ADVICE")),
        "images": images,
        "modality": _texts(items, "MODALITY"),
        "body_part": _texts(items, "BODY_PART"),
        "findings": [_finding(group, series) for group in findings],
        "prediction_set": [str(i.TextValue) for i in _all(items, "PREDICTION_SET")],
        "coverage": _number(items, "COVERAGE"),
        "out_of_distribution": outside,
        "reason": _texts(items, "REASON"),
        "notes": [str(item.TextValue) for item in _all(items, "NOTE")],
    }


def _algorithm(items: list[Dataset]) -> dict[str, str]:
    parameters = dict(
        str(item.TextValue).split(": ", 1) for item in _all(items, "111002")
    )
    return {
        "name": _texts(items, "111001"),
        "version": _texts(items, "111003"),
        "digest": parameters.get("bundle digest", ""),
        "form": parameters.get("form", ""),
        "kind": parameters.get("kind", ""),
        "intended_use": parameters.get("intended use", ""),
    }


def _finding(group: Dataset, series: dict[str, str]) -> dict[str, Any]:
    items = list(_children(group))
    code = _code(group, "121071")
    is_coded = code.CodingSchemeDesignator != codes.SCHEME
    quantities = [
        _quantity(item, _QUANTITIES[_name(item)])
        for item in items
        if _name(item) in _QUANTITIES
    ]
    return {
        "id": _text(group, "112039").rsplit(" ", 1)[-1],
        "label": _texts(items, "LABEL"),
        "code": _coded(code) if is_coded else None,
        "is_present": _choice(items, "PRESENCE") == codes.PRESENT.value,
        "probability": _number(items, "PROBABILITY"),
        "threshold": _number(items, "THRESHOLD"),
        "operating_point": _texts(items, "OPERATING_POINT"),
        "place": _place(items, series),
        "quantities": quantities,
        "slices": from_ranges(_texts(items, "SLICES")),
        "parts": _whole(items, "PARTS"),
        "change": _change(items),
    }


def _place(items: list[Dataset], series: dict[str, str]) -> dict[str, Any]:
    side = [code for item in items for code in _sides(item)]
    centre = _all(items, "111010")
    image = _all(items, "121080")
    box = _all(items, "111030") + _all(items, "BOX")
    number = _whole(items, "SLICE_NUMBER")
    corners = [float(value) for value in box[0].GraphicData] if box else []
    return {
        "laterality": _SIDES[side[0]] if side else "",
        "centre_mm": tuple(map(float, centre[0].GraphicData)) if centre else None,
        "image": _image(image[0], series) if image else None,
        "slice_index": None if number is None else number - 1,
        "box": (*corners[:2], *corners[4:6])
        if box and "ContentSequence" in box[0]
        else None,
    }


def _sides(item: Dataset) -> Iterator[str]:
    """Laterality on its own, or as modifier of a finding site."""
    if _name(item) == codes.LATERALITY.value:
        yield item.ConceptCodeSequence[0].CodeValue
    if _name(item) == "363698007":
        for child in _children(item):
            yield from _sides(child)


def _change(items: list[Dataset]) -> dict[str, Any] | None:
    if not _all(items, "TREND"):
        return None
    before = [
        _quantity(item, kind)
        for kind in codes.QUANTITIES
        for item in _all(items, codes.CONCEPTS[f"prior_{kind}"][0])
    ]
    return {
        "trend": codes.value_name(_choice(items, "TREND")),
        "before": before[0] if before else None,
        "prior_probability": _number(items, "PRIOR_PROB"),
        "days": _whole(items, "PRIOR_DAYS"),
    }


def _quantity(item: Dataset, kind: str) -> dict[str, Any]:
    measured = item.MeasuredValueSequence[0]
    unit = measured.MeasurementUnitsCodeSequence[0].CodeValue
    return {"kind": kind, "value": _value(item), "unit": str(unit)}


def _series(report: Dataset) -> dict[str, str]:
    """Series of each referenced instance, from the evidence."""
    return {
        str(instance.ReferencedSOPInstanceUID): str(group.SeriesInstanceUID)
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for group in study.ReferencedSeriesSequence
        for instance in group.ReferencedSOPSequence
    }


def _image(item: Dataset, series: dict[str, str]) -> dict[str, Any]:
    reference = item.ReferencedSOPSequence[0]
    uid = str(reference.ReferencedSOPInstanceUID)
    frame = reference.get("ReferencedFrameNumber")
    return {
        "sop_class_uid": str(reference.ReferencedSOPClassUID),
        "sop_instance_uid": uid,
        "series_uid": series[uid],
        "frame": None if frame is None else int(frame),
    }


def _coded(code: Dataset) -> dict[str, str]:
    return {
        "value": str(code.CodeValue),
        "scheme": str(code.CodingSchemeDesignator),
        "meaning": str(code.CodeMeaning),
    }


def _children(item: Dataset) -> list[Dataset]:
    return list(item.get("ContentSequence") or [])


def _name(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence") or []
    return str(names[0].CodeValue) if names else ""


def _all(items: list[Dataset], name: str) -> list[Dataset]:
    return [item for item in items if _name(item) == name]


def _child(item: Dataset, name: str) -> Dataset:
    return _all(_children(item), name)[0]


def _code(item: Dataset, name: str) -> Dataset:
    code: Dataset = _child(item, name).ConceptCodeSequence[0]
    return code


def _text(item: Dataset, name: str) -> str:
    return str(_child(item, name).TextValue)


def _texts(items: list[Dataset], name: str) -> str:
    found = _all(items, name)
    return str(found[0].TextValue) if found else ""


def _choice(items: list[Dataset], name: str) -> str:
    return str(_all(items, name)[0].ConceptCodeSequence[0].CodeValue)


def _yes(items: list[Dataset], name: str) -> bool:
    return _choice(items, name) == codes.YES.value


def _value(item: Dataset) -> float:
    measured = item.MeasuredValueSequence[0]
    return float(measured.get("FloatingPointValue", measured.NumericValue))


def _number(items: list[Dataset], name: str) -> float | None:
    found = _all(items, name)
    return _value(found[0]) if found else None


def _whole(items: list[Dataset], name: str) -> int | None:
    found = _number(items, name)
    return None if found is None else int(found)
