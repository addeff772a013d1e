{{- define "tandem.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "tandem.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tandem.labels" -}}
{{ include "tandem.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "tandem.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "tandem.name" .) }}
{{- end }}

{{- define "tandem.tlsSecret" -}}
{{ .Values.tls.secretName | default (printf "%s-tls" (include "tandem.name" .)) }}
{{- end }}

{{/* The image of one release: (dict "root" $ "release" release). */}}
{{- define "tandem.image" -}}
{{- $image := .root.Values.image }}
{{- $own := .release.image | default dict }}
{{- $usual := printf "%s-%s" .root.Chart.AppVersion (ternary "gpu" "cpu" (gt (int .root.Values.gpu.count) 0)) }}
{{- if $own.digest }}{{ $image.repository }}@{{ $own.digest }}
{{- else if $own.tag }}{{ $image.repository }}:{{ $own.tag }}
{{- else if $image.digest }}{{ $image.repository }}@{{ $image.digest }}
{{- else }}{{ $image.repository }}:{{ $image.tag | default $usual }}
{{- end }}
{{- end }}

{{/* What the schema cannot say; included by the Services, which are always made. */}}
{{- define "tandem.check" -}}
{{- $numbers := list }}{{ $canaries := list }}{{ $share := 0 }}{{ $idle := list }}
{{- $live := int .Values.live }}
{{- range .Values.releases }}
  {{- if has (int .number) $numbers }}{{ fail (printf "releases: number %d is listed twice" (int .number)) }}{{ end }}
  {{- $numbers = append $numbers (int .number) }}
  {{- if .canary }}
    {{- if eq (int .number) $live }}{{ fail (printf "releases: %d is live, so it cannot be a canary; remove its `canary`" $live) }}{{ end }}
    {{- $canaries = append $canaries (int .number) }}{{ $share = add $share (int .canary) }}
  {{- else if ne (int .number) $live }}{{ $idle = append $idle (int .number) }}
  {{- end }}
{{- end }}
{{- if not (has $live $numbers) }}{{ fail (printf "live: release %d is not listed in `releases` (%s); list it first, wait until it is ready, then switch" $live (join ", " $numbers)) }}{{ end }}
{{- if ge $share 100 }}{{ fail (printf "releases: canaries take %d%% of the traffic; less than 100 must be left for the live one" $share) }}{{ end }}
{{- if and $canaries (eq .Values.canary.mode "gateway") (not .Values.gateway.enabled) }}{{ fail "canary.mode: gateway needs gateway.enabled, as a Service has no weights; or use canary.mode=replicas" }}{{ end }}
{{- if and $canaries (eq .Values.canary.mode "replicas") .Values.autoscaling.enabled }}{{ fail "canary.mode: replicas needs autoscaling.enabled=false, which would change the shares" }}{{ end }}
{{- if and $canaries (eq .Values.canary.mode "replicas") $idle }}{{ fail (printf "canary.mode: replicas sends traffic to every release; remove %s from `releases` meanwhile" (join ", " $idle)) }}{{ end }}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRefs) }}{{ fail "gateway.parentRefs: name the Gateway, [{name: ...}]" }}{{ end }}
{{- if and .Values.gateway.enabled .Values.tls.enabled (not .Values.tls.proxy.enabled) }}{{ fail "gateway.enabled with tls.enabled: HTTP stays inside the pods, so the HTTPRoute would lead nowhere; set tls.proxy.enabled, or let the Gateway end TLS" }}{{ end }}
{{- if and .Values.store.claim .Values.store.copy.image }}{{ fail "store: give `claim` or `copy.image`, not both" }}{{ end }}
{{- if not (or .Values.store.claim .Values.store.copy.image) }}{{ fail "store: give `claim` (a PersistentVolumeClaim) or `copy.image` (a container that copies releases to /store)" }}{{ end }}
{{- if and .Values.tls.enabled (not .Values.tls.secretName) (not .Values.tls.certManager.enabled) }}{{ fail "tls.enabled needs tls.secretName, or tls.certManager.enabled" }}{{ end }}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef.name) }}{{ fail "tls.certManager.issuerRef.name: name the issuer" }}{{ end }}
{{- if and .Values.tls.proxy.enabled (not .Values.tls.enabled) }}{{ fail "tls.proxy.enabled needs tls.enabled" }}{{ end }}
{{- if and .Values.autoscaling.enabled (not (or .Values.autoscaling.queueMilliseconds .Values.autoscaling.gpuPercent .Values.autoscaling.cpuPercent)) }}{{ fail "autoscaling: one of queueMilliseconds, gpuPercent, cpuPercent must be above 0" }}{{ end }}
{{- if and .Values.autoscaling.gpuPercent (not .Values.gpu.count) }}{{ fail "autoscaling.gpuPercent needs gpu.count above 0" }}{{ end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}{{ fail "autoscaling: minReplicas is above maxReplicas" }}{{ end }}
{{- if and (eq .Values.engine.name "milvus") (not .Values.engine.milvus) }}{{ fail "engine.milvus: the engine milvus needs its address, http://host:19530" }}{{ end }}
{{- if gt (int .Values.times.settleSeconds) (int .Values.times.drainSeconds) }}{{ fail "times: settleSeconds is above drainSeconds" }}{{ end }}
{{- end }}

{{/* Whether the public Service sends traffic to canaries by their number of pods. */}}
{{- define "tandem.byReplicas" -}}
{{- $found := "" }}
{{- if eq .Values.canary.mode "replicas" }}{{ range .Values.releases }}{{ if .canary }}{{ $found = "true" }}{{ end }}{{ end }}{{ end }}
{{- $found }}
{{- end }}

{{/* backendRefs by share: (dict "root" $ "port" port). */}}
{{- define "tandem.backends" -}}
{{- $root := .root }}{{ $port := .port }}{{ $left := 100 }}
{{- range $root.Values.releases }}{{ if .canary }}{{ $left = sub $left (int .canary) }}{{ end }}{{ end }}
- name: {{ include "tandem.name" $root }}-r{{ int $root.Values.live }}
  port: {{ $port }}
  weight: {{ $left }}
{{- range $root.Values.releases }}
{{- if .canary }}
- name: {{ include "tandem.name" $root }}-r{{ int .number }}
  port: {{ $port }}
  weight: {{ int .canary }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tandem.servicePorts" -}}
- name: grpc
  port: {{ .Values.service.ports.grpc }}
  targetPort: grpc
  protocol: TCP
  {{- if not .Values.tls.enabled }}
  appProtocol: kubernetes.io/h2c
  {{- end }}
{{- if not .Values.tls.enabled }}
- name: http
  port: {{ .Values.service.ports.http }}
  targetPort: http
  protocol: TCP
{{- else if .Values.tls.proxy.enabled }}
- name: https
  port: {{ .Values.tls.proxy.port }}
  targetPort: https
  protocol: TCP
{{- end }}
{{- end }}
