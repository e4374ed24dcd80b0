#!/usr/bin/env bash
# Builds kube-score, which checks rendered manifests for common mistakes. Prints the directory that holds it, on stdout and
# nothing else; a second call finds the first one's work in ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   tests/kubernetes/score.sh [--only-find]
#
# With --only-find it fails if that has not been done.
set -euo pipefail
version=1.20.0
built=${GOTRACER_CACHE:-$HOME/.cache/gotracer}/kube-score-$version
if [ ! -x "$built/kube-score" ]; then
  [ "${1:-}" != --only-find ] || exit 1
  GOTOOLCHAIN=local CGO_ENABLED=0 GOBIN=$built \
    go install -trimpath -ldflags "-s -w" "github.com/zegl/kube-score/cmd/kube-score@v$version" >&2
fi
echo "$built"
