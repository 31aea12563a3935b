#!/usr/bin/env bash
# A SAML identity provider of other authors (npm samlp), fetched once into .tools:
#   provider.sh metadata DIR                                  prints its metadata; DIR holds key.pem and certificate.pem
#   provider.sh answer DIR URL assertion|response|both        answers the request in the address, as base64
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=bin/lib.sh
. "$here/../../bin/lib.sh"

need_node
home=$(node_packages saml samlp@7.1.1)
exec node --no-deprecation "$here/provider.js" "$home/node_modules" "$@"
