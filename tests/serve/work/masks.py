"""A bundle of form "segment" on disk."""

from __future__ import annotations

from pathlib import Path

from medlens.bundle import write_bundle
from tests.predict.volume_kit import grey_graph, mask_bundle
from tests.tiny import CARD


def put_mask_bundle(folder: Path) -> Path:
    """Background, grey and white of volumes, by brightness alone."""
    write_bundle(folder, mask_bundle(grey_graph(3), (4, 16, 16)), card=CARD)
    return folder
