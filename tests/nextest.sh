#!/usr/bin/env bash
# Builds cargo-nextest, which runs each test in a process of its own and ends one that hangs. Prints the directory that
# holds it, on stdout and nothing else; a second call finds the first one's work in
# ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   tests/nextest.sh
set -euo pipefail

VERSION=0.9.151

built=${GOTRACER_CACHE:-$HOME/.cache/gotracer}/nextest-$VERSION
if [ ! -x "$built/bin/cargo-nextest" ]; then
  cargo install cargo-nextest --version "$VERSION" --locked --no-default-features --features default-no-update \
    --root "$built" >&2
fi
echo "$built/bin"
