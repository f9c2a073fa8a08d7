using System.Text.RegularExpressions;

namespace Sidecars.Chart;

/// <summary>Words that stand in a render where a value goes, and what a template has in their place.</summary>
internal static partial class Tokens
{
    public const string Namespace = "chart-namespace";
    public const string Memory = "chart-memory";
    public const string Storage = "chart-storage";
    public const string StorageClass = "chart-storage-class";
    public const string PullSecret = "chart-pull-secret";
    public const string RoleArn = "chart-role-arn";
    public const string BackupRoleArn = "chart-backup-role-arn";
    public const string Maxmemory = "chart-maxmemory";
    public const string Backlog = "chart-backlog";
    public const string RedisConfig = "chart-redis-config";
    public const string SentinelConfig = "chart-sentinel-config";

    private const string MemoryMi = "(int .Values.redis.memoryMi)";

    private static readonly Dictionary<string, string> Templates = new()
    {
        [Namespace] = "{{ .Release.Namespace }}",
        [Memory] = "{{ int .Values.redis.memoryMi }}Mi",
        [Storage] = "{{ int .Values.storage.sizeGi }}Gi",
        [StorageClass] = "{{ .Values.storage.className | quote }}",
        [PullSecret] = "{{ .Values.imagePullSecret | quote }}",
        [RoleArn] = "{{ .Values.aws.roleArn | quote }}",
        [BackupRoleArn] = "{{ .Values.aws.backupRoleArn | quote }}",
        // As scripts/tenant new --memory calculates them.
        [Maxmemory] = $"{{{{ div (mul {MemoryMi} 60) 100 }}}}",
        [Backlog] = $"{{{{ max 16 (div {MemoryMi} 32) }}}}",
        [RedisConfig] = "{{ .Values.redis.config | quote }}",
        [SentinelConfig] = "{{ .Values.sentinel.config | quote }}",
    };

    /// <summary>The text as it stands in a template, with what the values give in place of tokens and images.</summary>
    public static string Fill(string text)
    {
        if (text.Contains("{{", StringComparison.Ordinal)) throw new InvalidDataException($"'{text}' would be taken for a template");
        var filled = Token().Replace(text, match => Templates[match.Value]);
        return Image().Replace(filled, match => $"{{{{ .Values.images.{match.Groups[1].Value} | quote }}}}");
    }

    /// <summary>True for a text that is a value as a whole, and so needs no quotes but those of its template.</summary>
    public static bool IsWhole(string text) =>
        Templates.ContainsKey(text) || (Image().Match(text) is { Success: true } image && image.Length == text.Length);

    /// <summary>The name by which an overlay calls the image KEY of the values.</summary>
    public static string ImageOf(string key) => $"chart-image-{key}-chart";

    [GeneratedRegex(
        "chart-(namespace|memory|storage-class|storage|pull-secret|role-arn|backup-role-arn|maxmemory|backlog|"
        + "redis-config|sentinel-config)")]
    private static partial Regex Token();

    [GeneratedRegex(@"chart-image-([a-z]+)-chart[:@]\S*")]
    private static partial Regex Image();
}
