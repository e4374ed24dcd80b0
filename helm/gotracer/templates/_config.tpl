{{/* The file for --config, and who has it. */}}

{{/* What the shape adds to .Values.config: a job for targets, a directory for files. */}}
{{- define "gotracer.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $jobs := default list $config.scrape_configs }}
{{- $watches := default list $config.watch_configs }}
{{- if .Values.targets }}
{{- $static := list (dict "targets" .Values.targets) }}
{{- $jobs = prepend $jobs (dict "job_name" (include "gotracer.fullname" .) "static_configs" $static) }}
{{- end }}
{{- if eq .Values.mode "daemonset" }}
{{- $watches = prepend $watches (dict "directory" "/traces" "patterns" .Values.hostPath.patterns) }}
{{- end }}
{{- if eq .Values.mode "sidecar" }}
{{- $labels := dict "job" (default .Release.Name .Values.sidecar.job) }}
{{- range $name, $value := .Values.sidecar.labels }}
{{- $_ := set $labels $name (tpl $value $) }}
{{- end }}
{{- with .Values.sidecar.target }}
{{- $static := list (dict "targets" (list .) "labels" (omit $labels "job")) }}
{{- $jobs = prepend $jobs (dict "job_name" $labels.job "static_configs" $static) }}
{{- end }}
{{- with .Values.sidecar.traces }}
{{- if .enabled }}
{{- $watches = prepend $watches (dict "directory" .path "labels" $labels "after" .after) }}
{{- end }}
{{- end }}
{{- end }}
{{- if not (or $jobs $watches) }}
{{- fail "gotracer has nothing to do: set targets, or config.scrape_configs, or config.watch_configs, or existingConfigMap" }}
{{- end }}
{{- with $jobs }}{{ $_ := set $config "scrape_configs" . }}{{ end }}
{{- with $watches }}{{ $_ := set $config "watch_configs" . }}{{ end }}
{{- toYaml $config }}
{{- end }}

{{- define "gotracer.configMap" -}}
{{ default (include "gotracer.fullname" .) .Values.existingConfigMap }}
{{- end }}

{{/* What of a pod changes when the configuration does. */}}
{{- define "gotracer.checksum" -}}
{{- if not .Values.existingConfigMap -}}
checksum/config: {{ include "gotracer.config" . | sha256sum }}
{{- end }}
{{- end }}
