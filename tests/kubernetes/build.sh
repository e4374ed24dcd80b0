#!/usr/bin/env bash
# Builds Helm, kubectl, an API server of Kubernetes and helm-docs, unpacks the definitions of ServiceMonitor, PodMonitor
# and PrometheusRule, and prints their directory: see tests/build-once.sh.
#
#   tests/kubernetes/build.sh [--only-find]
set -euo pipefail
cd "$(dirname "$0")"
. ../build-once.sh

# Writes the list of values in the chart's README.
HELM_DOCS=github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2
# The Prometheus operator, of which only these definitions are used.
OPERATOR=github.com/prometheus-operator/prometheus-operator@v0.85.0

version() { go list -m -f '{{.Version}}' "$1"; }

build() {
  local kubernetes minor module kind
  kubernetes=$(version k8s.io/kubernetes)
  minor=$(echo "$kubernetes" | cut -d. -f2)
  # The linker sets the versions, as in the official releases.
  go build -trimpath -o "$1/" -ldflags "-s -w \
    -X k8s.io/component-base/version.gitVersion=$kubernetes \
    -X helm.sh/helm/v3/internal/version.version=$(version helm.sh/helm/v3) \
    -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 \
    -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$minor \
    -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 \
    -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=$minor" \
    k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl helm.sh/helm/v3/cmd/helm
  GOBIN=$1 go install -trimpath -ldflags "-s -w" "$HELM_DOCS"

  module=$(go mod download -json "$OPERATOR" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  mkdir "$1/crds"
  for kind in servicemonitors podmonitors prometheusrules; do
    install -m 644 "$module/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" "$1/crds/"
  done
}

build_once kubernetes "$@"
