#!/usr/bin/env bash
# Install a Debian or Ubuntu package if what it brings is missing.
#   need.sh COMMAND PACKAGE      a command
#   need.sh --python PYTHON      that interpreter with its venv module, 3.11 or newer
set -euo pipefail

install() {
  echo "installing $*" >&2
  local sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if [ "$1" = --python ]; then
  python=$2
  command -v "$python" >/dev/null || install python3
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Strongroom needs Python 3.11 or newer; call make with PYTHON=/path/to/python3.11" >&2
    exit 1
  }
  "$python" -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
else
  command -v "$1" >/dev/null || install "$2"
fi
