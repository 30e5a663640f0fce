"""The whole road from Python, on a made data set of discs and rings.

python examples/whole_road.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from medlens.datasets import make_shapes
from medlens.experiment import Request, Silent, headline, walk


def main(folder: str) -> None:
    data = make_shapes(Path(folder) / "shapes", n=120)
    run = walk(Request(data, out=Path(folder) / "run", budget=120), Silent())
    metrics = json.loads(run.file("metrics.json").read_text(encoding="utf-8"))
    print("\n".join(headline(metrics)))
    print(run.file("report.html"))


if __name__ == "__main__":
    main(*sys.argv[1:])
