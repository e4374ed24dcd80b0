#!/usr/bin/env bash
# Builds Prometheus 3, promtool and Jsonnet, and prints their directory: see tests/build-once.sh.
#
#   tests/prometheus/build.sh [--only-find]
set -euo pipefail
cd "$(dirname "$0")"
. ../build-once.sh

# The tests use static targets only. The clients of all clouds would be two thirds of the build.
build() {
  local prometheus=github.com/prometheus/prometheus
  go build -trimpath -tags remove_all_sd -o "$1/" \
    -ldflags "-s -w -X github.com/prometheus/common/version.Version=$(go list -m -f '{{.Version}}' $prometheus)" \
    $prometheus/cmd/prometheus $prometheus/cmd/promtool github.com/google/go-jsonnet/cmd/jsonnet
}

build_once prometheus "$@"
