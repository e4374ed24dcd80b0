#!/usr/bin/env bash
# Builds Versity's S3 gateway as go.mod beside this file pins it: a server that keeps objects as files and checks the
# signature of every request. Prints the directory that holds it, on stdout and nothing else; a second call finds the
# first one's work in ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   tests/s3/build.sh [--only-find]
#
# With --only-find it fails if that has not been done: it takes a minute.
set -euo pipefail
cd "$(dirname "$0")"
export GOTOOLCHAIN=local CGO_ENABLED=0

root=${GOTRACER_CACHE:-$HOME/.cache/gotracer}
built=$root/s3-$(cat go.mod build.sh | sha256sum | cut -c1-16)
if [ -d "$built" ]; then
  echo "$built"
  exit 0
fi
[ "${1:-}" != --only-find ] || exit 1
mkdir -p "$root"
tmp=$(mktemp -d "$root/.s3.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
go build -trimpath -ldflags "-s -w" -o "$tmp/" github.com/versity/versitygw/cmd/versitygw >&2
chmod 755 "$tmp"
# Another call may have been faster: then its result is as good.
mv -T "$tmp" "$built" 2>/dev/null || [ -d "$built" ]
echo "$built"
