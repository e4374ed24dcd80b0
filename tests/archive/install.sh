#!/usr/bin/env bash
# Installs DuckDB, and prints the path of a Python that has it, on stdout and nothing else; a second call finds the first
# one's work in ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   tests/archive/install.sh [--only-find]
#
# With --only-find it fails if that has not been done.
set -euo pipefail

DUCKDB=2.0.1
PYTZ=2026.6

root=${GOTRACER_CACHE:-$HOME/.cache/gotracer}
installed=$root/duckdb-$DUCKDB
if [ ! -e "$installed/done" ]; then
  [ "${1:-}" != --only-find ] || exit 1
  mkdir -p "$root"
  rm -rf "$installed"
  python3 -m venv "$installed" >&2
  "$installed/bin/pip" install -q --disable-pip-version-check "duckdb==$DUCKDB" "pytz==$PYTZ" >&2
  touch "$installed/done"
fi
echo "$installed/bin/python"
