#!/usr/bin/env bash
# Lets xmlsec1 judge the documents in a folder, in one of two ways:
#   xmlsec.sh sign DIR     fills in the signature templates DIR/*.template.xml with DIR/key.pem, as DIR/*.signed.xml
#   xmlsec.sh verify DIR   verifies DIR/*.xml with DIR/certificate.pem and prints «NAME ok» or «NAME refused» for each
set -euo pipefail

# shellcheck source=bin/lib.sh
. "$(dirname "$0")/../../bin/lib.sh"
need xmlsec1 xmlsec1 "a judge of SAML signatures"

way=${1:?"usage: xmlsec.sh sign|verify DIR"}
cd "${2:?"usage: xmlsec.sh sign|verify DIR"}"

IDS=(--id-attr:ID urn:oasis:names:tc:SAML:2.0:assertion:Assertion --id-attr:ID urn:oasis:names:tc:SAML:2.0:protocol:Response)

case $way in
sign)
    for template in *.template.xml; do
        xmlsec1 --sign --privkey-pem key.pem "${IDS[@]}" --output "${template%.template.xml}.signed.xml" "$template"
    done
    ;;
verify)
    for document in *.xml; do
        if xmlsec1 --verify --pubkey-cert-pem certificate.pem "${IDS[@]}" "$document" >/dev/null 2>&1; then
            echo "$document ok"
        else
            echo "$document refused"
        fi
    done
    ;;
*)
    echo "usage: xmlsec.sh sign|verify DIR" >&2
    exit 2
    ;;
esac
