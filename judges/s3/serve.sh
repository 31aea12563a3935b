#!/usr/bin/env bash
# Serves the S3 of `moto`, which nobody here wrote, over TLS, for the tests `judge` of crates/store: serve.sh CERTIFICATE KEY.
# The first line it prints is its port; it ends when its standard input does.
# shellcheck source=bin/lib.sh
. "$(dirname "$0")/../../bin/lib.sh"
here=$(cd "$(dirname "$0")" && pwd -P)
python=$(python_packages moto python3 'moto[s3,server]==5.2.5') || die "moto could not be installed"
exec "$python" "$here/server.py" "$@"
