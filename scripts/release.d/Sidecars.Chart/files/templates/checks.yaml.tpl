{{- /* What a schema can't compare. */}}
{{- if lt (mul (int .Values.storage.sizeGi) 1024) (mul (int .Values.redis.memoryMi) 2) }}
{{- fail "storage.sizeGi must be at least twice redis.memoryMi: while the AOF is rewritten, the volume holds it twice" }}
{{- end }}
