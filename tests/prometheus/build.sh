#!/usr/bin/env bash
# Builds Prometheus 3, promtool and Jsonnet as go.mod beside this file pins them. Prints the directory that holds them,
# on stdout and nothing else; a second call finds the first one's work in ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   tests/prometheus/build.sh [--only-find]
#
# With --only-find it fails if that has not been done: it takes some minutes.
set -euo pipefail
cd "$(dirname "$0")"
export GOTOOLCHAIN=local CGO_ENABLED=0

root=${GOTRACER_CACHE:-$HOME/.cache/gotracer}
built=$root/prometheus-$(cat go.mod build.sh | sha256sum | cut -c1-16)
if [ -d "$built" ]; then
  echo "$built"
  exit 0
fi
[ "${1:-}" != --only-find ] || exit 1
mkdir -p "$root"
tmp=$(mktemp -d "$root/.prometheus.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# The tests use static targets only. The clients of all clouds would be two thirds of the build.
prometheus=github.com/prometheus/prometheus
go build -trimpath -tags remove_all_sd -o "$tmp/" \
  -ldflags "-s -w -X github.com/prometheus/common/version.Version=$(go list -m -f '{{.Version}}' $prometheus)" \
  $prometheus/cmd/prometheus $prometheus/cmd/promtool github.com/google/go-jsonnet/cmd/jsonnet >&2
chmod 755 "$tmp"
# Another call may have been faster: then its result is as good.
mv -T "$tmp" "$built" 2>/dev/null || [ -d "$built" ]
echo "$built"
