"""A bundle of any form → what answers with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medlens.bundle import Bundle
from medlens.predict.graph import Engine

if TYPE_CHECKING:
    from medlens.predict.masks import MaskPredictor
    from medlens.predict.predictor import Predictor
    from medlens.predict.sequences import SequencePredictor

    AnyPredictor = Predictor | MaskPredictor | SequencePredictor


def predictor_of(
    bundle: Bundle, *, engine: Engine = "onnxruntime", threads: int = 0
) -> AnyPredictor:
    """A `Predictor`, `SequencePredictor` or `MaskPredictor`, by the bundle's form.

    Args:
        bundle: as loaded.
        engine: "onnxruntime", or one that the bundle offers.
        threads: of the engine; 0 lets it decide.

    Raises:
        BundleError: the bundle does not offer the engine, or cannot be run.
        MissingExtraError: the engine is not installed.
    """
    # Imported when asked for: answering a picture needs none of the others.
    if bundle.form == "segment":
        from medlens.predict.masks import MaskPredictor

        return MaskPredictor(bundle, engine=engine, threads=threads)
    if bundle.form == "sequence":
        from medlens.predict.sequences import SequencePredictor

        return SequencePredictor(bundle, engine=engine, threads=threads)
    from medlens.predict.predictor import Predictor

    return Predictor(bundle, engine=engine, threads=threads)
