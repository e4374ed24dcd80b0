#!/bin/sh
# Installs a released gotracer: downloads the archive of this machine, compares its checksum, and copies the binary.
#
#   install.sh [VERSION]
#
# VERSION is a version such as 0.2.0. GOTRACER_RELEASES is the address of the releases, with a folder vVERSION for each.
# GOTRACER_BIN is the directory of the binary, ~/.local/bin by default.
set -eu

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

version=${1:-${GOTRACER_VERSION:-}}
[ -n "$version" ] || fail "give a version, such as 0.2.0"
version=${version#v}
releases=${GOTRACER_RELEASES:-https://github.com/gotracer/gotracer/releases/download}
bin=${GOTRACER_BIN:-$HOME/.local/bin}

case "$(uname -s) $(uname -m)" in
  "Linux x86_64") target=x86_64-unknown-linux-gnu ;;
  "Linux aarch64" | "Linux arm64") target=aarch64-unknown-linux-gnu ;;
  "Darwin arm64") target=aarch64-apple-darwin ;;
  "Darwin x86_64") target=x86_64-apple-darwin ;;
  *) fail "there is no release for $(uname -s) on $(uname -m): build it with cargo" ;;
esac

name=gotracer-$version-$target
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for file in "$name.tar.gz" SHA256SUMS; do
  curl -fsSL --retry 3 -o "$tmp/$file" "$releases/v$version/$file" || fail "cannot download $releases/v$version/$file"
done
cd "$tmp"
grep " $name.tar.gz\$" SHA256SUMS >wanted || fail "SHA256SUMS does not name $name.tar.gz"
if command -v sha256sum >/dev/null; then
  sha256sum -c wanted >/dev/null || fail "$name.tar.gz has another checksum than SHA256SUMS says"
else
  shasum -a 256 -c wanted >/dev/null || fail "$name.tar.gz has another checksum than SHA256SUMS says"
fi
tar -xzf "$name.tar.gz"
mkdir -p "$bin"
install -m 755 "$name/gotracer" "$bin/gotracer"
echo "installed $("$bin/gotracer" -V) to $bin"
