"""kill -9 at random moments, in short; `python -m benchmarks.kill` does it for long."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.kill import BAD, run


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_or_doubled(tmp_path: Path, database_url: str) -> None:
    found = run(tmp_path, database_url, kills=6, seed=1, longest_s=1.5)
    assert sum(found["kills"].values()) == 7
    assert found["acknowledged"] > 3
    assert not any(found[name] for name in BAD), found
    assert set(found["states"]) == {"answered"}
    assert found["results"] >= found["studies"]
