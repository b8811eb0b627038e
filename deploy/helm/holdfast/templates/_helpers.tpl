{{- define "holdfast.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "holdfast.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "holdfast.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "holdfast.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* A name for a pool's objects that two pools never share, however long theirs are. */}}
{{- define "holdfast.poolName" -}}
{{- $pool := .pool -}}
{{- if gt (len $pool) 16 -}}
{{- $pool = printf "%s-%s" (trunc 7 $pool | trimSuffix "-") (sha256sum $pool | trunc 8) -}}
{{- end -}}
{{- printf "%s-%s-%s" (include "holdfast.fullname" .root) $pool .access -}}
{{- end -}}

{{- define "holdfast.selector" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "holdfast.labels" -}}
{{ include "holdfast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "holdfast.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "holdfast.configMap" -}}
{{- default (printf "%s-config" (include "holdfast.fullname" .)) .Values.existingConfigMap -}}
{{- end -}}

{{/* Who a process is: a name for its objects, and labels that tell the roles apart. */}}
{{- define "holdfast.roleLabels" -}}
app.kubernetes.io/component: {{ .component }}
{{- with .pool }}
holdfast/pool: {{ . }}
{{- end }}
{{- with .access }}
holdfast/access: {{ . }}
{{- end }}
{{- end -}}

{{- define "holdfast.env" -}}
{{- $values := .root.Values -}}
- name: TEMPORAL_ADDRESS
  value: {{ required "temporal.address is needed: HOST:PORT of a Temporal that is there" $values.temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ $values.temporal.namespace | quote }}
{{- if $values.temporal.tls.enabled }}
- name: TEMPORAL_TLS
  value: "true"
{{- with $values.temporal.tls.serverName }}
- name: TEMPORAL_TLS_SERVER_NAME
  value: {{ . | quote }}
{{- end }}
{{- if $values.temporal.tls.secret }}
{{- if $values.temporal.tls.ca }}
- name: TEMPORAL_TLS_SERVER_CA_CERT_PATH
  value: /etc/holdfast-temporal-tls/ca.crt
{{- end }}
{{- if $values.temporal.tls.clientCertificate }}
- name: TEMPORAL_TLS_CLIENT_CERT_PATH
  value: /etc/holdfast-temporal-tls/tls.crt
- name: TEMPORAL_TLS_CLIENT_KEY_PATH
  value: /etc/holdfast-temporal-tls/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- with $values.temporal.apiKey.secret }}
- name: TEMPORAL_API_KEY
  valueFrom: { secretKeyRef: { name: {{ . | quote }}, key: {{ $values.temporal.apiKey.key | quote }} } }
{{- end }}
{{- range $name, $value := $values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range concat $values.secretEnv (default (list) .secretEnv) }}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .secret | quote }}, key: {{ .key | quote }} } }
{{- end }}
{{- end -}}

{{- define "holdfast.mounts" -}}
- { name: config, mountPath: /etc/holdfast, readOnly: true }
- { name: work, mountPath: /var/lib/holdfast }
- { name: tmp, mountPath: /tmp }
{{- if and .root.Values.temporal.tls.enabled .root.Values.temporal.tls.secret }}
- { name: temporal-tls, mountPath: /etc/holdfast-temporal-tls, readOnly: true }
{{- end }}
{{- range .settings.secretFiles }}
- { name: {{ printf "secret-%s" .name }}, mountPath: {{ .path | quote }}, readOnly: true }
{{- end }}
{{- with .settings.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Everything of a pod that is the same for every process. Takes root, args, settings, account, prepare. */}}
{{- define "holdfast.podSpec" -}}
{{- $values := .root.Values -}}
{{- $settings := .settings -}}
serviceAccountName: {{ .account }}
automountServiceAccountToken: {{ default false $settings.automountServiceAccountToken }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ default $values.terminationGracePeriodSeconds $settings.terminationGracePeriodSeconds }}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  seccompProfile: { type: RuntimeDefault }
  {{- toYaml (mergeOverwrite (deepCopy $values.securityContext) (default (dict) $settings.securityContext)) | nindent 2 }}
{{- if .prepare }}
initContainers:
  - name: prepare
    image: {{ include "holdfast.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args: [doctor, --config, /etc/holdfast/holdfast.yaml, --data-dir, /var/lib/holdfast, --fix, --only, search-attributes]
    env:
      {{- include "holdfast.env" (dict "root" .root "secretEnv" $settings.secretEnv) | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
    {{- with $values.prepare.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
      {{- include "holdfast.mounts" (dict "root" .root "settings" $settings) | nindent 6 }}
{{- end }}
containers:
  - name: holdfast
    image: {{ include "holdfast.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args:
      {{- toYaml .args | nindent 6 }}
    env:
      {{- include "holdfast.env" (dict "root" .root "secretEnv" $settings.secretEnv) | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
    # The process writes this file every five seconds, from when it polls until it ends.
    startupProbe:
      exec: { command: [/bin/sh, -c, 'test -n "$(find /var/lib/holdfast/worker.alive -mmin -1)"'] }
      periodSeconds: 5
      timeoutSeconds: 5
      failureThreshold: 60
    readinessProbe:
      exec: { command: [/bin/sh, -c, 'test -n "$(find /var/lib/holdfast/worker.alive -mmin -1)"'] }
      periodSeconds: 10
      timeoutSeconds: 5
    livenessProbe:
      exec: { command: [/bin/sh, -c, 'test -n "$(find /var/lib/holdfast/worker.alive -mmin -3)"'] }
      periodSeconds: 30
      timeoutSeconds: 5
      failureThreshold: 3
    {{- with $settings.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
      {{- include "holdfast.mounts" (dict "root" .root "settings" $settings) | nindent 6 }}
volumes:
  - name: config
    configMap: { name: {{ include "holdfast.configMap" .root }} }
  - name: work
    emptyDir: { sizeLimit: {{ $values.workFolder.sizeLimit }} }
  - name: tmp
    emptyDir: { sizeLimit: 256Mi }
  {{- if and $values.temporal.tls.enabled $values.temporal.tls.secret }}
  - name: temporal-tls
    secret: { secretName: {{ $values.temporal.tls.secret | quote }}, defaultMode: 0440 }
  {{- end }}
  {{- range $settings.secretFiles }}
  - name: {{ printf "secret-%s" .name }}
    secret: { secretName: {{ .secret | quote }}, defaultMode: 0440 }
  {{- end }}
  {{- with $settings.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $settings.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A Deployment with its service account and disruption budget. Takes root, role, name, args, settings. */}}
{{- define "holdfast.deployment" -}}
{{- $name := .name -}}
{{- $settings := .settings -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  labels:
    {{- include "holdfast.labels" .root | nindent 4 }}
    {{- include "holdfast.roleLabels" .role | nindent 4 }}
  {{- with ($settings.serviceAccount | default dict).annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "holdfast.labels" .root | nindent 4 }}
    {{- include "holdfast.roleLabels" .role | nindent 4 }}
spec:
  replicas: {{ $settings.replicas }}
  # A worker that ends hands its steps over; the others of its queue go on meanwhile.
  strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } }
  selector:
    matchLabels:
      {{- include "holdfast.selector" .root | nindent 6 }}
      {{- include "holdfast.roleLabels" .role | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "holdfast.labels" .root | nindent 8 }}
        {{- include "holdfast.roleLabels" .role | nindent 8 }}
        {{- with $settings.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $settings.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "holdfast.podSpec" (dict "root" .root "settings" $settings "args" .args "account" $name "prepare" .prepare) | nindent 6 }}
      topologySpreadConstraints:
        {{- if $settings.topologySpreadConstraints }}
        {{- toYaml $settings.topologySpreadConstraints | nindent 8 }}
        {{- else }}
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "holdfast.selector" $.root | nindent 14 }}
              {{- include "holdfast.roleLabels" $.role | nindent 14 }}
        {{- end }}
        {{- end }}
{{- if ($settings.podDisruptionBudget | default dict).enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels:
    {{- include "holdfast.labels" .root | nindent 4 }}
    {{- include "holdfast.roleLabels" .role | nindent 4 }}
spec:
  maxUnavailable: {{ $settings.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "holdfast.selector" .root | nindent 6 }}
      {{- include "holdfast.roleLabels" .role | nindent 6 }}
{{- end }}
{{- end -}}
