{{/*
What your own chart includes to have gotracer beside its program. Each wants the scope of this chart as a dependency:

    {{- include "gotracer.sidecar" .Subcharts.gotracer | nindent 8 }}
*/}}

{{/* An entry of initContainers that runs as long as the pod. */}}
{{- define "gotracer.sidecar" -}}
{{- include "gotracer.sidecar.check" . -}}
- restartPolicy: Always
  {{- include "gotracer.container" . | nindent 2 }}
{{- end }}

{{/* Entries of volumes. */}}
{{- define "gotracer.sidecar.volumes" -}}
{{- include "gotracer.sidecar.check" . -}}
{{- include "gotracer.volumes" . }}
{{- end }}

{{/* Entries of volumeMounts of the program that writes traces, for sidecar.traces.enabled. */}}
{{- define "gotracer.sidecar.volumeMounts" -}}
- name: gotracer-traces
  mountPath: {{ .Values.sidecar.traces.path }}
{{- end }}

{{/* Labels of the pod, by which the PodMonitor finds it. */}}
{{- define "gotracer.sidecar.labels" -}}
gotracer/sidecar: {{ include "gotracer.fullname" . }}
{{- end }}

{{/* Annotations of the pod, so that it starts anew when the configuration changes. */}}
{{- define "gotracer.sidecar.annotations" -}}
{{- include "gotracer.checksum" . }}
{{- end }}

{{- define "gotracer.sidecar.check" -}}
{{- if ne .Values.mode "sidecar" }}
{{- fail (printf "gotracer.sidecar: set mode to sidecar for the dependency %s" .Chart.Name) }}
{{- end }}
{{- if semverCompare "<1.29-0" .Capabilities.KubeVersion.Version }}
{{- fail "gotracer.sidecar: Kubernetes has sidecars (initContainers with restartPolicy Always) from 1.29 on" }}
{{- end }}
{{- end }}
