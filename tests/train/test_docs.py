"""docs/train.md and docs/sequences.md name everything that the room hands out."""

from __future__ import annotations

from pathlib import Path

import pytest

import medlens.train

DOCS = Path(__file__).resolve().parents[2] / "docs" / "train.md"


@pytest.mark.parametrize("name", medlens.train.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    assert getattr(medlens.train, name).__doc__
    if name != "EpochResult":  # told as the columns of history.csv
        pages = (DOCS, DOCS.with_name("sequences.md"))
        assert any(f"`{name}" in page.read_text(encoding="utf-8") for page in pages)


def test_columns_of_the_history_are_told() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for column in medlens.train.EpochResult.__dataclass_fields__:
        assert f"`{column}`" in text


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        medlens.train.__getattr__("nothing")
