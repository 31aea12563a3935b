#!/usr/bin/env bash
# Serves the provider of provider.mjs over TLS, for the tests `judge` of crates/identity: serve.sh CERTIFICATE KEY.
# The first line it prints is its port; it ends when its standard input does.
# shellcheck source=bin/lib.sh
. "$(dirname "$0")/../../bin/lib.sh"
here=$(cd "$(dirname "$0")" && pwd -P)
need_node
home=$(node_packages oidc oidc-provider@9.13.3)
exec node "$here/provider.mjs" "$home/node_modules" "$@"
