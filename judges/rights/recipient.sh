#!/usr/bin/env bash
# Whoever else holds the data: a recipient that verifies with PyJWT and the published keys, and that is told of an erasure as any
# application would be. Prints what happened; exits 1 at the first thing that is not as it should be.
#
#   judges/rights/recipient.sh

. "$(dirname "${BASH_SOURCE[0]}")/../../bin/lib.sh"
cd "$HOUSE"

need_postgres
python=$(python_packages recipient python3 'pyjwt[crypto]==2.10.1' requests) || die "PyJWT could not be installed"
need_wordbond

scratch=$(scratch_dir)
public=$(free_port)
port=$(free_port)
url=https://localhost:$public
pids=()
finish() {
    local pid
    for pid in "${pids[@]}"; do stop "$pid" || true; done
    rm -rf "$scratch"
}
trap finish EXIT

"$WORDBOND_BIN" up --profile "$HOUSE/profiles/gate.toml" --listen "127.0.0.1:$public" --data-dir "$scratch/house" \
    --recipient "beside=http://127.0.0.1:$port/events" --pg-bin "$POSTGRES_BIN" >"$scratch/house.log" 2>&1 </dev/null &
pids+=($!)
wait_for_file "$scratch/house/ready.json" 60 "${pids[0]}" || die "it did not start: $(tail -n 5 "$scratch/house.log")"
"$python" "$HOUSE/judges/rights/recipient.py" "$port" "$url" "$scratch/house/tls/ca.pem" "$scratch/forgotten" \
    >"$scratch/recipient.log" 2>&1 </dev/null &
pids+=($!)
"$python" "$HOUSE/judges/rights/recipient_asks.py" "$url" "$scratch/house/tls/ca.pem" "$scratch/forgotten"
