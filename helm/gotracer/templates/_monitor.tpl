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
{{- range $name := list "tlsConfig" "basicAuth" "relabelings" }}
{{- with get $.monitor $name }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
