{{- define "tandem.container" -}}
{{- $values := .root.Values -}}
- name: tandem
  image: {{ include "tandem.image" . }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  ports:
    {{- if not $values.tls.enabled }}
    - { name: http, containerPort: 8000 }
    {{- end }}
    - { name: grpc, containerPort: 8001 }
    - { name: metrics, containerPort: 8002 }
    - { name: health, containerPort: 8003 }
  env:
    - { name: TANDEM_HOST, value: "0.0.0.0" }
    - { name: TANDEM_STORE, value: /store }
    - { name: TANDEM_RELEASE, value: {{ int .release.number | toString | quote }} }
    - { name: TANDEM_VERIFY, value: {{ $values.store.verify | toString | quote }} }
    - { name: TANDEM_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
    - { name: TANDEM_ENGINE, value: {{ $values.engine.name }} }
    - { name: TANDEM_SHM_BYTES, value: {{ int $values.shm.bytes | toString | quote }} }
    - { name: TANDEM_MAX_INPUT_BYTES, value: {{ int $values.limits.maxInputBytes | toString | quote }} }
    - { name: TANDEM_CONNECTION_AGE_S, value: {{ $values.times.connectionAgeSeconds | toString | quote }} }
    - { name: TANDEM_SETTLE_S, value: {{ $values.times.settleSeconds | toString | quote }} }
    - { name: TANDEM_DRAIN_S, value: {{ $values.times.drainSeconds | toString | quote }} }
    - { name: TANDEM_EXIT_S, value: {{ $values.times.exitSeconds | toString | quote }} }
    - { name: TANDEM_DEAD_AFTER_S, value: {{ $values.times.deadAfterSeconds | toString | quote }} }
    {{- if $values.catalogue.existingSecret }}
    - name: TANDEM_CATALOGUE
      valueFrom: { secretKeyRef: { name: {{ $values.catalogue.existingSecret }}, key: {{ $values.catalogue.key }} } }
    {{- end }}
    {{- if eq $values.engine.name "milvus" }}
    - { name: TANDEM_MILVUS, value: {{ $values.engine.milvus | quote }} }
    {{- if $values.engine.existingSecret }}
    - name: TANDEM_MILVUS_TOKEN
      valueFrom: { secretKeyRef: { name: {{ $values.engine.existingSecret }}, key: {{ $values.engine.key }} } }
    {{- end }}
    {{- end }}
    {{- if $values.restrictedApi.existingSecret }}
    - { name: TANDEM_SECRET_FILE, value: /etc/tandem/restricted-api/secret }
    {{- end }}
    {{- if $values.tls.enabled }}
    - { name: TANDEM_TLS, value: /etc/tandem/tls }
    - { name: TANDEM_TLS_CLIENTS, value: {{ $values.tls.clients | toString | quote }} }
    {{- end }}
    {{- if $values.tracing.url }}
    - { name: TANDEM_OTLP_URL, value: {{ $values.tracing.url | quote }} }
    - { name: TANDEM_TRACE_EVERY, value: {{ $values.tracing.every | toString | quote }} }
    {{- end }}
    {{- with $values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  # Asked of process 1, which asks Triton requests with known answers: a server whose models died calls itself ready.
  startupProbe:
    httpGet: { path: /ready, port: health }
    periodSeconds: 5
    timeoutSeconds: 3
    failureThreshold: {{ max 1 (div $values.times.startSeconds 5) }}
  readinessProbe:
    httpGet: { path: /ready, port: health }
    periodSeconds: 5
    timeoutSeconds: 3
    failureThreshold: 2
  livenessProbe:
    httpGet: { path: /live, port: health }
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  resources:
    {{- $limits := $values.resources.limits | default dict }}
    {{- if gt (int $values.gpu.count) 0 }}
    {{- $limits = merge (dict $values.gpu.resource (int $values.gpu.count)) $limits }}
    {{- end }}
    requests:
      {{- toYaml $values.resources.requests | nindent 6 }}
    limits:
      {{- toYaml $limits | nindent 6 }}
  securityContext:
    {{- include "tandem.hardened" . | nindent 4 }}
  volumeMounts:
    - { name: store, mountPath: /store, readOnly: true }
    - { name: shm, mountPath: /dev/shm }
    - { name: tmp, mountPath: /tmp }
    - { name: cache, mountPath: /var/cache/tandem }
    {{- if $values.tls.enabled }}
    - { name: tls, mountPath: /etc/tandem/tls, readOnly: true }
    {{- end }}
    {{- if $values.restrictedApi.existingSecret }}
    - { name: restricted-api, mountPath: /etc/tandem/restricted-api, readOnly: true }
    {{- end }}
{{- end }}

{{- define "tandem.proxy" -}}
{{- $proxy := .root.Values.tls.proxy -}}
- name: https
  image: {{ $proxy.image }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  ports:
    - { name: https, containerPort: {{ $proxy.port }} }
  readinessProbe:
    tcpSocket: { port: https }
    periodSeconds: 5
  # It must outlive the requests that process 1 of the other container waits for; SIGQUIT lets its own finish.
  lifecycle:
    preStop: { exec: { command: [sh, -c, "sleep {{ .root.Values.times.drainSeconds }}; nginx -s quit"] } }
  resources:
    {{- toYaml $proxy.resources | nindent 4 }}
  securityContext:
    {{- include "tandem.hardened" . | nindent 4 }}
  volumeMounts:
    - { name: proxy, mountPath: /etc/nginx/nginx.conf, subPath: nginx.conf, readOnly: true }
    - { name: tls, mountPath: /etc/tandem/tls, readOnly: true }
    - { name: proxy-tmp, mountPath: /tmp }
{{- end }}
