#!/bin/sh
# Every check: format, lint, types, floors, unit, property and end-to-end tests.
# Makes or reuses .venv and installs what the tests need.
#   sh test.sh              everything
#   sh test.sh tests/read   only these tests (the checks still run)
set -eu
cd "$(dirname "$0")"
. ./scripts/venv.sh

make_venv train,openvino,serve,postgresql,test
command -v chromium >/dev/null 2>&1 || install_debian chromium

echo "== format";  "$PYTHON" -m ruff format --check .
echo "== lint";    "$PYTHON" -m ruff check .
echo "== types";   "$PYTHON" -m mypy
echo "== floors";  .venv/bin/lint-imports
echo "== tests";   "$PYTHON" -m pytest --durations=15 "$@"
