#!/usr/bin/env bash
# Flips one byte in each kind of file of an exported log, one at a time, and demands that every outside verifier refuses;
# before and after, that every one accepts.
#
#   judges/ledger/tamper.sh LOG_DIRECTORY
#
# The log needs more than 256 entries, so that it has full and partial tiles. It is copied, not changed.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$1" "$work/log"
cp "$1/vkey" "$work/vkey"
rm "$work/log/vkey"
log=$work/log

first() { (cd "$log" && find "$1" -type f "${@:2}" | LC_ALL=C sort | head -1); }

# Flips the lowest bit of the byte that stands at the given share, in percent, of a file.
flip() {
    local at byte
    at=$(($(wc -c <"$log/$1") * $2 / 100))
    byte=$(od -An -tu1 -j "$at" -N 1 "$log/$1")
    # shellcheck disable=SC2059
    printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$log/$1" bs=1 seek="$at" conv=notrunc status=none
}

"$here/run.sh" "$log" "$work/vkey"
failed=0
for kind in "text of the checkpoint:checkpoint:25" "signature of the checkpoint:checkpoint:75" \
    "full hash tile:$(first tile/0 -not -path '*.p/*'):50" \
    "partial hash tile:$(first tile/0 -path '*.p/*'):50" \
    "partial hash tile above:$(first tile/1 -path '*.p/*'):50" \
    "full entry bundle:$(first tile/entries -not -path '*.p/*'):50" \
    "partial entry bundle:$(first tile/entries -path '*.p/*'):50"; do
    IFS=: read -r name file share <<<"$kind"
    [ -f "$log/$file" ] || { echo "tamper: the log has no $name"; exit 2; }
    cp "$log/$file" "$work/whole"
    flip "$file" "$share"
    echo "== one byte of the $name ($file)"
    said=$("$here/run.sh" "$log" "$work/vkey" || true)
    echo "$said"
    case $said in
    *"ledger judges: 0 of "*) ;;
    *) echo "tamper: NOT every judge refused"; failed=1 ;;
    esac
    cp "$work/whole" "$log/$file"
done
echo "== put right"
"$here/run.sh" "$log" "$work/vkey"
[ "$failed" -eq 0 ] && echo "tamper: every judge refused every flipped byte"
