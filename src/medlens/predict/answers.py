"""Files in, answers out: what `medlens predict` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from medlens.bundle import Bundle, load_bundle
from medlens.core import Image, Prediction, ResourceError, UsageError
from medlens.core.terms import LANGUAGES, Lang
from medlens.predict.case import CaseAnswer, Request, diagnose_case
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

if TYPE_CHECKING:
    from medlens.predict.prior import Priors

SCHEMA = "medlens/prediction/1"
ENGINES = ("onnxruntime", "openvino", "int8")
UNEVEN = ("refuse", "resample", "keep")
NOTICE = "Research software, not a medical device."
Cases = tuple[list[dict[str, Any]], list[dict[str, str]], list[str]]
"""Answers, what failed, and what was passed over in words."""


@dataclass(frozen=True)
class Answers:
    """The JSON document of a prediction and its plain words.

    Attributes:
        document: see docs/predict.md.
        notes: what was written, and how long it took.
        lang: of the texts.
        with_texts: print the text of each case; None does where there is one case.
    """

    document: dict[str, Any]
    notes: tuple[str, ...] = ()
    lang: Lang = "en"
    with_texts: bool | None = None

    def lines(self) -> Iterator[str]:
        """What a person reads: one line a case, the doubt beside the number.

        Where texts are wanted each follows its line; Chinese ones stand alone.
        """
        cases = self.document["cases"]
        width = min(max((len(c["case"]) for c in cases), default=4), KEY_WIDTH)
        with_texts = len(cases) == 1 if self.with_texts is None else self.with_texts
        for case in cases:
            if not with_texts or self.lang == "en":
                yield line_of(case, form=self.document["bundle"]["form"], width=width)
                if with_texts:
                    yield ""
            if with_texts:
                yield from self._text_of(case)
        for note in self.document["notes"]:
            yield f"Note: {note}"
        yield from self.notes
        yield notice_of(self.lang)

    def _text_of(self, case: dict[str, Any]) -> Iterator[str]:
        from medlens.write.document import from_document
        from medlens.write.text import to_text

        diagnosis = from_document(case["diagnosis"])
        yield from to_text(diagnosis, lang=self.lang, with_notice=False).splitlines()
        yield ""


def notice_of(lang: Lang) -> str:
    """That this is research software."""
    if lang == "en":
        return NOTICE
    from medlens.write.words import say

    return say("notice", lang)


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
    lang: str = "en",
    with_texts: bool | None = None,
    prior: Path | None = None,
) -> Answers:
    """Predict for files and folders; write the files asked for.

    Args:
        bundle_path: bundle folder.
        inputs: files, or folders that are searched: for images, or for series and
            volumes, as the bundle's form wants.
        out: folder for the files of `formats`; None writes nothing.
        formats: some of json, csv, png, nifti, text, dicom, fhir, joined by commas.
        engine: "onnxruntime", or one that the bundle offers; "auto" for the one that
            answers this form soonest, see `quickest_engine`.
        force: replace files in `out`.
        uneven: what to do with series whose slices are missing or unevenly spaced:
            "refuse", "resample" or "keep"; see `medlens.read.open_series`.
        timing: put the seconds of each stage under "timing" in the document; see
            `medlens.predict.timing`.
        lang: of texts and of results: "en" or "zh".
        with_texts: of `Answers`.
        prior: file of an earlier diagnosis to compare with; see `load_priors`.

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
    if lang not in LANGUAGES:
        raise UsageError(f"--lang {lang}: wanted one of {', '.join(LANGUAGES)}")
    request = Request(
        out=out,
        formats=wanted,
        lang=lang,
        is_told=bool(with_texts),
        priors=_priors(prior),
    )
    with measured() as watch:
        document = _answer_all(
            bundle_path, inputs, engine, request, force=force, uneven=uneven
        )
    notes: tuple[str, ...] = ()
    if timing:
        document["timing"] = watch.told()
        notes = (describe_timing(document["timing"]),)
    if out is not None:
        written = write_documents(out, wanted, document)
        notes = (f"Written: {', '.join(written)} in {out}", *notes)
    return Answers(document, notes, request.lang, with_texts)


def _priors(path: Path | None) -> Priors | None:
    if path is None:
        return None
    from medlens.predict.prior import load_priors

    return load_priors(path)


def _answer_all(
    bundle_path: Path,
    inputs: Sequence[Path],
    engine: str,
    request: Request,
    *,
    force: bool,
    uneven: str,
) -> dict[str, Any]:
    """The document, without the seconds that it took."""
    with stage("load"):
        bundle = load_bundle(bundle_path)
    engine = quickest_engine(bundle) if engine == "auto" else engine
    check_formats(request.formats, bundle.form)
    chosen = cast(Engine, engine)
    if bundle.form == "image":
        cases, failed, seen = _answer_images(
            bundle, inputs, chosen, request, force=force
        )
    else:
        cases, failed, seen = _answer_volumes(
            bundle, inputs, chosen, request, force=force, uneven=uneven
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
    request: Request,
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
    request = request.for_cases(len(found.cases))
    with stage("load"):
        predictor = predictor_of(bundle, engine=engine)
    if request.out is not None:
        open_folder(request.out, request.formats, force=force, form=bundle.form)
    cases: list[dict[str, Any]] = []
    failed = [{"case": case, "reason": reason} for case, reason in found.left_out]
    for said, troubles in answer_volumes(
        predictor, found.cases, request, uneven=cast(Uneven, uneven)
    ):
        cases += [said] if said is not None else []
        failed += [{"case": one.case, "reason": one.reason} for one in troubles]
    return cases, failed, list(found.notes)


def _answer_images(
    bundle: Bundle,
    inputs: Sequence[Path],
    engine: Engine,
    request: Request,
    *,
    force: bool,
) -> Cases:
    """Images; a picture or result that fails leaves its answer standing."""
    with stage("read"):
        found = find_inputs(inputs)
    request = request.for_cases(len(found))
    with stage("load"):
        predictor = Predictor(bundle, engine=engine)
    if request.out is not None:
        open_folder(request.out, request.formats, force=force)
    shells: dict[int, Image] = {}

    def open_one(index: int) -> Image:
        image = _open(found[index])
        # One zero stands for all pixels: the rest waits until the answer comes.
        shells[index] = image.with_array(
            np.broadcast_to(np.uint8(0), image.array.shape)
        )
        return image

    cases: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    answers = predictor.predict_many(
        len(found),
        open_one,
        [item.key for item in found],
        with_evidence=request.with_maps,
    )
    for index, (item, answer) in enumerate(zip(found, answers, strict=True)):
        shell = shells.pop(index, None)
        if isinstance(answer, Failed) or shell is None:
            failed.append({"case": item.key, "reason": _reason(item, answer)})
            continue
        done = diagnose_case(bundle, answer, shell, item, request)
        cases.append({**describe_case(answer), "diagnosis": done.document})
        for trouble in _write_image(item, answer, done, request, len(cases)):
            failed.append({"case": trouble.case, "reason": trouble.reason})
    return cases, failed, []


def _reason(item: Input, answer: Prediction | Failed) -> str:
    """Why an image has no answer; one that was never read cannot have any."""
    return answer.reason if isinstance(answer, Failed) else f"{item.key}: was not read"


def _write_image(
    item: Input, answer: Prediction, done: CaseAnswer, request: Request, number: int
) -> Iterator[Failed]:
    """Picture and results of an image; what fails is told.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    if request.out is None:
        return
    if "png" in request.formats:
        try:
            source = _open(item)
            with stage("write"):
                write_picture(request.out, number, source, answer)
        except ResourceError:
            raise  # a full disk is no matter of this case
        except Exception as error:  # the file changed while it was looked at
            yield Failed(item.key, f"no picture: {Failed.of(item.key, error).reason}")
    if request.results:
        from medlens.predict.results import write_results

        yield from write_results(done, number, request, lambda: _open(item))


@stage("read")
def _open(item: Input) -> Image:
    return open_image(item.path, member=item.member, case=item.key)
