#!/usr/bin/env bash
# Builds the program OUT that prints what the Go project's own summarizer says of a trace: build.sh OUT
#
# The summarizer is internal to the Go distribution. It is copied from the Go on the PATH, with other import paths, into a
# directory beside OUT; nothing of it is kept in this repository.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) out=$1 dir=$1.src
mkdir -p "$dir/itrace"
cp "$here/main.go" "$here/go.mod" "$dir/"
(
  cd "$(go env GOROOT)/src/internal/trace"
  find . -name '*.go' ! -name '*_test.go' ! -path './testdata/*' ! -path './testtrace/*' ! -path './raw/*' \
    ! -path './traceviewer/*' -exec cp --parents {} "$dir/itrace/" \;
)
find "$dir/itrace" -name '*.go' -exec sed -i 's#"internal/trace#"summary/itrace#' {} +
cd "$dir" && GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0 go build -o "$out" .
