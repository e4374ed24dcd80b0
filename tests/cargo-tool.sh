#!/usr/bin/env bash
# Builds a subcommand of Cargo that the tests use. Prints the directory that holds it, on stdout and nothing else; a second
# call finds the first one's work in ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   tests/cargo-tool.sh nextest|deny
set -euo pipefail

options=()
case ${1:-} in
  # Runs each test in a process of its own, and ends one that hangs.
  nextest)
    version=0.9.151
    options=(--no-default-features --features default-no-update)
    ;;
  # Checks licenses and sources of dependencies. It runs once: an unoptimized build takes half the time.
  deny)
    version=0.20.2
    options=(--debug --no-default-features)
    ;;
  *)
    echo "usage: cargo-tool.sh nextest|deny" >&2
    exit 2
    ;;
esac

built=${GOTRACER_CACHE:-$HOME/.cache/gotracer}/$1-$version
if [ ! -x "$built/bin/cargo-$1" ]; then
  cargo install "cargo-$1" --version "$version" --locked "${options[@]}" --root "$built" >&2
fi
echo "$built/bin"
