{{/* Values that are each right and do not go together. */}}
{{- define "gotracer.check" -}}
{{- $mode := .Values.mode }}
{{- if and (ne $mode "deployment") .Values.podDisruptionBudget.enabled }}
{{- fail (printf "podDisruptionBudget is for mode deployment, not %s" $mode) }}
{{- end }}
{{- if and (eq $mode "sidecar") .Values.networkPolicy.enabled }}
{{- fail "networkPolicy is not for mode sidecar: it would be that of your own pod" }}
{{- end }}
{{- if and (eq $mode "sidecar") .Values.serviceMonitor.enabled }}
{{- fail "serviceMonitor is not for mode sidecar, which has no Service: use podMonitor" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not .Values.service.enabled) }}
{{- fail "serviceMonitor needs service.enabled, or use podMonitor" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
{{- fail "serviceMonitor and podMonitor would both scrape the same pods: use one" }}
{{- end }}
{{- if and (eq .Values.storage.kind "claim") (ne $mode "deployment") }}
{{- fail (printf "storage.kind claim is for mode deployment, not %s, whose pods would share it" $mode) }}
{{- end }}
{{- if and (eq .Values.storage.kind "claim") (gt (int .Values.replicas) 1) }}
{{- fail "storage.kind claim is for one replica: two can't write the same files" }}
{{- end }}
{{- $kind := .Values.evidence.kind }}
{{- if and (eq $kind "claim") (ne $mode "deployment") }}
{{- fail (printf "evidence.kind claim is for mode deployment, not %s, whose pods would share it: use bucket" $mode) }}
{{- end }}
{{- if and (eq $kind "claim") (gt (int .Values.replicas) 1) }}
{{- fail "evidence.kind claim is for one replica: two can't write the same files: use bucket" }}
{{- end }}
{{- if and (eq $kind "bucket") (not .Values.evidence.bucket.url) }}
{{- fail "evidence.kind bucket needs evidence.bucket.url" }}
{{- end }}
{{- if and (ne $kind "bucket") .Values.evidence.bucket.url }}
{{- fail "evidence.bucket.url needs evidence.kind bucket" }}
{{- end }}
{{- if and .Values.existingConfigMap (or .Values.config .Values.targets) }}
{{- fail "existingConfigMap stands instead of config and targets: use one" }}
{{- end }}
{{- if and .Values.targets (eq $mode "sidecar") }}
{{- fail "targets is not for mode sidecar: use sidecar.target" }}
{{- end }}
{{- if and .Values.targets (eq $mode "daemonset") }}
{{- fail "targets is not for mode daemonset, each pod of which would capture all of them: use mode deployment" }}
{{- end }}
{{- if and (eq .Values.web.scheme "https") (not .Values.web.existingSecret) }}
{{- fail "web.scheme https needs web.existingSecret with the certificate" }}
{{- end }}
{{- end }}
