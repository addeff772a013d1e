{{- define "tandem.pod" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ include "tandem.serviceAccount" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
# Process 1 drains on SIGTERM; then Triton ends, and what is left is a margin.
terminationGracePeriodSeconds: {{ add $values.times.drainSeconds $values.times.exitSeconds 10 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $labels := dict "app.kubernetes.io/name" $.root.Chart.Name "app.kubernetes.io/instance" $.root.Release.Name "tandem/release" (int $.release.number | toString) }}
  {{- range . }}
  - {{ toYaml (merge (dict "labelSelector" (dict "matchLabels" $labels)) .) | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- if $values.store.copy.image }}
initContainers:
  - name: copy-store
    image: {{ $values.store.copy.image }}
    {{- with $values.store.copy.command }}
    command:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $values.store.copy.args }}
    args:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    env:
      - { name: HOME, value: /tmp }
      - { name: TANDEM_RELEASE, value: {{ int .release.number | toString | quote }} }
      {{- with $values.store.copy.env }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with $values.store.copy.envFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- include "tandem.hardened" . | nindent 6 }}
    resources:
      requests: { cpu: 100m, memory: 128Mi }
      limits: { memory: 512Mi }
    volumeMounts:
      - { name: store, mountPath: /store }
      - { name: tmp, mountPath: /tmp }
{{- end }}
containers:
  {{- include "tandem.container" . | nindent 2 }}
  {{- if $values.tls.proxy.enabled }}
  {{- include "tandem.proxy" . | nindent 2 }}
  {{- end }}
volumes:
  {{- include "tandem.volumes" . | nindent 2 }}
{{- end }}

{{- define "tandem.hardened" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "tandem.volumes" -}}
{{- $values := .root.Values -}}
- name: store
  {{- if $values.store.claim }}
  persistentVolumeClaim: { claimName: {{ $values.store.claim }}, readOnly: true }
  {{- else }}
  emptyDir: { sizeLimit: {{ $values.store.copy.size }} }
  {{- end }}
- name: shm
  emptyDir: { medium: Memory, sizeLimit: {{ $values.shm.size }} }
- name: tmp
  emptyDir: { sizeLimit: 1Gi }
- name: cache
  emptyDir: { sizeLimit: 2Gi }
{{- if $values.tls.enabled }}
- name: tls
  secret: { secretName: {{ include "tandem.tlsSecret" .root }}, defaultMode: 0440 }
{{- end }}
{{- if $values.restrictedApi.existingSecret }}
- name: restricted-api
  secret:
    secretName: {{ $values.restrictedApi.existingSecret }}
    defaultMode: 0440
    items: [{ key: {{ $values.restrictedApi.key }}, path: secret }]
{{- end }}
{{- if $values.tls.proxy.enabled }}
- name: proxy
  configMap: { name: {{ include "tandem.name" .root }}-proxy }
- name: proxy-tmp
  emptyDir: { sizeLimit: 256Mi }
{{- end }}
{{- end }}
