# Shared by the scripts beside this file: installs what is missing, quietly, and says what it does.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache="$root/target/test-clients"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"

# A line that starts a step; the time since the script began makes slow steps visible.
step() { printf '\n== %s  [%ds]\n' "$*" "$SECONDS"; }

fail() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -n "$@" || fail "needs root for: $* (run as root, or let sudo run without a password)"
    else
        fail "needs root for: $* (run as root, or install sudo)"
    fi
}

# Runs a command silently; shows what it printed only when it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        fail "$*"
    fi
    rm -f "$log"
}

# What builds the workspace.
# libssl-dev is for the feature legacy-tls only.
build_packages=(gcc libc6-dev make pkg-config libssl-dev)
# The programs that the end-to-end tests drive.
client_packages=(softhsm2 opensc gnutls-bin libengine-pkcs11-openssl openssl openssh-client
    openssh-server default-jdk-headless valgrind libnss3-tools nginx stunnel4 knot knot-dnssecutils
    libhsm-bin bind9-utils cryptsetup-bin p11-kit systemd)
# The programs that the demonstration drives.
demo_packages=(softhsm2 opensc libengine-pkcs11-openssl openssl)
python_packages=(python3 python3-venv)

# Installs the Debian packages named that are not there. The package lists are fetched only then.
need_debian() {
    command -v dpkg-query >/dev/null || {
        echo "not a Debian system: taking for granted that these are there: $*" >&2
        return 0
    }
    local missing=() package
    for package in "$@"; do
        # Any stage of "installed" other than this one leaves the package unusable.
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    step "installing ${missing[*]}"
    quietly as_root apt-get update -q
    # openssh-server, nginx and knot must not start daemons of their own: the tests start private ones.
    quietly as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# The OASIS test cases of KMIP belong to no project but theirs: they are beside this one, or where
# KEYBRIDGE_KMIP_CASES says. Says what is missing; with CI set, that is a failure.
say_oasis_cases() {
    local cases="${KEYBRIDGE_KMIP_CASES:-$root/../shared/reference/kmip/test-cases}" missing=0 listed name
    listed=$(wc -l <"$root/tests/tests/oasis/cases.txt")
    while read -r name; do
        [ -f "$cases/$name.xml" ] || missing=$((missing + 1))
    done <"$root/tests/tests/oasis/cases.txt"
    [ "$missing" -eq 0 ] && return 0
    case "${CI:-}" in
    "" | false) ;;
    *) fail "$missing of $listed OASIS test cases of KMIP are not at $cases" ;;
    esac
    echo "$missing of $listed OASIS test cases of KMIP are not at $cases: their tests count as skipped"
}

need_rust() {
    command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
    command -v cargo >/dev/null || fail "no Rust toolchain: install one with rustup, then run this again"
}

# Installs a cargo subcommand from source when it is missing. Unoptimised and without debugging
# information: it builds in a third of the time, and neither program is what a run waits for.
need_cargo_tool() {
    command -v "$1" >/dev/null && return 0
    step "building $1 (once, takes minutes)"
    quietly env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 \
        cargo install --locked --debug --quiet "$1"
    hash -r
    command -v "$1" >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
}

# The Python clients, at the versions that tests/clients/requirements.txt pins, in a folder under
# target/. It is made anew when that file changes.
need_python_clients() {
    local wanted="$root/tests/clients/requirements.txt" stamp="$cache/requirements.txt"
    if ! cmp -s "$wanted" "$stamp"; then
        step "installing the Python clients"
        rm -rf "$cache/venv"
        mkdir -p "$cache"
        quietly /usr/bin/python3 -m venv "$cache/venv"
        quietly "$cache/venv/bin/pip" install --quiet --no-input --disable-pip-version-check \
            --no-deps --only-binary :all: --requirement "$wanted"
        cp "$wanted" "$stamp"
    fi
    export KEYBRIDGE_TEST_PYTHON="$cache/venv/bin/python"
}

# Builds the two products into one profile's folder and exports where they are.
# $1: dev or release.
build_products() {
    local folder=$1
    [ "$1" = dev ] && folder=debug
    (cd "$root" && cargo build --locked --quiet --profile "$1" -p keybridge-server -p keybridge-pkcs11) ||
        fail "the build of keybridge"
    local target="${CARGO_TARGET_DIR:-$root/target}/$folder"
    export KEYBRIDGE_BIN="$target/keybridge"
    export KEYBRIDGE_MODULE="$target/libkeybridge_pkcs11.so"
}
