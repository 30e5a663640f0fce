"""Files in, answers out: what `medlens predict` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from medlens.bundle import Bundle, load_bundle
from medlens.core import Image, ResourceError, UsageError
from medlens.predict.documents import (
    KEY_WIDTH,
    describe_bundle,
    describe_case,
    describe_timing,
    line_of,
)
from medlens.predict.files import (
    check_formats,
    open_folder,
    parse_formats,
    write_documents,
    write_picture,
)
from medlens.predict.find import Input, find_inputs
from medlens.predict.graph import Engine
from medlens.predict.predictor import Failed, Predictor
from medlens.predict.session import quickest_engine
from medlens.predict.timing import measured, stage
from medlens.read import open_image

SCHEMA = "medlens/prediction/1"
ENGINES = ("onnxruntime", "openvino", "int8")
UNEVEN = ("refuse", "resample", "keep")
NOTICE = "Research software, not a medical device."
Cases = tuple[list[dict[str, Any]], list[dict[str, str]], list[str]]
"""Answers, what failed, and what was passed over in words."""


@dataclass(frozen=True)
class Answers:
    """The JSON document of a prediction and its plain words."""

    document: dict[str, Any]
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """What a person reads: one line a case, the doubt beside the number."""
        cases = self.document["cases"]
        width = min(max((len(c["case"]) for c in cases), default=4), KEY_WIDTH)
        for case in cases:
            yield line_of(case, form=self.document["bundle"]["form"], width=width)
        for note in self.document["notes"]:
            yield f"Note: {note}"
        yield from self.notes
        yield NOTICE


def answer_inputs(
    bundle_path: Path,
    inputs: Sequence[Path],
    *,
    out: Path | None,
    formats: str,
    engine: str,
    force: bool,
    uneven: str = "refuse",
    timing: bool = False,
) -> Answers:
    """Predict for files and folders; write the files asked for.

    Args:
        bundle_path: bundle folder.
        inputs: files, or folders that are searched: for images, or for series and
            volumes, as the bundle's form wants.
        out: folder for the files of `formats`; None writes nothing.
        formats: some of json, csv, png, nifti, joined by commas.
        engine: "onnxruntime", or one that the bundle offers; "auto" for the one that
            answers this form soonest, see `quickest_engine`.
        force: replace files in `out`.
        uneven: what to do with series whose slices are missing or unevenly spaced:
            "refuse", "resample" or "keep"; see `medlens.read.open_series`.
        timing: put the seconds of each stage under "timing" in the document; see
            `medlens.predict.timing`.

    Raises:
        UsageError: an unknown format or engine, no input, files in the way.
        BundleError: the bundle cannot be loaded, or its graph cannot be run.
        ResourceError: `out` cannot be written.
    """
    wanted = parse_formats(formats)
    if engine != "auto" and engine not in ENGINES:
        raise UsageError(f"--engine {engine}: wanted one of auto, {', '.join(ENGINES)}")
    if uneven not in UNEVEN:
        raise UsageError(f"--uneven {uneven}: wanted one of {', '.join(UNEVEN)}")
    with measured() as watch:
        document = _answer_all(
            bundle_path, inputs, engine, out, wanted, force=force, uneven=uneven
        )
    notes: tuple[str, ...] = ()
    if timing:
        document["timing"] = watch.told()
        notes = (describe_timing(document["timing"]),)
    if out is not None:
        written = write_documents(out, wanted, document)
        notes = (f"Written: {', '.join(written)} in {out}", *notes)
    return Answers(document, notes)


def _answer_all(
    bundle_path: Path,
    inputs: Sequence[Path],
    engine: str,
    out: Path | None,
    wanted: Sequence[str],
    *,
    force: bool,
    uneven: str,
) -> dict[str, Any]:
    """The document, without the seconds that it took."""
    with stage("load"):
        bundle = load_bundle(bundle_path)
    engine = quickest_engine(bundle) if engine == "auto" else engine
    check_formats(wanted, bundle.form)
    if bundle.form == "image":
        cases, failed, seen = _answer_images(
            bundle, inputs, cast(Engine, engine), out, wanted, force=force
        )
    else:
        cases, failed, seen = _answer_volumes(
            bundle,
            inputs,
            cast(Engine, engine),
            out,
            wanted,
            force=force,
            uneven=uneven,
        )
    return {
        "schema": SCHEMA,
        "bundle": describe_bundle(bundle),
        "engine": engine,
        "notice": NOTICE,
        "cases": cases,
        "failed": failed,
        "notes": seen,
    }


def _answer_volumes(
    bundle: Bundle,
    inputs: Sequence[Path],
    engine: Engine,
    out: Path | None,
    formats: Sequence[str],
    *,
    force: bool,
    uneven: str,
) -> Cases:
    """Series, volumes and masks; what they need is imported only for them."""
    from medlens.predict.answer_volumes import answer_volumes
    from medlens.predict.find_volumes import Uneven, find_volumes
    from medlens.predict.forms import predictor_of

    with stage("read"):
        found = find_volumes(inputs, bundle.form)
    with stage("load"):
        predictor = predictor_of(bundle, engine=engine)
    if out is not None:
        open_folder(out, formats, force=force, form=bundle.form)
    cases: list[dict[str, Any]] = []
    failed = [{"case": case, "reason": reason} for case, reason in found.left_out]
    for said, troubles in answer_volumes(
        predictor, found.cases, out=out, formats=formats, uneven=cast(Uneven, uneven)
    ):
        cases += [said] if said is not None else []
        failed += [{"case": one.case, "reason": one.reason} for one in troubles]
    return cases, failed, list(found.notes)


def _answer_images(
    bundle: Bundle,
    inputs: Sequence[Path],
    engine: Engine,
    out: Path | None,
    formats: Sequence[str],
    *,
    force: bool,
) -> Cases:
    """Images; a picture that fails leaves its answer standing."""
    with stage("read"):
        found = find_inputs(inputs)
    with stage("load"):
        predictor = Predictor(bundle, engine=engine)
    if out is not None:
        open_folder(out, formats, force=force)
    pictures = out if "png" in formats else None

    def open_one(index: int) -> Image:
        return _open(found[index])

    cases: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    answers = predictor.predict_many(
        len(found),
        open_one,
        [item.key for item in found],
        with_evidence=pictures is not None,
    )
    for item, answer in zip(found, answers, strict=True):
        if isinstance(answer, Failed):
            failed.append({"case": answer.case, "reason": answer.reason})
            continue
        cases.append(describe_case(answer))
        if pictures is not None:
            try:
                source = _open(item)
                with stage("write"):
                    write_picture(pictures, len(cases), source, answer)
            except ResourceError:
                raise  # a full disk is no matter of this case
            except Exception as error:  # the file changed while it was looked at
                reason = Failed.of(item.key, error).reason
                failed.append({"case": item.key, "reason": f"no picture: {reason}"})
    return cases, failed, []


@stage("read")
def _open(item: Input) -> Image:
    return open_image(item.path, member=item.member, case=item.key)
