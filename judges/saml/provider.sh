#!/usr/bin/env bash
# A SAML identity provider of other authors (npm samlp), fetched once into .tools:
#   provider.sh metadata DIR                                  prints its metadata; DIR holds key.pem and certificate.pem
#   provider.sh answer DIR URL assertion|response|both        answers the request in the address, as base64
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=bin/lib.sh
. "$here/../../bin/lib.sh"

SAMLP=samlp@7.1.1
home=$TOOLS/npm/saml
if [ "$(cat "$home/packages.txt" 2>/dev/null)" != "$SAMLP" ]; then
    rm -rf "$home"
    mkdir -p "$home"
    npm install --prefix "$home" --ignore-scripts --no-audit --no-fund --loglevel=error "$SAMLP" >&2 || die "npm could not install $SAMLP"
    printf '%s' "$SAMLP" >"$home/packages.txt"
fi
exec node --no-deprecation "$here/provider.js" "$home/node_modules" "$@"
