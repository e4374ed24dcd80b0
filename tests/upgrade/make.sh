#!/usr/bin/env bash
# Writes tests/upgrade/VERSION with a released gotracer: make.sh BINARY VERSION.
# What a version wrote stays as it is: later versions have to read it.
set -euo pipefail
binary=$(realpath "$1") version=$2
tests=$(cd "$(dirname "$0")/.." && pwd)
target=$tests/upgrade/$version
rm -rf "$target"; mkdir -p "$target/in"; cd "$target"

cat > gotracer.yml <<'YML'
preset: service
rules:
  MutexContention: {warn: 10ms, error: 100ms}
services:
  shop: {preset: low-latency}
prometheus: {series_limit: 500}
releases: {warmup: 0s, min_captures: 2}
evidence: {severity: error, interval: 1ms, max_age: 36500d, max_bytes: 64MiB}
watch_configs:
  - directory: in
    patterns: ['{service}_{version}_{timestamp}.trace']
    settle: 300ms
YML
fixtures=$tests/fixtures/go1.25.5
cp "$fixtures/empty.trace" in/shop_1_1.trace
cp "$fixtures/mutex_long.trace" in/shop_2_1.trace
head -c 9000 "$fixtures/mutex_long.trace" > in/shop_2_2.trace

# Runs the daemon until the journal has so many lines.
serve() {
    local lines=$1; shift
    "$binary" serve --config gotracer.yml --storage.path storage --evidence.path evidence \
        --web.listen-address 127.0.0.1:0 --web.external-url http://gotracer "$@" & pid=$!
    until [ "$(cat storage/analysed 2>/dev/null | wc -l)" -ge "$lines" ]; do sleep 0.1; done
    sleep 2 # Releases are stored every second.
    kill -TERM $pid; wait $pid || true
}
serve 3
# Counted, and never acknowledged by a receiver.
cp "$fixtures/idle.trace" in/shop_2_3.trace
serve 4 --otlp.endpoint http://127.0.0.1:9

"$binary" analyze --format json in/shop_1_1.trace > report.json || true
"$binary" analyze --write-baseline baseline.json in/shop_2_1.trace > /dev/null || true
gzip -9n storage/releases.redb
