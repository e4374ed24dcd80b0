#!/usr/bin/env bash
# Builds Helm, kubectl and an API server of Kubernetes as go.mod beside this file pins them, and helm-docs, and unpacks
# the definitions of ServiceMonitor, PodMonitor and PrometheusRule. Prints the directory that holds them, on stdout and
# nothing else; a second call finds the first one's work in ${GOTRACER_CACHE:-$HOME/.cache/gotracer}.
#
#   tests/kubernetes/build.sh [--only-find]
#
# With --only-find it fails if that has not been done: it takes some minutes.
set -euo pipefail
cd "$(dirname "$0")"
export GOTOOLCHAIN=local CGO_ENABLED=0

# Writes the list of values in the chart's README.
HELM_DOCS=github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2
# The Prometheus operator, of which only these definitions are used.
OPERATOR=github.com/prometheus-operator/prometheus-operator@v0.85.0

root=${GOTRACER_CACHE:-$HOME/.cache/gotracer}
built=$root/kubernetes-$(cat go.mod build.sh | sha256sum | cut -c1-16)
if [ -d "$built" ]; then
  echo "$built"
  exit 0
fi
[ "${1:-}" != --only-find ] || exit 1
mkdir -p "$root"
tmp=$(mktemp -d "$root/.kubernetes.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

version() { go list -m -f '{{.Version}}' "$1"; }
kubernetes=$(version k8s.io/kubernetes)
minor=$(echo "$kubernetes" | cut -d. -f2)
# Both are told their versions when they are linked, as their own releases are.
go build -trimpath -o "$tmp/" -ldflags "-s -w \
  -X k8s.io/component-base/version.gitVersion=$kubernetes \
  -X helm.sh/helm/v3/internal/version.version=$(version helm.sh/helm/v3) \
  -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 \
  -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$minor \
  -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 \
  -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=$minor" \
  k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl helm.sh/helm/v3/cmd/helm >&2
GOBIN=$tmp go install -trimpath -ldflags "-s -w" "$HELM_DOCS" >&2

module=$(go mod download -json "$OPERATOR" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
mkdir "$tmp/crds"
for kind in servicemonitors podmonitors prometheusrules; do
  install -m 644 "$module/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" "$tmp/crds/"
done
chmod 755 "$tmp"
# Another call may have been faster: then its result is as good.
mv -T "$tmp" "$built" 2>/dev/null || [ -d "$built" ]
echo "$built"
