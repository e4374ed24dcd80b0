#!/usr/bin/env bash
# Makes the traces of this directory: needs Go 1.27 as `go`, or its path as the first argument.
set -euo pipefail
cd "$(dirname "$0")"
go=${1:-go}
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$scratch"' EXIT
"$go" build -trimpath -o "$scratch/shop" .
mkdir -p main branch
for side in main branch; do
  "$scratch/shop" $([ $side = main ] && echo -concurrent) 2>"$scratch/log" &
  server=$!
  sleep 1
  "$scratch/shop" -load http://localhost:6060 &
  load=$!
  sleep 2
  for i in 1 2 3; do
    curl -sS -o "$side/$i.trace" 'http://localhost:6060/debug/pprof/trace?seconds=1'
  done
  kill $server $load
  wait $server $load 2>/dev/null || true
done
cp branch/1.trace checkout.trace
gzip -9 main/*.trace branch/*.trace
