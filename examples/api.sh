#!/bin/sh
# Send a file to a running service with curl, wait, and print what was found.
#
#   sh examples/api.sh http://127.0.0.1:8000 chest.dcm
#
# A token is read from MEDLENS_TOKEN; a service started with --demo needs none.
set -eu

url=${1:?usage: sh examples/api.sh URL FILE}
file=${2:?usage: sh examples/api.sh URL FILE}

# A token on a command line is seen by everybody on the machine: it goes in by a pipe.
ask() {
    printf 'header = "Authorization: Bearer %s"\n' "${MEDLENS_TOKEN:-none}" |
        if [ -n "${MEDLENS_TOKEN:-}" ]; then cat; else cat >/dev/null; fi |
        curl --silent --show-error --fail-with-body --max-time 60 --config - "$@"
}

# The value of a plain key of a JSON reply; use jq where it is installed.
value() {
    sed -n "s/.*\"$1\":\(\[\)\{0,1\}\"\{0,1\}\([^],\"}]*\).*/\2/p"
}

reply=
# Ask, and keep what came; a refusal is a problem document that says why (RFC 9457).
try() {
    reply=$(ask "$@") || {
        printf '%s\n' "$reply" >&2
        exit 1
    }
}

try --form "file=@$file" "$url/api/v1/uploads"
study=$(printf '%s' "$reply" | value studies)
echo "study $study" >&2

try --request POST --header "Idempotency-Key: answer-$study-$$" \
    "$url/api/v1/studies/$study/answers"

tries=0
while :; do
    try "$url/api/v1/studies/$study"
    line=$(printf '%s' "$reply" | sed 's/"series":.*//')
    case $(printf '%s' "$line" | value state) in
    answered | refused) break ;;
    failed) echo "study $study failed" >&2; exit 1 ;;
    esac
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { echo "no answer after 120 s" >&2; exit 1; }
    sleep 1
done

result=$(printf '%s' "$line" | value result_id)
try "$url/api/v1/results/$result/text"
printf '%s\n' "$reply"
