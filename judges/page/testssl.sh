#!/usr/bin/env bash
# testssl.sh (apt) judges the listener: nothing of severity LOW or worse. Two ids are what it always says about an authority
# of one's own without CRL and OCSP, and about an OpenSSL without old engines; nothing else is let pass.
# shellcheck source=judges/page/lib.sh
. "$(dirname "$0")/lib.sh"
ALLOWED='cert_revocation engine_problem'
program=$(command -v testssl || command -v testssl.sh) || die "testssl.sh is missing: apt-get install testssl.sh"
judge() {
    rm -f "$room/testssl.json"
    "$program" --quiet --color 0 --warnings batch --nodns min --add-ca "$CA" --jsonfile "$room/testssl.json" "$URL/trust" >"$room/testssl.txt" 2>&1 || true
    python3 - "$room/testssl.json" "$ALLOWED" <<'PYTHON'
import json, sys
allowed = sys.argv[2].split()
lines = json.load(open(sys.argv[1], encoding="utf-8"))
bad = [one for one in lines if one["severity"] not in {"OK", "INFO", "DEBUG"} and one["id"].split()[0] not in allowed]
for one in bad:
    print(f"testssl: {one['severity']}: {one['id']}: {one['finding']}")
# A scan that broke off early must not pass for a clean one.
if not any(one["id"] == "TLS1_3" and one["severity"] == "OK" for one in lines):
    bad.append(None)
    print("testssl: TLS 1.3 was not seen")
print(f"testssl: {len(bad)} findings in {len(lines)} checks")
sys.exit(1 if bad else 0)
PYTHON
}

# On a busy machine single checks of it fail to connect, which it reports like a finding: such a scan is made once more.
judge || judge || {
    tail -n 20 "$room/testssl.txt"
    exit 1
}
