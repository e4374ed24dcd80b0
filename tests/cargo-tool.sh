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
  # Checks licenses and sources of dependencies.
  deny)
    version=0.20.2
    options=(--no-default-features)
    ;;
  *)
    echo "usage: cargo-tool.sh nextest|deny" >&2
    exit 2
    ;;
esac

built=${GOTRACER_CACHE:-$HOME/.cache/gotracer}/$1-$version
if [ ! -x "$built/bin/cargo-$1" ]; then
  # They do little themselves: a build without optimizations and debug information takes half the time.
  CARGO_PROFILE_DEV_DEBUG=0 cargo install "cargo-$1" --debug --version "$version" --locked "${options[@]}" --root "$built" >&2
fi
echo "$built/bin"
