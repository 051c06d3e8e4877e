{{- /* Definitions that several templates use. */ -}}

{{- define "modelcache.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}
{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* major.minor of the API server: Capabilities may say v1.35.2-eks-1. */ -}}
{{- define "modelcache.kubeVersion" -}}
{{- if .Values.kubeVersion -}}{{ .Values.kubeVersion }}
{{- else -}}
{{- with semver .Capabilities.KubeVersion.Version -}}{{ .Major }}.{{ .Minor }}{{- end -}}
{{- end -}}
{{- end -}}

{{- /* "true" if the API server has at least the given minor version. */ -}}
{{- define "modelcache.atLeast" -}}
{{- if semverCompare (printf ">=1.%d.0-0" (int .minor)) (printf "%s.0" (include "modelcache.kubeVersion" .root)) -}}true{{- end -}}
{{- end -}}

{{- define "modelcache.excluded" -}}
["{{ prepend .Values.excludedNamespaces .Release.Namespace | uniq | join "\", \"" }}"]
{{- end -}}

{{- /* "true" if ValidatingAdmissionPolicies are installed. */ -}}
{{- define "modelcache.policies" -}}
{{- if eq .Values.failurePolicy "Ignore" -}}true{{- end -}}
{{- end -}}

{{- define "modelcache.host" -}}
modelcache-webhook.{{ .Release.Namespace }}.svc
{{- end -}}

{{- define "modelcache.labels" -}}
app.kubernetes.io/name: modelcache-webhook
{{- end -}}

{{- /* Mebibytes in a quantity such as 256Mi or 1Gi. */ -}}
{{- define "modelcache.mebibytes" -}}
{{- if hasSuffix "Gi" . -}}{{ trimSuffix "Gi" . | int | mul 1024 }}{{- else -}}{{ trimSuffix "Mi" . }}{{- end -}}
{{- end -}}

{{/* Seconds in a duration with one unit, such as 168h. */}}
{{- define "modelcache.seconds" -}}
{{- mul (regexFind "^[0-9]+" . | int) (get (dict "h" 3600 "m" 60 "s" 1) (regexFind "[hms]$" .)) -}}
{{- end -}}

{{- /* Rules for the kinds of other projects whose pods get annotations by copying. */ -}}
{{- define "modelcache.customRules" -}}
{{- range $i, $rule := (.Files.Get "files/kinds.yaml" | fromYaml).rules }}
{{- if $i }}
{{ end -}}
- apiGroups: ["{{ .group }}"]
  apiVersions: ["{{ join "\", \"" .versions }}"]
  operations: ["CREATE", "UPDATE"]
  resources: ["{{ join "\", \"" .resources }}"]
  scope: Namespaced
{{- end }}
{{- end -}}
