#!/usr/bin/env bash
# Lets the two outside verifiers judge an exported log.
#
#   judges/ledger/run.sh LOG_DIRECTORY [VKEY_FILE]
#
# The key should come from elsewhere than the log; without VKEY_FILE the one beside it is taken. Exit 0: every judge that
# could be had accepts. 1: one refuses. 3: none could be had. 4: one failed to judge.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
log=$1
vkey=${2:-$log/vkey}
"$here/prepare.sh"
tools=$(cd "${WORDBOND_TOOLS:-$here/../../.tools}/ledger" && pwd)

judges=0 refused=0
ask() {
    local answer=0
    judges=$((judges + 1))
    "$@" "$vkey" "$log" || answer=$?
    case $answer in
    0) ;;
    1) refused=$((refused + 1)) ;;
    *) echo "ledger judges: $1 failed to judge"; exit 4 ;;
    esac
}
[ ! -x "$tools/go/judge" ] || ask "$tools/go/judge"
[ ! -e "$tools/aics/ready" ] || ask "$tools/aics/bin/python" "$here/aics.py"
[ "$judges" -gt 0 ] || { echo "ledger judges: none could be had, nothing was judged"; exit 3; }
echo "ledger judges: $((judges - refused)) of $judges accept"
[ "$refused" -eq 0 ]
