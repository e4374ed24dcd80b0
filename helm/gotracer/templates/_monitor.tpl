{{/* An endpoint of a ServiceMonitor or a PodMonitor: dict "root" . "monitor" .Values.… */}}
{{- define "gotracer.endpoint" -}}
port: gotracer
path: /metrics
scheme: {{ .root.Values.web.scheme }}
# job and instance are those of the traced programs.
honorLabels: true
{{- range $name := list "interval" "scrapeTimeout" }}
{{- with get $.monitor $name }}
{{ $name }}: {{ . }}
{{- end }}
{{- end }}
{{- range $name := list "tlsConfig" "basicAuth" }}
{{- with get $.monitor $name }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
relabelings:
  {{- include "gotracer.relabelings" . | trim | nindent 2 }}
  {{- with .monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/*
Labels of the target that the operator adds are not those of the traced programs: honorLabels would put gotracer's pod and
namespace on all that a program's own labels leave free, and a restart would begin new series. A sidecar's pod is the
program's. Else the instance of gotracer itself is what stays the same when its pod is another.
*/}}
{{- define "gotracer.relabelings" -}}
{{- $mode := .root.Values.mode }}
{{- if eq $mode "sidecar" }}
- regex: container|endpoint
  action: labeldrop
{{- else }}
{{- if eq $mode "daemonset" }}
- sourceLabels: [__meta_kubernetes_pod_node_name]
  targetLabel: node
- sourceLabels: [__meta_kubernetes_pod_node_name]
  targetLabel: instance
{{- else if include "gotracer.shards" .root }}
- sourceLabels: [__meta_kubernetes_pod_name]
  targetLabel: instance
{{- else }}
- replacement: {{ .root.Release.Namespace }}/{{ include "gotracer.fullname" .root }}
  targetLabel: instance
{{- end }}
- regex: pod|service|endpoint|namespace|container
  action: labeldrop
{{- end }}
{{- end }}
