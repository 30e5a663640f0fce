#!/bin/sh
# The whole road on real brain-MRI images: install, fetch, run, show the report.
# Safe to stop and to repeat: what is done already is not done again.
#   sh demo.sh             also tells how to open the report
#   sh demo.sh --no-serve  nothing that waits for a person
set -eu
cd "$(dirname "$0")"
. ./scripts/venv.sh

make_venv train
DATA="${MEDLENS_DEMO_DATA:-medlens-data}"
OUT="${MEDLENS_DEMO_OUT:-medlens-run-br35h}"

"$PYTHON" -m medlens data get br35h --out "$DATA"
if [ -f "$OUT/report.html" ] && "$PYTHON" -m medlens info "$OUT" >/dev/null 2>&1; then
  echo "The demo has run before; its result is in $OUT (delete that folder to run it again)."
else
  "$PYTHON" -m medlens run "$DATA/br35h" --out "$OUT"
fi
echo
echo "Report: $(pwd)/$OUT/report.html"
echo "Research software, not a medical device."
if [ "${1:-}" != "--no-serve" ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] \
  && command -v xdg-open >/dev/null 2>&1; then
  xdg-open "$OUT/report.html" >/dev/null 2>&1 || true
fi
