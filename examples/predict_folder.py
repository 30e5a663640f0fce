"""Answer for every image of a folder and say which answers not to trust.

python examples/predict_folder.py RUN/bundle IMAGES
"""

from __future__ import annotations

import sys
from pathlib import Path

from medlens.bundle import load_bundle
from medlens.core import MedlensError
from medlens.predict import Predictor
from medlens.read import open_image


def main(bundle: str, folder: str) -> None:
    predictor = Predictor(load_bundle(bundle))
    for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
        try:
            answer = predictor.predict(open_image(path, case=path.name))
        except MedlensError as error:
            print(f"{path.name}: left out: {error}")
            continue
        doubt = (
            " (unlike the training images)" if answer.out_of_distribution.flag else ""
        )
        probabilities = dict(zip(answer.labels, answer.probabilities, strict=True))
        shown = ", ".join(f"{name} {p:.3f}" for name, p in probabilities.items())
        print(f"{path.name}: {', '.join(answer.decision) or 'none'} [{shown}]{doubt}")


if __name__ == "__main__":
    main(*sys.argv[1:])
