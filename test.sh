#!/bin/sh
# Every check: format, lint, types, floors, unit, property and end-to-end tests.
# Makes or reuses .venv and installs what the tests need.
#   sh test.sh              everything
#   sh test.sh tests/read   only these tests (the checks still run)
set -eu
cd "$(dirname "$0")"
. ./scripts/venv.sh

make_venv train,openvino,serve,postgresql,test
# Programs that tests hold ours against; what is not there is skipped with its reason.
missing=""
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"; }
need chromium chromium
need storescu dcmtk
need dciodvfy dicom3tools
need Orthanc orthanc
need pdftotext poppler-utils
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
ls /usr/share/orthanc/plugins/libOrthancDicomWeb.so* >/dev/null 2>&1 \
  || missing="$missing orthanc-dicomweb"
# shellcheck disable=SC2086
[ -z "$missing" ] || install_debian $missing || echo "Tests that need them are skipped."

# The browser app is built anew from its source where a Node is there that can do it.
node_is_new='const [a, b] = process.versions.node.split(".").map(Number);
process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
if command -v npm >/dev/null 2>&1 && node -e "$node_is_new" 2>/dev/null; then
  lock="$(cksum < web/package-lock.json)"
  if [ "$(cat web/node_modules/.medlens-stamp 2>/dev/null)" != "$lock" ]; then
    npm ci --prefix web --no-audit --no-fund --ignore-scripts --loglevel=error
    echo "$lock" > web/node_modules/.medlens-stamp
  fi
else
  echo "Node 20.19 or newer is not there: the browser app's source is not checked."
fi

echo "== format";  "$PYTHON" -m ruff format --check .
echo "== lint";    "$PYTHON" -m ruff check .
echo "== types";   "$PYTHON" -m mypy
echo "== floors";  .venv/bin/lint-imports
# Two workers, each with whole files: fixtures of a file (a trained bundle, a server) are
# made once. More workers than that want more memory than a small machine has.
echo "== tests";   "$PYTHON" -m pytest --numprocesses 2 --dist loadfile --durations=25 "$@"
