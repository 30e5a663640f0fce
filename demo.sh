#!/bin/sh
# The whole road on real brain-MRI images: install, fetch, run, then the browser app
# with the trained bundle and sample studies in it.
# Safe to stop and to repeat: what is done already is not done again.
#   sh demo.sh             ends with the page open; it stays until Ctrl-C
#   sh demo.sh --no-serve  nothing that waits for a person
set -eu
cd "$(dirname "$0")"
. ./scripts/venv.sh

EXTRAS=train,serve
[ "${1:-}" != "--no-serve" ] || EXTRAS=train
make_venv "$EXTRAS"
DATA="${MEDLENS_DEMO_DATA:-medlens-data}"
OUT="${MEDLENS_DEMO_OUT:-medlens-run-br35h}"
SAMPLES="${MEDLENS_DEMO_SAMPLES:-medlens-demo-samples}"
SERVICE="${MEDLENS_DEMO_SERVICE:-medlens-demo-service}"

"$PYTHON" -m medlens data get br35h --out "$DATA"
if [ -f "$OUT/report.html" ] && "$PYTHON" -m medlens info "$OUT" >/dev/null 2>&1; then
  echo "The demo has run before; its result is in $OUT (delete that folder to run it again)."
else
  "$PYTHON" -m medlens run "$DATA/br35h" --out "$OUT"
fi
"$PYTHON" -m medlens data samples "$OUT" "$DATA/br35h" --out "$SAMPLES" \
  --modality MR --body-part HEAD >/dev/null
echo
echo "Report: $(pwd)/$OUT/report.html"
echo "Samples: $(pwd)/$SAMPLES (testset.zip there can be dropped on the page of models)"
if [ "${1:-}" = "--no-serve" ]; then
  echo "To look at it in the browser: sh demo.sh"
  echo "Research software, not a medical device."
  exit 0
fi
echo "Log: $(pwd)/$SERVICE.log"
# Ports of 0: free ones, whatever else runs here.
"$PYTHON" -m medlens serve "$OUT/bundle" --demo --samples "$SAMPLES" \
  --data "$SERVICE" --port 0 --dicom-port 0 --quiet 2 --open 2>"$SERVICE.log" || {
  tail -n 3 "$SERVICE.log" >&2
  exit 1
}
