#!/usr/bin/env bash
# Makes release artifacts of a binary, installs them as a user would, and runs the steps of action.yml with them.
#
#   tests/packaging/test.sh BINARY
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$(realpath "$1")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

version=$("$binary" -V | cut -d' ' -f2)
target=$(rustc -vV | sed -n 's/^host: //p')
release=$tmp/releases/v$version
packaging/package "$binary" "$target" "$release"

# What is in it.
(cd "$release" && sha256sum --quiet -c SHA256SUMS) || fail "checksums"
name=gotracer-$version-$target
tar -xzf "$release/$name.tar.gz" -C "$tmp"
for file in gotracer README.md LICENSE-MIT THIRD-PARTY-LICENSES.txt completions/_gotracer man/gotracer-serve.1 gotracer.service; do
  [ -s "$tmp/$name/$file" ] || fail "no $file"
done
cmp "$binary" "$tmp/$name/gotracer"
grep -q '^tokio ' "$tmp/$name/THIRD-PARTY-LICENSES.txt" || fail "no license of tokio"
python3 - "$tmp/$name/gotracer.cdx.json" <<'PYTHON' || fail "bill of materials"
import json, sys
bill = json.load(open(sys.argv[1]))
names = {c["name"] for c in bill["components"]}
refs = {c["bom-ref"] for c in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
assert {"gotrace", "hyper", "prometheus-client", "zstd"} <= names and "insta" not in names, names
assert all(set(d["dependsOn"]) <= refs for d in bill["dependencies"])
assert all("licenses" in c for c in bill["components"])
PYTHON
dpkg-deb -x "$release"/gotracer_*.deb "$tmp/deb"
"$tmp/deb/usr/bin/gotracer" check-config "$tmp/deb/etc/gotracer/gotracer.yml" >/dev/null || fail "the package's configuration"
[ -s "$tmp/deb/usr/lib/systemd/system/gotracer.service" ] || fail "no unit"

# As a user installs it; a file that was changed on its way is refused.
export GOTRACER_RELEASES=file://$tmp/releases GOTRACER_BIN=$tmp/bin RUNNER_TEMP=$tmp/runner
packaging/install.sh "$version" >/dev/null
[ "$("$tmp/bin/gotracer" -V)" = "gotracer $version" ] || fail "another version"
cp -r "$tmp/releases" "$tmp/changed"
echo >>"$tmp/changed/v$version/$name.tar.gz"
! GOTRACER_RELEASES=file://$tmp/changed packaging/install.sh "$version" 2>"$tmp/refusal" || fail "a changed archive was installed"
grep -q "another checksum" "$tmp/refusal" || fail "$(cat "$tmp/refusal")"

# The steps of the action, with the variables that action.yml gives them.
action() { # action VERDICT TRACES BASE
  rm -rf "$RUNNER_TEMP"
  mkdir -p "$RUNNER_TEMP"
  : >"$tmp/output" && : >"$tmp/summary"
  local start
  start=$(date +%s.%N)
  packaging/install.sh "$version" >/dev/null
  PATH=$GOTRACER_BIN:$PATH GITHUB_OUTPUT=$tmp/output GITHUB_STEP_SUMMARY=$tmp/summary TRACES=$2 BASE=$3 BASELINE='' \
    FAIL_ON=error FAIL_ON_REGRESSION=10% packaging/action/analyze.sh >"$tmp/log" 2>&1
  python3 -c "import sys, time; print(f'seconds to a verdict of the action: {time.time() - float(sys.argv[1]):.1f}')" "$start"
  grep -qx "verdict=$1" "$tmp/output" || fail "$(cat "$tmp/output" "$tmp/log")"
  grep -q '^<!-- gotracer -->$' "$tmp/summary" || fail "no report"
}
traces=tests/fixtures/go1.27.3
action 1 "$traces/mutex_long.trace" ""
python3 -m json.tool "$RUNNER_TEMP/gotracer/gotracer.sarif" >/dev/null || fail "no SARIF"
action 0 "$traces/idle.trace" ""
action 0 "$traces/idle.trace" "$traces/idle.trace"
action 2 "$tmp/none.trace" ""

# The script of the GitLab component, with its variables.
component() { # component CODE TRACES BASE
  local code=0
  mkdir -p "$tmp/project" && rm -f "$tmp/project"/g*
  awk '/^  script:/ {on = 1; next} /^  [a-z]/ {on = 0} on {sub(/^    - /, ""); print}' templates/gotracer.yml >"$tmp/component.sh"
  (cd "$tmp/project" && GOTRACER_VERSION=$version GOTRACER_BIN=$tmp/project/bin TRACES=$2 BASE=$3 BASELINE='' \
    FAIL_ON=error FAIL_ON_REGRESSION=10% bash -e "$tmp/component.sh" >"$tmp/log" 2>&1) || code=$?
  [ "$code" = "$1" ] || fail "the component exits with $code: $(cat "$tmp/log")"
  python3 -m json.tool "$tmp/project/gl-code-quality-report.json" >/dev/null || fail "no code quality report"
  grep -q "<testsuites" "$tmp/project/gotracer.xml" || fail "no JUnit XML"
}
here=$PWD/$traces
component 0 "$here/idle.trace" "$here/idle.trace"
component 1 "$here/mutex_long.trace" ""
[ "$(wc -l <"$tmp/component.sh")" -ge 5 ] || fail "the component has no script"

for variable in TRACES BASE BASELINE FAIL_ON FAIL_ON_REGRESSION REPOSITORY PULL_REQUEST REPORT; do
  grep -q "^        $variable: " action.yml || fail "action.yml does not set $variable"
done
