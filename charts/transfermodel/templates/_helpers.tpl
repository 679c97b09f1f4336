{{/* The name of the operator's objects. */}}
{{- define "transfermodel.operator" -}}
{{- printf "%s-operator" (trunc 40 .Release.Name | trimSuffix "-") -}}
{{- end -}}

{{- define "transfermodel.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "transfermodel.operator" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "transfermodel.selector" -}}
app.kubernetes.io/name: transfermodel
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "transfermodel.labels" -}}
{{ include "transfermodel.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The operator's settings as JSON, under the names of its Settings type. */}}
{{- define "transfermodel.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $_ := set $settings "trainerImage" .Values.images.trainer -}}
{{- $_ := set $settings "predictorImage" .Values.images.predictor -}}
{{- with .Values.images.predictorGpu -}}
{{- $_ := set $settings "predictorGpuImage" . -}}
{{- end -}}
{{- $_ := set $settings "imagePullPolicy" .Values.images.pullPolicy -}}
{{- $_ := set $settings "trainerResources" .Values.resources.trainer -}}
{{- $_ := set $settings "predictorResources" .Values.resources.predictor -}}
{{- $_ := set $settings "interruptible" .Values.trainer.interruptible -}}
{{- $_ := set $settings "targetConcurrency" (int .Values.serving.targetConcurrency) -}}
{{- $_ := set $settings "progressDeadlineSeconds" (int .Values.serving.progressDeadlineSeconds) -}}
{{- $_ := set $settings "accessLog" .Values.predictor.accessLog -}}
{{- with .Values.predictor.tracing -}}
{{- if .endpoint -}}
{{- if not (regexMatch "^https?://[^\\s/?#@]+(/[^\\s?#@]*)?$" .endpoint) -}}
{{- fail (printf "predictor.tracing.endpoint is %q; the address of a collector for OTLP over HTTP is needed, such as http://collector.observability:4318" .endpoint) -}}
{{- end -}}
{{- $_ := set $settings "tracing" (dict "endpoint" .endpoint "samplingRate" .samplingRate) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $settings "allowNamedWeights" .Values.allowNamedWeights -}}
{{- $_ := set $settings "watchNamespaces" .Values.watchNamespaces -}}
{{- $_ := set $settings "livenessPort" 8080 -}}
{{- with .Values.ingress.port -}}
{{- $_ := set $settings "ingressPort" (int .) -}}
{{- end -}}
{{- if .Values.output.uri -}}
{{- $output := dict "uri" .Values.output.uri -}}
{{- with .Values.output.credentialsSecretName -}}
{{- $_ := set $output "credentialsSecretName" . -}}
{{- end -}}
{{- $_ := set $settings "output" $output -}}
{{- else if .Values.output.credentialsSecretName -}}
{{- fail "output.credentialsSecretName without output.uri: set both, or neither" -}}
{{- end -}}
{{- toJson $settings -}}
{{- end -}}

{{/* What the operator does to the API, and nothing else: no Secret, no wildcard. */}}
{{- define "transfermodel.rules" -}}
- apiGroups: [transferlearning.dev]
  resources: [transfermodels]
  verbs: [get, list, watch]
- apiGroups: [transferlearning.dev]
  resources: [transfermodels/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
# The address of a revision's own Service, for the proof that it serves.
- apiGroups: [""]
  resources: [services]
  verbs: [get]
# Why a Job's pods were refused; and the story that kubectl describe tells.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [list, create]
- apiGroups: [serving.kserve.io]
  resources: [inferenceservices]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [serving.knative.dev]
  resources: [revisions]
  # patch: the annotation that says how many pods run at least at this hour.
  verbs: [list, watch, patch]
{{- end -}}

{{/* A container's part of Pod Security `restricted`. */}}
{{- define "transfermodel.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "transfermodel.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}
