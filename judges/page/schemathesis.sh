#!/usr/bin/env bash
# schemathesis (PyPI) fuzzes every operation that /openapi.json describes, as a stranger and as the owner of a new team: no
# answer is a 5xx, and each is one that the document announces, in the form that it announces.
# shellcheck source=judges/page/lib.sh
. "$(dirname "$0")/lib.sh"
python=$(python_packages schemathesis "$(command -v python3)" schemathesis==4.32.0)
ask /openapi.json >"$room/openapi.json"
token=$(curl -sS --fail-with-body --cacert "$CA" -H 'Content-Type: application/json' \
    --data '{"name": "Fuzzed works", "person": {"name": "Fritz", "email": "fritz@example.org"}}' "$URL/api/tenants" |
    sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
[ -n "$token" ] || die "the service gave no token to a new team"
# What a document cannot say (which ids exist, which addresses are taken) is answered with 4xx: those are not judged as
# rejected valid data. `--max-examples` bounds the time; the seed is printed on failure. One worker: with more, Python 3.11 may
# end with a SystemError of its own (CPython issue 106905).
fuzz() {
    local name=$1
    shift
    # It keeps notes in the folder where it runs.
    (cd "$room" && SSL_CERT_FILE=$CA REQUESTS_CA_BUNDLE=$CA "$(dirname "$python")/schemathesis" run "$room/openapi.json" --url "$URL" \
        --tls-verify "$CA" --workers 1 --max-examples "${EXAMPLES:-15}" --phases examples,coverage,fuzzing \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --suppress-health-check all --no-color "$@") >"$room/schemathesis-$name.txt" 2>&1 || {
        tail -n 60 "$room/schemathesis-$name.txt"
        die "schemathesis as $name found something"
    }
    tail -n 12 "$room/schemathesis-$name.txt" | sed "s/^/$name: /"
}
fuzz stranger
fuzz owner --header "Authorization: Bearer $token"
