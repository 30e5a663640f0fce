"""An 8-bit copy of an exported graph, for engines that are quicker with it."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlens.core import MissingExtraError

BATCH = 16


def quantise_onnx(model: bytes, *, examples: NDArray[np.float32]) -> bytes:
    """Static 8-bit quantisation, weights per channel, ranges from examples.

    Whether the copy answers as well must be shown on validation cases before
    it is used; see `experiment.prove`.

    Args:
        model: ONNX graph with one input.
        examples: (n, C, H, W) prepared training images in 0..1, about 100.

    Raises:
        MissingExtraError: the quantiser's packages are not installed.
    """
    try:
        from onnxruntime.quantization import (
            CalibrationDataReader,
            QuantFormat,
            QuantType,
            quantize_static,
        )
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise MissingExtraError("8-bit copy of a graph", "train") from error

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Hands the examples over in batches."""

        def __init__(self) -> None:
            self._batches: Iterator[Any] = (
                {"image": examples[start : start + BATCH]}
                for start in range(0, len(examples), BATCH)
            )

        def get_next(self) -> Any:
            return next(self._batches, None)

    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it advises on the root logger
    try:
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            folder = Path(name)
            (folder / "whole.onnx").write_bytes(model)
            quant_pre_process(
                str(folder / "whole.onnx"),
                str(folder / "ready.onnx"),
                skip_symbolic_shape=True,
            )
            quantize_static(
                str(folder / "ready.onnx"),
                str(folder / "small.onnx"),
                Reader(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
            )
            return (folder / "small.onnx").read_bytes()
    finally:
        logging.getLogger().setLevel(level)
