#!/usr/bin/env bash
# sslyze (PyPI) judges the listener: Mozilla's modern configuration, a certificate that verifies, no known weakness.
# shellcheck source=judges/page/lib.sh
. "$(dirname "$0")/lib.sh"
python=$(python_packages sslyze "$(command -v python3)" sslyze==6.3.1)
"$(dirname "$python")/sslyze" --certinfo_ca_file "$CA" --mozilla_config modern --json_out "$room/sslyze.json" "$PLACE" >"$room/sslyze.txt" || code=$?
"$python" - "$room/sslyze.json" <<'PYTHON'
import json, sys
found = []
for server in json.load(open(sys.argv[1], encoding="utf-8"))["server_scan_results"]:
    scans = server["scan_result"] or {}
    if server["scan_status"] != "COMPLETED":
        found.append(f"the scan did not complete: {server['connectivity_error_trace'] or server['scan_status']}")
        continue
    for name in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2"):
        if (scans[f"{name}_cipher_suites"]["result"] or {}).get("accepted_cipher_suites") != []:
            found.append(f"{name} is accepted, or was not tried")
    if not (scans["tls_1_3_cipher_suites"]["result"] or {}).get("accepted_cipher_suites"):
        found.append("TLS 1.3 is not accepted")
    for chain in (scans["certificate_info"]["result"] or {}).get("certificate_deployments", []):
        paths = chain["path_validation_results"]
        if not any(path["was_validation_successful"] and path["trust_store"]["name"] == "Supplied CA file" for path in paths):
            found.append("the certificate does not verify")
    if (scans["heartbleed"]["result"] or {}).get("is_vulnerable_to_heartbleed") is not False:
        found.append("heartbleed, or not tried")
for one in found:
    print(f"sslyze: {one}")
print(f"sslyze: {len(found)} findings")
sys.exit(1 if found else 0)
PYTHON
if [ "${code:-0}" != 0 ]; then
    sed -n '/COMPLIANCE/,$p' "$room/sslyze.txt"
    die "sslyze ended with $code"
fi
