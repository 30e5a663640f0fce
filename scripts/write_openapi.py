"""Write docs/openapi.json: the API's description of itself, /api/v1 alone.

    python scripts/write_openapi.py

A test fails while the file is not what the code says.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

GOAL = Path(__file__).parents[1] / "docs" / "openapi.json"


def described() -> str:
    """The description as it is written."""
    from medlens.serve.settings import ServeSettings
    from medlens.serve.store.store import open_store
    from medlens.serve.web.app import create_app
    from medlens.serve.web.schema import schema_of

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder), migrate=False)
        try:
            app = create_app(store, ServeSettings(data=Path(folder)))
            schema = schema_of(app)
        finally:
            store.close()
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    GOAL.write_text(described(), encoding="utf-8")
