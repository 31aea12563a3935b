#!/usr/bin/env bash
# Serves the provider of provider.mjs over TLS, for the tests `judge` of crates/identity: serve.sh CERTIFICATE KEY.
# The first line it prints is its port; it ends when its standard input does.
# shellcheck source=bin/lib.sh
. "$(dirname "$0")/../../bin/lib.sh"
PACKAGE=oidc-provider@9.13.3
here=$(cd "$(dirname "$0")" && pwd -P)
need_node
home=${WORDBOND_TOOLS:-$TOOLS}/npm/oidc
if [ "$(cat "$home/packages.txt" 2>/dev/null)" != "$PACKAGE" ]; then
    say "fetching $PACKAGE from npm into .tools"
    mkdir -p "$(dirname "$home")"
    # Made beside its place and moved there, so that two tests at once do not meet; no package runs anything on the way.
    draft=$(mktemp -d "$home.XXXXXX")
    npm install --prefix "$draft" --ignore-scripts --no-audit --no-fund --loglevel=error "$PACKAGE" >&2 ||
        die "npm could not install $PACKAGE"
    printf '%s' "$PACKAGE" >"$draft/packages.txt"
    rm -rf "$home"
    mv -T "$draft" "$home" 2>/dev/null || rm -rf "$draft"
fi
exec node "$here/provider.mjs" "$home/node_modules" "$@"
