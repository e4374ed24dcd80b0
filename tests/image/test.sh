#!/usr/bin/env bash
# Builds the image and runs it as a cluster would that trusts nobody: as its user, without capabilities, on a read-only
# root. Wants root, Debian's buildah, debootstrap and runc, Python 3, and the crates in Cargo's registry. There is no
# registry of images where this runs, so the base is made here: Debian with a C compiler, and the Rust of this machine.
#
#   [PROFILE=dist] tests/image/test.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${PROFILE:-dist}

tmp=$(mktemp -d)
container=
clean() {
  runc delete --force "gotracer-$$" >/dev/null 2>&1 || true
  [ -z "$container" ] || buildah rm "$container" >/dev/null
  rm -rf "$tmp"
}
trap clean EXIT

fail() {
  echo "FAILED: $*" >&2
  [ ! -f "$tmp/log" ] || cat "$tmp/log" >&2
  exit 1
}

# What does not change is made once.
rust=$(rustc --print sysroot)
base=localhost/gotracer-rust:$(rustc -vV | sed -n 's/^release: //p')-$(sha256sum "$0" | cut -c1-12)
if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  for n in 1 2 3; do
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev,python3 bookworm "$tmp/base" && break
    [ "$n" != 3 ] || fail "no base"
    rm -rf "$tmp/base"
  done
  mkdir "$tmp/base/usr/local/rust"
  cp -r "$rust/bin" "$rust/lib" "$tmp/base/usr/local/rust/"
  ln -s ../rust/bin/rustc ../rust/bin/cargo "$tmp/base/usr/local/bin/"
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$tmp/base" / >/dev/null
  # Cargo has fetched everything already.
  buildah config --env CARGO_HOME=/usr/local/cargo --env CARGO_NET_OFFLINE=true \
    --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
  buildah commit --quiet --rm "$container" "$base" >/dev/null
  container=
fi

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
time=$(git log -1 --format=%ct)
source=$(sed -n 's/^repository = "\(.*\)"/\1/p' Cargo.toml)
buildah build --layers --format docker --isolation chroot --build-arg "RUST_IMAGE=$base" \
  --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
  --build-arg "SOURCE=$source" --build-arg "PROFILE=$profile" --volume "${CARGO_HOME:-$HOME/.cargo}/registry:/usr/local/cargo/registry" \
  --timestamp "$time" --tag localhost/gotracer:test .

# The image says of itself what registries and runtimes want to know.
say() { buildah inspect --type image --format "{{ $1 }}" localhost/gotracer:test; }
user=$(say .OCIv1.Config.User)
[ "$user" = 65534:65534 ] || fail "the user is $user"
[ "$(say .OCIv1.Config.Entrypoint)" = "[/gotracer]" ] || fail "no entry point"
[ "$(say .Docker.Config.Healthcheck.Test)" = "[CMD /gotracer healthcheck]" ] || fail "no health check"
label() { say "index .OCIv1.Config.Labels \"org.opencontainers.image.$1\""; }
[ "$(label version)" = "$version" ] || fail "no version"
[ "$(label source)" = "$source" ] || fail "no source"
[ "$(label licenses)" = "MIT OR Apache-2.0" ] || fail "no licenses"

# It holds the program, files to resolve names and verify certificates, and documents of what is linked.
container=$(buildah from localhost/gotracer:test)
mkdir -p "$tmp/bundle/rootfs" "$tmp/bundle/traces"
cp -a "$(buildah mount "$container")/." "$tmp/bundle/rootfs"
inside=$(cd "$tmp/bundle/rootfs" && find . -type f | LC_ALL=C sort | tr '\n' ' ')
documents=./usr/share/doc/gotracer
wanted="./etc/hosts ./etc/nsswitch.conf ./etc/ssl/certs/ca-certificates.crt ./gotracer \
$documents/LICENSE-APACHE $documents/LICENSE-MIT $documents/THIRD-PARTY-LICENSES.txt $documents/gotracer.cdx.json "
[ "$inside" = "$wanted" ] || fail "it holds $inside"
other=$(find "$tmp/bundle/rootfs" -type f ! -newermt "@$((time - 1))" -o -type f -newermt "@$time")
[ -z "$other" ] || fail "files with another time than the commit: $other"
grep -q '^tokio .*(MIT)' "$tmp/bundle/rootfs/$documents/THIRD-PARTY-LICENSES.txt" || fail "no license of tokio"
grep -q '"purl": "pkg:cargo/tokio@' "$tmp/bundle/rootfs/$documents/gotracer.cdx.json" || fail "tokio is not in the bill"
size=$(du -sb "$tmp/bundle/rootfs" | cut -f1)
case $profile in
  dist) limit=36 ;;
  release) limit=40 ;;
  *) limit=64 ;;
esac
[ "$size" -lt $((limit << 20)) ] || fail "it has $size bytes"

# The binary says what it was built from, and nothing of where.
program=$tmp/bundle/rootfs/gotracer
"$program" --version >"$tmp/version"
grep -qx "revision: $revision" "$tmp/version" || fail "$(cat "$tmp/version")"
grep -qx "features: daemon,kubernetes,parquet,s3" "$tmp/version" || fail "$(cat "$tmp/version")"
! grep -aqE '/usr/local/cargo|/build/(src|crates|target)' "$program" || fail "paths of the build are in the binary"

# It is static, and keeps to its bound of memory as the plain binary does.
benches/hostile --seconds 30 --kinds mix "$program" >"$tmp/log" || fail "it takes more memory than its bound"
cat "$tmp/log"

# A release of the same binary can be packed, installed and used by the action.
tests/packaging/test.sh "$program" || fail "packaging"

cp tests/fixtures/go1.27.3/gc_pause.trace "$tmp/bundle/traces/"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(cd "$tmp/bundle" && runc spec)
python3 tests/image/config.py "$tmp/bundle" "$user" \
  /gotracer serve --watch /traces --web.listen-address ":$port" --watch.settle 100ms
runc run --bundle "$tmp/bundle" "gotracer-$$" </dev/null >"$tmp/log" 2>&1 &
runc=$!

healthy() { runc exec "gotracer-$$" /gotracer healthcheck --url "http://localhost:$port"; }
for _ in $(seq 100); do
  ! healthy 2>/dev/null || break
  sleep 0.2
done
healthy || fail "it is not healthy"
! runc exec "gotracer-$$" /gotracer healthcheck --url http://localhost:1 2>/dev/null || fail "everything is healthy"

# It is process 1, nobody, may nothing, and has no shell.
pid=$(runc state "gotracer-$$" | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
status=$(cat "/proc/$pid/status")
grep -qE '^NSpid:.*\b1$' <<<"$status" || fail "it is not process 1"
grep -qE '^Uid:(\s65534){4}$' <<<"$status" || fail "it runs as somebody else"
grep -qE '^CapBnd:\s0+$' <<<"$status" || fail "it has capabilities"
grep -qE '^NoNewPrivs:\s1$' <<<"$status" || fail "it could get privileges"
! runc exec "gotracer-$$" /bin/sh -c true 2>/dev/null || fail "there is a shell"
grep -qE ' / / ro,' "/proc/$pid/mountinfo" || grep -qE ' / ro[, ]' "/proc/$pid/mountinfo" || fail "its root can be written"

# And it does its work.
for _ in $(seq 100); do
  ! grep -q 'trace analyzed' "$tmp/log" || break
  sleep 0.2
done
metrics=$(python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' \
  "http://127.0.0.1:$port/metrics")
grep -q '^gotrace_findings_total{.*rule="GCPauseSpike"' <<<"$metrics" || fail "no metrics"
resident=$(sed -n 's/^VmRSS:\s*//p' "/proc/$pid/status")

runc kill "gotracer-$$" TERM
wait "$runc" || fail "it did not end well"
echo "image of $size bytes, $resident resident after a small trace"
