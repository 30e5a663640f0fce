"""docs/monitor.md and docs/deidentify.md say what the code does."""

from __future__ import annotations

from pathlib import Path

from medlens.serve.monitor.drift import ROUNDS
from medlens.serve.monitor.feedback import VERDICTS
from medlens.serve.monitor.looks import FALSE_ALARMS, LEAST, LEVELS, REFERENCE
from medlens.serve.web.api import exports, feedback, monitor, roles
from medlens.serve.web.api.monitor_models import LabelView
from medlens.serve.work.exports import KEPT_S, KEY

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "monitor.md").read_text(encoding="utf-8")
EXPORTS = (DOCS / "deidentify.md").read_text(encoding="utf-8")


def test_numbers_are_those_of_the_code() -> None:
    assert f"first {REFERENCE} patients" in PAGE
    assert f"fewer than {LEAST} patients" in PAGE
    assert f"{ROUNDS:,} random exchanges" in PAGE
    assert f"**At most {100 * FALSE_ALARMS:.0f} % of months" in PAGE
    parts = " + ".join(f"{100 * level:g}" for level in LEVELS)
    assert f"{parts} %" in PAGE
    assert KEPT_S == 7 * 86_400
    assert "seven days" in EXPORTS
    assert f"`{KEY}`" in EXPORTS


def test_every_word_has_its_row() -> None:
    for verdict in VERDICTS:
        assert f"| `{verdict}` |" in PAGE
    for state in ("learning", "few", "steady", "drift"):
        assert f"| `{state}` |" in PAGE
    for name in LabelView.model_fields:
        if name not in ("label", "pairs", "reviewed"):
            assert f"`{name}`" in PAGE, name


def test_every_address_is_on_a_page() -> None:
    short = {"{result}": "N", "{number}": "N", "{digest}": "DIGEST", "{job}": "N"}
    for router in (feedback.router, monitor.router, roles.router):
        for route in router.routes:
            path = getattr(route, "path", "").removeprefix("/api/v1")
            for name, letter in short.items():
                path = path.replace(name, letter)
            assert f"{path}`" in PAGE, path
    assert exports.router.prefix in EXPORTS
    for name in exports.Keeping.model_fields:
        assert f"`{name}`" in EXPORTS
    for name in ("held", "failed", "left_out", "released"):
        assert f"`{name}`" in EXPORTS
