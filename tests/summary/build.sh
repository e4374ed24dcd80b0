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
# Its minimum mutator utilization has a fault (Go 1.22 to 1.27): a mark worker is counted again at each start, and never
# leaves the count once it is idle, so that its P collects forever. The copy counts a worker once, and drops idle ones.
worker='bgMark[ev.Goroutine()]'
perl -0pi -e '
  $n = s/(\Q'"$worker"'\E = true\n\s*ps\[ev\.Proc\(\)\]\.gc\+\+)/if !'"$worker"' {\n$1\n}/;
  $n += s/(\n\t\tcase EventLabel:\n\t\t\tl := ev\.Label\(\)\n)/$1\t\t\tif l.Label == "GC (idle)" && '"$worker"' {\ndelete(bgMark, ev.Goroutine())\nps[ev.Proc()].gc--\n}\n/;
  die "internal\/trace\/gc.go of this Go is not known\n" unless $n == 2;
' "$dir/itrace/gc.go"
cd "$dir" && GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0 go build -o "$out" .
