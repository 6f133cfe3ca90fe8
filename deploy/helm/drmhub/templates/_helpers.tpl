{{- define "drmhub.name" -}}
{{- if contains "drmhub" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-drmhub" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "drmhub.selector" -}}
app.kubernetes.io/name: drmhub
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "drmhub.labels" -}}
{{ include "drmhub.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* The port of a listen setting, such as 9090 of 0.0.0.0:9090. */ -}}
{{- define "drmhub.port" -}}{{ splitList ":" . | last }}{{- end }}

{{- /* The memory of a limit in MiB. The schema permits only Mi and Gi. */ -}}
{{- define "drmhub.mebibytes" -}}
{{- if hasSuffix "Gi" . }}{{ mul (trimSuffix "Gi" . | int) 1024 }}{{ else }}{{ trimSuffix "Mi" . | int }}{{ end }}
{{- end }}

{{- define "drmhub.image" -}}
{{- with .Values.image }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{- /* drmhub.yaml: the config, with the store and the names of the Service. */ -}}
{{- define "drmhub.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $dsn := "sqlite:/data/drmhub.db" }}
{{- if eq .Values.store.kind "postgres" }}{{ $dsn = dict "file" .Values.store.dsnFile }}{{ end }}
{{- $_ := set $config "store" (merge (dict "dsn" $dsn) ($config.store | default dict)) }}
{{- $name := include "drmhub.name" . }}
{{- $inside := printf "%s.%s" $name .Release.Namespace }}
{{- $hosts := list $name $inside (printf "%s.svc" $inside) (printf "%s.svc.%s" $inside .Values.clusterDomain) }}
{{- $_ := set $config.http "allowed_hosts" (concat ($config.http.allowed_hosts | default list) $hosts | uniq) }}
{{- toYaml $config }}
{{- end }}

{{- /* What the schema cannot say. */ -}}
{{- define "drmhub.check" -}}
{{- $many := or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}
{{- if and $many (eq .Values.store.kind "sqlite") }}
{{- fail "SQLite serves one replica: set replicas to 1 without autoscaling, or store.kind to postgres" }}
{{- end }}
{{- $archive := .Values.config.archive | default dict }}
{{- $file := $archive.dsn | default "sqlite:" }}
{{- if and $archive.enabled (eq .Values.store.kind "postgres") (kindIs "string" $file) (hasPrefix "sqlite:" $file) }}
{{- fail "config.archive.dsn is a SQLite file, and with store.kind postgres there is no volume: set it to a DSN of PostgreSQL or ClickHouse" }}
{{- end }}
{{- $ports := list }}
{{- range list .Values.config.grpc .Values.config.http .Values.config.ops }}
{{- $ports = append $ports (include "drmhub.port" .listen) }}
{{- end }}
{{- if lt (len (uniq $ports)) 3 }}
{{- fail "config.grpc.listen, config.http.listen and config.ops.listen need three different ports" }}
{{- end }}
{{- end }}
