"""features.csv: written, read, and what is wrong with a bad one."""

from __future__ import annotations

import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import DataError
from medlens.features import FEATURES, build_table, read_table, write_table


def row_of(seed: int) -> dict[str, float]:
    values = np.random.default_rng(seed).normal(size=len(FEATURES)) * 10.0**seed
    return dict(zip(FEATURES, values.tolist(), strict=True))


def test_reading_what_was_written(tmp_path):
    rows = [
        ("a/b.png", row_of(0)),
        ('quo"ted, with comma', row_of(3)),
        ("ünï", row_of(9)),
    ]
    path = tmp_path / "features.csv"
    assert write_table(iter(rows), path) == 3
    table, built = read_table(path), build_table(rows)
    assert table.cases == built.cases == tuple(case for case, _ in rows)
    assert table.names == built.names == tuple(FEATURES)
    np.testing.assert_array_equal(table.values, built.values)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3)
)
@settings(max_examples=40, deadline=None)
def test_every_float_survives(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("table") / "features.csv"
    row = dict.fromkeys(FEATURES, 0.0) | dict(zip(FEATURES, values, strict=False))
    write_table([("a", row)], path)
    np.testing.assert_array_equal(read_table(path).values[0, :3], values)


def test_empty_table(tmp_path):
    path = tmp_path / "features.csv"
    assert write_table([], path) == 0
    assert read_table(path).values.shape == (0, len(FEATURES))


def test_a_failure_leaves_the_old_table(tmp_path):
    path = tmp_path / "features.csv"
    write_table([("old", row_of(1))], path)

    def rows():
        yield "new", row_of(2)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_table(rows(), path)
    assert read_table(path).cases == ("old",)
    assert [file.name for file in tmp_path.iterdir()] == ["features.csv"]


def test_others_may_read_the_table(tmp_path):
    path = tmp_path / "features.csv"
    write_table([], path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_other_columns_and_empty_fields(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("case,stat_mean,own\na,1.5,\nb,2,3\n", encoding="utf-8")
    table = read_table(path)
    assert table.names == ("stat_mean", "own")
    np.testing.assert_array_equal(table.values, [[1.5, np.nan], [2, 3]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "first row is not 'case'"),
        (b"image,stat_mean\na,1\n", "first row is not 'case'"),
        (b"case,x,x\na,1,2\n", "first row is not 'case' and distinct"),
        (b"case,x\na,1\na,2\n", "case 'a' stands in row 3 again"),
        (b"case,x,y\na,1\n", "row 2 has 2 fields, the first row 3"),
        (b"case,x,y\na,1,high\n", "case 'a' has no number in column 'y'"),
        (b"\xff\xfe\x00\x01", "not a CSV text file in UTF-8"),
        (b'case,x\n"a,1\n', "not a CSV text file in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_table(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(text)
    with pytest.raises(DataError, match=message):
        read_table(path)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"^f.csv: is no file; write it with 'medlens"):
        read_table(tmp_path / "f.csv")
