#!/bin/sh
# Runs the main job on a fresh machine: installs what the build and the tour need, builds authctl, and walks through it.
set -eu
cd "$(dirname "$0")/.."
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
missing=""
need cc gcc
need curl curl
if [ -n "$missing" ]; then
    echo "Installing:$missing"
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -q
    # shellcheck disable=SC2086 # each name is a separate word
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends ca-certificates libc6-dev $missing
fi
exec cargo run --locked --quiet --example tour -- "$@"
