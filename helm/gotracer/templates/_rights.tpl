{{/* What kubernetes_sd_configs have to see, by namespace; "" is everywhere. Who names a kubeconfig has its rights. */}}
{{- define "gotracer.rights" -}}
{{- $known := dict
  "pod" (list "pods")
  "service" (list "services")
  "node" (list "nodes")
  "endpointslice" (list "endpointslices" "pods" "services") }}
{{- $rights := dict }}
{{- range .Values.config.scrape_configs }}
{{- range .kubernetes_sd_configs }}
{{- if not .kubeconfig_file }}
{{- $within := default dict .namespaces }}
{{- $namespaces := default list $within.names }}
{{- if $within.own_namespace }}
{{- $namespaces = append $namespaces $.Release.Namespace }}
{{- end }}
{{- if or (eq .role "node") (not $namespaces) }}
{{- $namespaces = list "" }}
{{- end }}
{{- $resources := get $known .role }}
{{- range $namespaces }}
{{- $_ := set $rights . (concat (default list (get $rights .)) $resources | uniq | sortAlpha) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $rights }}
{{- end }}

{{/* Whether pods get the token of their account: to ask the API server, or because somebody says so. */}}
{{- define "gotracer.automountToken" -}}
{{- or .Values.serviceAccount.automountToken (ne (include "gotracer.rights" .) "{}") }}
{{- end }}
