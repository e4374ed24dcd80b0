# Sourced by tests/{prometheus,s3,kubernetes}/build.sh. Builds programs in Go as go.mod beside the script pins them, and
# keeps them in ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   build_once NAME [--only-find]
#
# Calls `build DIR`, which the script defines, unless an earlier call has built the same. Prints the directory with the
# programs on stdout and nothing else. With --only-find it fails instead of building, which takes minutes.
export GOTOOLCHAIN=local CGO_ENABLED=0

build_once() {
  local root=${GOTRACER_CACHE:-$HOME/.cache/gotracer}
  local built=$root/$1-$(cat go.mod build.sh | sha256sum | cut -c1-16)
  if [ ! -d "$built" ]; then
    [ "${2:-}" != --only-find ] || return 1
    mkdir -p "$root"
    building=$(mktemp -d "$root/.$1.XXXXXX")
    trap 'rm -rf "$building"' EXIT
    build "$building" >&2
    chmod 755 "$building"
    # A concurrent call may have been faster. Its result is the same.
    mv -T "$building" "$built" 2>/dev/null || [ -d "$built" ]
  fi
  echo "$built"
}
