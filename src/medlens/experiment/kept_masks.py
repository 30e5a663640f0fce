"""Masks of cases on disk, so that a run answers each case once.

Validation cases are looked at for the clean-up, for the proof of a faster engine and
for the report; test cases for the report and for its pictures. The network's answer
is the same each time; clean-up, measures and the gate's verdict, which cost little,
are made anew from it by the bundle at hand.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

import medlens
from medlens.bundle import Bundle
from medlens.core import Image, release
from medlens.predict import MaskAnswer, MaskPredictor, RawMask
from medlens.predict.mapped import allocate

ANSWERS = "answers"  # folder below the run's work
LEVEL = 1  # masks shrink to a hundredth at once; more effort gains little
ENDING = ".mask.gz"


class KeptMasks:
    """Answers by ONNX Runtime in a folder of the run.

    Args:
        folder: made when it is needed; of one data set, which does not change.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def answer(self, predictor: MaskPredictor, image: Image) -> MaskAnswer:
        """As `predictor.answer`, the mask from disk where it was answered before.

        Args:
            predictor: on ONNX Runtime; other engines round otherwise.
            image: of the case that it names.

        Raises:
            PrepError, BundleError, ResourceError: as `predictor.answer`.
        """
        path = self._folder / f"{_name(predictor.bundle, image.case)}{ENDING}"
        raw = _load(path, image.array.shape[1:])
        if raw is None:
            raw = predictor.answer_raw(image)
            with suppress(OSError):  # on a full disk the case is answered again
                _save(path, raw)
        return predictor.finish(image, raw)


def _name(bundle: Bundle, case: str) -> str:
    """Of everything that the network's answer follows from, and of the case."""
    sides = (bundle.depth, bundle.height, bundle.width, bundle.context)
    told = json.dumps(
        [
            hashlib.sha256(bundle.model).hexdigest(),
            [asdict(step) for step in bundle.steps],
            asdict(bundle.sliding) if bundle.sliding else None,
            sides,
            case,
            medlens.__version__,
        ]
    )
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


def _save(path: Path, raw: RawMask) -> None:
    """A line that tells the shape and the gate's numbers, then slice after slice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    line = {
        "shape": raw.mask.shape,
        "embedding": None if raw.embedding is None else raw.embedding.tolist(),
        "statistics": raw.statistics.tolist(),
    }
    try:
        with gzip.open(unfinished, "wb", LEVEL) as file:
            file.write(json.dumps(line).encode() + b"\n")
            for plane in raw.mask:
                file.write(np.ascontiguousarray(plane).data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
        release(raw.mask)


def _load(path: Path, shape: tuple[int, ...]) -> RawMask | None:
    """None where there is nothing, or nothing whole."""
    try:
        with gzip.open(path, "rb") as file:
            line = json.loads(file.readline())
            if tuple(line["shape"]) != shape:
                return None
            mask = allocate(shape, np.uint8)
            for plane in mask:
                data = file.read(plane.size)
                plane[...] = np.frombuffer(data, np.uint8).reshape(plane.shape)
            release(mask)
            file.read(1)  # the checksum
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return None
    embedding = line["embedding"]
    return RawMask(
        mask,
        None if embedding is None else np.array(embedding, np.float32),
        np.array(line["statistics"], np.float32),
    )
