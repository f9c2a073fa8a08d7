{{- if .Values.egressPorts }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/instance: redis
    app.kubernetes.io/managed-by: {{ .Release.Service }}
    app.kubernetes.io/part-of: sidecars
  name: allow-egress
  namespace: {{ .Release.Namespace }}
spec:
  egress:
    - ports:
        {{- range .Values.egressPorts }}
        - port: {{ int . }}
          protocol: TCP
        {{- end }}
  podSelector:
    matchLabels:
      app.kubernetes.io/part-of: sidecars
  policyTypes:
    - Egress
{{- end }}
