# shellcheck shell=bash
# What the judges of the page share. Sourced, never run: JUDGE.sh [URL CA], or WORDBOND_URL and WORDBOND_CA instead.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=bin/lib.sh
. "$here/../../bin/lib.sh"

URL=${1:-${WORDBOND_URL:?"usage: $(basename "$0") URL CA"}}
CA=${2:-${WORDBOND_CA:?"usage: $(basename "$0") URL CA"}}
URL=${URL%/}
# shellcheck disable=SC2034 # the judges of TLS and headers use it
PLACE=${URL#https://}

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

# ask PATH: the body of what the service answers there.
ask() { curl -sS --fail-with-body --cacert "$CA" "$URL$1"; }
