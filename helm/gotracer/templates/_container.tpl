{{/* The container, which is the same in all shapes, and the volumes that it wants. */}}

{{- define "gotracer.container" -}}
name: gotracer
image: {{ include "gotracer.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - serve
  - --config=/etc/gotracer/gotracer.yml
  - --web.listen-address=:{{ .Values.web.port }}
  - --log.level={{ .Values.log.level }}
  - --log.format={{ .Values.log.format }}
  {{- if .Values.web.existingSecret }}
  - --web.config.file=/etc/gotracer-web/{{ .Values.web.key }}
  {{- end }}
  {{- if .Values.web.enableUploads }}
  - --web.enable-uploads
  {{- end }}
  {{- if .Values.web.enableAlertWebhook }}
  - --web.enable-alert-webhook
  {{- end }}
  {{- if .Values.web.enableEvidence }}
  - --web.enable-evidence
  {{- end }}
  {{- with include "gotracer.externalUrl" . }}
  - --web.external-url={{ . }}
  {{- end }}
  {{- with .Values.memoryBudget }}
  - --memory.budget={{ . }}
  {{- end }}
  {{- if ne .Values.storage.kind "none" }}
  - --storage.path=/var/lib/gotracer
  {{- end }}
  {{- if ne .Values.evidence.kind "none" }}
  - --evidence.path=/var/lib/gotracer-evidence
  {{- end }}
  {{- if eq .Values.evidence.kind "bucket" }}
  - --evidence.path={{ include "gotracer.evidence.url" . }}
  {{- end }}
  {{- with .Values.otlp.endpoint }}
  - --otlp.endpoint={{ . }}
  - --otlp.protocol={{ $.Values.otlp.protocol }}
  {{- end }}
  {{- with include "gotracer.shards" . }}
  - --shard=$(POD_NAME)
  - --total-shards={{ . }}
  {{- end }}
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $headers := .Values.otlp.headersSecret }}
{{- $own := include "gotracer.own" . }}
{{- $bucket := ternary .Values.evidence.bucket dict (eq .Values.evidence.kind "bucket") }}
{{- $sidecar := eq .Values.mode "sidecar" }}
{{- if or $headers.name $own $sidecar $bucket.endpoint $bucket.region .Values.extraEnv }}
env:
  {{- with $own }}
  - name: {{ . }}
    valueFrom:
      fieldRef:
        fieldPath: {{ ternary "spec.nodeName" "metadata.name" (eq . "NODE_NAME") }}
  {{- end }}
  {{- if $sidecar }}
  # OTLP: the program is this pod's, whatever its address is to the sidecar.
  {{- if ne $own "POD_NAME" }}
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  {{- end }}
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  - name: OTEL_RESOURCE_ATTRIBUTES
    value: service.instance.id=$(POD_NAMESPACE).$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME)
  {{- end }}
  {{- with $bucket.endpoint }}
  - name: AWS_ENDPOINT_URL
    value: {{ . | quote }}
  {{- end }}
  {{- with $bucket.region }}
  - name: AWS_REGION
    value: {{ . | quote }}
  {{- end }}
  {{- if $headers.name }}
  - name: OTEL_EXPORTER_OTLP_HEADERS
    valueFrom:
      secretKeyRef:
        name: {{ $headers.name }}
        key: {{ $headers.key }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- if or $bucket.existingSecret .Values.extraEnvFrom }}
envFrom:
  {{- with $bucket.existingSecret }}
  - secretRef:
      name: {{ . }}
  {{- end }}
  {{- with .Values.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
ports:
  - name: gotracer
    containerPort: {{ .Values.web.port }}
    protocol: TCP
{{- with .Values.livenessProbe }}
{{- if .enabled }}
livenessProbe:
  {{- include "gotracer.probe" (dict "root" $ "probe" . "path" "/-/healthy") | trim | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.readinessProbe }}
{{- /* A pod is not to be without traffic because of its sidecar. */}}
{{- if and .enabled (ne $.Values.mode "sidecar") }}
readinessProbe:
  {{- include "gotracer.probe" (dict "root" $ "probe" . "path" "/-/ready") | trim | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: gotracer-config
    mountPath: /etc/gotracer
    readOnly: true
  {{- if .Values.web.existingSecret }}
  - name: gotracer-web
    mountPath: /etc/gotracer-web
    readOnly: true
  {{- end }}
  {{- if ne .Values.storage.kind "none" }}
  - name: gotracer-storage
    mountPath: /var/lib/gotracer
  {{- end }}
  {{- if ne .Values.evidence.kind "none" }}
  - name: gotracer-evidence
    mountPath: /var/lib/gotracer-evidence
  {{- end }}
  {{- if eq .Values.mode "daemonset" }}
  - name: gotracer-traces
    mountPath: /traces
    readOnly: {{ .Values.hostPath.readOnly }}
  {{- else if and (eq .Values.mode "sidecar") .Values.sidecar.traces.enabled }}
  {{- include "gotracer.sidecar.volumeMounts" . | nindent 2 }}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Asks the daemon itself; over HTTP where anybody may, and else as somebody who may. */}}
{{- define "gotracer.probe" -}}
{{- if .root.Values.web.existingSecret }}
exec:
  command:
    {{- include "gotracer.healthcheck" (dict "root" .root "host" (printf "localhost:%v" .root.Values.web.port) "path" .path "timeout" .probe.timeoutSeconds) | nindent 4 }}
{{- else }}
httpGet:
  path: {{ .path }}
  port: gotracer
{{- end }}
{{- toYaml (omit .probe "enabled") | nindent 0 }}
{{- end }}

{{/* gotracer healthcheck: dict "root" . "host" "…" "path" "…" "timeout" seconds */}}
{{- define "gotracer.healthcheck" -}}
- /gotracer
- healthcheck
- --url={{ .root.Values.web.scheme }}://{{ .host }}{{ .path }}
- --timeout={{ .timeout }}s
{{- if eq .root.Values.web.scheme "https" }}
- --insecure
{{- end }}
{{- if and .root.Values.web.existingSecret .root.Values.web.clientKey }}
- --http.config.file=/etc/gotracer-web/{{ .root.Values.web.clientKey }}
{{- end }}
{{- end }}

{{- define "gotracer.volumes" -}}
- name: gotracer-config
  configMap:
    name: {{ include "gotracer.configMap" . }}
{{- if .Values.web.existingSecret }}
- name: gotracer-web
  secret:
    secretName: {{ .Values.web.existingSecret }}
{{- end }}
{{- with .Values.storage }}
{{- if eq .kind "emptyDir" }}
- name: gotracer-storage
  emptyDir:
    sizeLimit: {{ .size }}
{{- else if eq .kind "claim" }}
- name: gotracer-storage
  persistentVolumeClaim:
    claimName: {{ default (include "gotracer.fullname" $) .existingClaim }}
{{- end }}
{{- end }}
{{- with .Values.evidence }}
{{- if eq .kind "claim" }}
- name: gotracer-evidence
  persistentVolumeClaim:
    claimName: {{ default (printf "%s-evidence" (include "gotracer.fullname" $)) .existingClaim }}
{{- else if ne .kind "none" }}
- name: gotracer-evidence
  emptyDir:
    sizeLimit: {{ .size }}
{{- end }}
{{- end }}
{{- if eq .Values.mode "daemonset" }}
- name: gotracer-traces
  hostPath:
    {{- toYaml (pick .Values.hostPath "path" "type") | nindent 4 }}
{{- else if and (eq .Values.mode "sidecar") .Values.sidecar.traces.enabled }}
- name: gotracer-traces
  emptyDir:
    sizeLimit: {{ .Values.sidecar.traces.sizeLimit }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The variable with what tells this pod from the others of its kind, where that matters. */}}
{{- define "gotracer.own" -}}
{{- $bucket := eq .Values.evidence.kind "bucket" -}}
{{- if include "gotracer.shards" . -}}
POD_NAME
{{- else if and $bucket (eq .Values.mode "daemonset") -}}
NODE_NAME
{{- else if and $bucket (eq .Values.mode "sidecar") -}}
POD_NAME
{{- end -}}
{{- end }}

{{/* Where links to evidence lead. */}}
{{- define "gotracer.externalUrl" -}}
{{- $single := and (eq .Values.mode "deployment") (not (include "gotracer.shards" .)) .Values.service.enabled -}}
{{- if .Values.web.externalUrl -}}
{{ .Values.web.externalUrl }}
{{- else if and $single (ne .Values.evidence.kind "none") -}}
{{ .Values.web.scheme }}://{{ include "gotracer.fullname" . }}.{{ .Release.Namespace }}:{{ .Values.service.port }}
{{- end -}}
{{- end }}

{{/* Each gotracer has a part of the bucket to itself. */}}
{{- define "gotracer.evidence.url" -}}
{{- trimSuffix "/" .Values.evidence.bucket.url }}
{{- with include "gotracer.own" . }}/$({{ . }}){{ end }}
{{- end }}
