namespace Sidecars.Chart;

/// <summary>Something that a tenant may have, as kustomize takes it and as the chart asks for it.</summary>
/// <param name="Name">How generated files and errors call it.</param>
/// <param name="Condition">An operand of a template's "if": true where the values ask for the feature.</param>
/// <param name="Includes">Features that it never comes without.</param>
/// <param name="Components">Folders of manifests/components.</param>
/// <param name="Patches">Items of a kustomization's "patches".</param>
internal sealed record Feature(string Name, string Condition, string[] Includes, string[] Components, string Patches = "");

/// <summary>All features, in the order in which kustomize merges them.</summary>
internal static class Features
{
    private const string Backup = ".Values.backup.store";
    private const string PullSecret = ".Values.imagePullSecret";

    /// <summary>What changes the objects of a tenant. A test holds the components to manifests/components.</summary>
    public static IReadOnlyList<Feature> All { get; } =
    [
        Component("monitoring", ".Values.monitoring"),
        Component("replicas-5", "(eq (int .Values.replicas) 5)"),
        new("storage-class", ".Values.storage.className", [], [], StorageClass),
        Component("tls-secret", "(ne .Values.tls \"none\")"),
        Component("tls-cert-manager", "(eq .Values.tls \"cert-manager\")", "tls-secret"),
        Component("acl", ".Values.acl"),
        Component("backup", Backup) with { Patches = Drill },
        Component("backup-credentials", $"(and {Backup} .Values.backup.staticKey)", "backup"),
        Component("route53", "(eq .Values.dns.publisher \"route53\")"),
        Component("external-dns", "(eq .Values.dns.publisher \"external-dns\")"),
        Component("role-label", ".Values.roleLabel"),
        Component("process-namespace", ".Values.processNamespace"),
        new("pull-secret", PullSecret, [], [], PullSecretOf("redis") + PullSecretOf("sentinel")),
        new("pull-secret-of-backup", $"(and {Backup} {PullSecret})", ["backup", "pull-secret"], [], PullSecretOf("redis-backup")),
        new("role", ".Values.aws.roleArn", [], [], RoleOf("redis", Tokens.RoleArn)),
        new("role-of-backup", $"(and {Backup} .Values.aws.backupRoleArn)", ["backup"], [], RoleOf("redis-backup", Tokens.BackupRoleArn)),
    ];

    /// <summary>What every tenant sets, whichever features it has.</summary>
    public const string Sizes = $$"""
          - target: {{OneRedis}}
            patch: |-
              - op: replace
                path: /spec/template/spec/containers/0/resources/requests/memory
                value: {{Tokens.Memory}}
              - op: replace
                path: /spec/template/spec/containers/0/resources/limits/memory
                value: {{Tokens.Memory}}
              - op: replace
                path: /spec/volumeClaimTemplates/0/spec/resources/requests/storage
                value: {{Tokens.Storage}}

        """;

    private const string OneRedis = "{kind: StatefulSet, name: redis}";

    // The class is the tenant's word; the components storage-* are two of them.
    private const string StorageClass = $"""
          - target: {OneRedis}
            patch: |-
              - op: add
                path: /spec/volumeClaimTemplates/0/spec/storageClassName
                value: {Tokens.StorageClass}

        """;

    // The drill loads the whole dataset: as much memory as a Redis, as much room as its volume.
    private const string Drill = $$"""
          - target: {kind: CronJob, name: redis-backup-drill}
            patch: |-
              apiVersion: batch/v1
              kind: CronJob
              metadata: {name: redis-backup-drill}
              spec:
                jobTemplate:
                  spec:
                    template:
                      spec:
                        containers:
                          - name: backup
                            resources:
                              requests: {memory: {{Tokens.Memory}} }
                              limits: {memory: {{Tokens.Memory}} }
                        volumes:
                          - name: scratch
                            emptyDir: {sizeLimit: {{Tokens.Storage}} }

        """;

    private static Feature Component(string name, string condition, params string[] includes) => new(name, condition, includes, [name]);

    private static string PullSecretOf(string account) => $$"""
          - target: {kind: ServiceAccount, name: ^{{account}}$}
            patch: |-
              - op: add
                path: /imagePullSecrets
                value: [{name: {{Tokens.PullSecret}}}]

        """;

    private static string RoleOf(string account, string role) => $$"""
          - target: {kind: ServiceAccount, name: ^{{account}}$}
            patch: |-
              - op: add
                path: /metadata/annotations
                value: {eks.amazonaws.com/role-arn: {{role}}}

        """;
}
