#!/usr/bin/env bash
# Builds Versity's S3 gateway, and prints its directory: see tests/build-once.sh. The server keeps objects as files and
# checks the signature of every request.
#
#   tests/s3/build.sh [--only-find]
set -euo pipefail
cd "$(dirname "$0")"
. ../build-once.sh

build() {
  go build -trimpath -ldflags "-s -w" -o "$1/" github.com/versity/versitygw/cmd/versitygw
}

build_once s3 "$@"
