using System.Collections;
using Sidecars.Backup.Retention;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Encryption;
using Sidecars.Backup.Store.S3;
using Sidecars.Backup.Upload;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Backup.Options;

/// <summary>All settings of redis-backup. The only file of this executable that reads the environment.</summary>
internal sealed record BackupOptions
{
    /// <summary>Section of the store.</summary>
    public const string StoreSection = "Store";

    /// <summary>Section of what decides when and how is uploaded.</summary>
    public const string UploadSection = "Upload";

    /// <summary>Section of what is kept.</summary>
    public const string RetentionSection = "Retention";

    /// <summary>Section of what reads backups back.</summary>
    public const string RestoreSection = "Restore and verify";

    /// <summary>Section of what <c>run</c> alone reads.</summary>
    public const string RunSection = "Sidecar";

    // Of a period: a shorter one would ask the store or the server without a pause.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);

    public required ClusterId Cluster { get; init; }

    /// <summary>Absolute path of a directory; "" where <see cref="S3"/> is the store.</summary>
    public required string StoreDirectory { get; init; }

    /// <summary>The bucket; null where a directory is the store.</summary>
    public required S3Settings? S3 { get; init; }

    /// <summary>Bound of all uploads together, bytes a second; 0: none.</summary>
    public required long UploadBytesPerSecond { get; init; }

    /// <summary>Null: backups are not encrypted here.</summary>
    public required KeyRing? Keys { get; init; }

    public required string DataDirectory { get; init; }

    public required DataLayout Layout { get; init; }

    public required RedisEndpoint Redis { get; init; }

    public required RedisClientOptions RedisClient { get; init; }

    /// <summary>What <see cref="RedisClient"/> logs in with; changes while clients hold it.</summary>
    public required LiveCredentials Credentials { get; init; }

    /// <summary>
    /// Reads the passwords again, from files that may have changed; where there are mistakes, the credentials are not to be used.
    /// </summary>
    public required Func<(IReadOnlyList<RedisCredential> Credentials, IReadOnlyList<string> Mistakes)> ReadCredentials { get; init; }

    /// <summary>Which files the group's servers keep.</summary>
    public required Durability Durability { get; init; }

    /// <summary>Null: plain TCP.</summary>
    public required TlsSettings? Tls { get; init; }

    public required UploaderOptions Uploader { get; init; }

    public required RetentionRules Retention { get; init; }

    public required string ServerBinary { get; init; }

    public required string ScratchDirectory { get; init; }

    /// <summary>0: none.</summary>
    public required int TelemetryPort { get; init; }

    public required LogLevel LogLevel { get; init; }

    public required LogFormat LogFormat { get; init; }

    /// <summary>Reads the variables for Main.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment()
    {
#pragma warning disable RS0030 // the one place of this executable that reads the environment
        return Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
#pragma warning restore RS0030
    }

    /// <summary>Reads everything; null where <see cref="SettingReader.Errors"/> is not empty.</summary>
    public static BackupOptions? Read(SettingReader settings)
    {
        settings.Section(SettingSections.Group);
        var space = settings.OptionalText("POD_NAMESPACE", "Fallback for the first half of CLUSTER_ID.");
        var clusterText = settings.Text(
            "CLUSTER_ID", (space ?? "default") + "/redis", "Identity of this tenant's group, namespace/name: the folder of its backups.");
        if (!ClusterId.TryParse(clusterText, out var cluster) || !ObjectKey.IsPart(cluster.MasterName))
            settings.Fail("CLUSTER_ID is not namespace/name of letters, digits, . - _ that begins with no dot");
        settings.Section(StoreSection);
        var store = settings.RequiredText(
            "BACKUP_STORE", "Where backups are kept: s3://bucket/prefix, or an absolute path (a local disk or a shared volume).");
        var upload =
            settings.Integer("BACKUP_UPLOAD_KIB_S", 0, 0, 10_000_000, "Bound of all uploads together, KiB a second; 0: none.") * 1024L;
        var s3 = StoreOptions.Read(settings, store, upload);
        if (s3 is null && store.Length > 0 && !System.IO.Path.IsPathRooted(store))
            settings.Fail($"BACKUP_STORE is '{store}'; it must be s3://bucket/prefix or an absolute path");
        KeyRing? keys = null;
        var secret = settings.OptionalSecret("BACKUP_KEYS",
            "Keys for AES-256-GCM before anything leaves this node: base64 of 32 bytes each (openssl rand -base64 32), "
            + "spaces between them. The first encrypts, all decrypt. Without the keys no backup can be restored.");
        if (secret is not null && !KeyRing.TryParse(secret, out keys))
            settings.Fail("BACKUP_KEYS must be 1 to 16 keys, each the base64 of 32 bytes, with spaces between them");
        settings.Section(UploadSection);
        var hostName = settings.OptionalText("HOSTNAME", "Fallback for NODE_NAME; a pod's is its name.");
        var node = settings.OptionalText("NODE_NAME", "This node's name: stable over restarts, and its own in the group (redis-0).")
            ?? hostName ?? Environment.MachineName;
        settings.Section(SettingSections.Files);
        var data = settings.Path("DATA_DIR", "/data", "Redis' working directory, readable; for restore, the empty target.");
        var appendDirectory = settings.Text("APPEND_DIR_NAME", DataLayout.Default.AppendDirectory, "Redis' appenddirname.");
        var appendFile = settings.Text("APPEND_FILE_NAME", DataLayout.Default.AppendFile, "Redis' appendfilename.");
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("APPEND_DIR_NAME", appendDirectory),
            ("APPEND_FILE_NAME", appendFile)])
            if (!ObjectKey.IsPart(value)) settings.Fail($"{name} must be a name of letters, digits, . - _ that begins with no dot");
        settings.Section(SettingSections.Connections);
        var port = settings.Port("REDIS_PORT", 6379, "Port of Redis.");
        var redis = settings.OptionalEndpoint(
            "REDIS_HOST", port, "The Redis beside this process: asked for its role and for rewrites, never for data. Default: 127.0.0.1.");
        settings.Section(SettingSections.Files);
        var durability = settings.Choice("DURABILITY", Durability.Aof,
            "As for redis-bootstrap: aof; rdb: snapshots alone are kept, and no time between two of them can be restored; none: "
            + "a cache, of which there are no backups.");
        var credentials = new LiveCredentials();
        credentials.Use(ReadCredentialsOf(settings, cluster));
        settings.Section(SettingSections.Connections);
        var tls = ReadTls(settings);
        settings.Section(UploadSection);
        var uploader = ReadUploader(settings, node);
        settings.Section(RetentionSection);
        var retention = new RetentionRules(
            settings.Duration(
                "BACKUP_WINDOW", "BACKUP_WINDOW_HOURS", TimeSpan.FromDays(7), TimeSpan.FromHours(1), TimeSpan.FromHours(87_600),
                "Any time within this can be restored."),
            settings.Integer("BACKUP_DAILY", 7, 0, 3660, "Beyond the window: days (UTC) of which the last backup is kept."),
            settings.Integer("BACKUP_WEEKLY", 4, 0, 520, "Likewise, ISO weeks."),
            settings.Integer("BACKUP_MONTHLY", 12, 0, 1200, "Likewise, months."));
        settings.Section(RestoreSection);
        var server = settings.Path("REDIS_SERVER_BIN", "redis-server",
            "For verify: the server that loads the restored data; for restore: asked which format it reads. "
            + "Looked up in PATH if it has no slash.");
        var scratch = settings.Path("BACKUP_SCRATCH_DIR", System.IO.Path.GetTempPath(),
            "For verify: where it restores to; needs room for the whole dataset. For restore: where the server is asked. "
            + "Emptied afterwards.");
        settings.Section(RunSection);
        var telemetry = settings.Port("METRICS_PORT", 9122, "For run: port of GET /metrics and GET /healthz; 0: none.", min: 0);
        var (logLevel, logFormat) = LogSettings.Read(settings);
        if (settings.Errors.Count > 0) return null;
        return new BackupOptions
        {
            Cluster = cluster!,
            StoreDirectory = s3 is null ? store : "",
            S3 = s3,
            UploadBytesPerSecond = upload,
            Keys = keys,
            DataDirectory = data,
            Layout = new DataLayout(appendDirectory, appendFile, DataLayout.Default.RdbFile),
            Redis = redis ?? new RedisEndpoint("127.0.0.1", port),
            RedisClient = new RedisClientOptions { Credentials = credentials, ClientName = "redis-backup" },
            Credentials = credentials,
            ReadCredentials = () =>
            {
                var again = settings.Again();
                return (ReadCredentialsOf(again, cluster!), again.Errors);
            },
            Durability = durability,
            Tls = tls,
            Uploader = uploader with { Snapshots = durability == Durability.Rdb, Retention = retention },
            Retention = retention,
            ServerBinary = server,
            ScratchDirectory = scratch,
            TelemetryPort = telemetry,
            LogLevel = logLevel,
            LogFormat = logFormat,
        };
    }

    private static UploaderOptions ReadUploader(SettingReader settings, string node)
    {
        var renew = settings.Duration(
            "BACKUP_LEASE_RENEW", "BACKUP_LEASE_RENEW_MS", TimeSpan.FromSeconds(30), Shortest, TimeSpan.FromMinutes(10),
            "How often the uploader renews its lease: one request each.");
        var life = settings.Duration(
            "BACKUP_LEASE_LIFE", "BACKUP_LEASE_LIFE_MS", TimeSpan.FromSeconds(90), Shortest * 3, TimeSpan.FromHours(1),
            "A lease that has not changed for so long may be taken by another node.");
        if (life < renew * 3) settings.Fail("BACKUP_LEASE_LIFE must be at least three times BACKUP_LEASE_RENEW");
        return new UploaderOptions
        {
            Node = node,
            Flush = settings.Duration("BACKUP_FLUSH", "BACKUP_FLUSH_MS", TimeSpan.FromSeconds(1), Shortest, TimeSpan.FromMinutes(10),
                "How often the tail is shipped while there is something to ship: the most that is lost with the disks, about."),
            SegmentBytes =
                settings.Integer("BACKUP_SEGMENT_KIB", 4096, 4, 65_536, "A segment is cut at the first command after so many KiB.") * 1024L,
            BaseInterval = settings.Duration(
                "BACKUP_BASE_INTERVAL", "BACKUP_BASE_MINUTES", TimeSpan.FromDays(1), TimeSpan.FromMinutes(1), TimeSpan.FromDays(365),
                "Time between two bases: more often is a quicker restore and more to store."),
            BaseTailFactor = settings.Integer("BACKUP_BASE_TAIL_FACTOR", 4, 0, 1000,
                "A base is also taken where the tail since the last one is longer than so many times that, at most once an hour, "
                + "and with BACKUP_REWRITE; 0: by time alone."),
            BaseTailBytes = settings.Integer("BACKUP_BASE_TAIL_MIB", 256, 1, 1_048_576,
                "And longer than so many MiB, so that a small base is not taken again and again.")
                * 1024L * 1024,
            Rewrite = settings.Flag(
                "BACKUP_REWRITE", true, "Ask Redis for BGREWRITEAOF before a base, so that it is new; false takes the last rewrite's."),
            Renew = renew,
            LeaseLife = life,
            OutOfSync = settings.Duration(
                "BACKUP_OUT_OF_SYNC", "BACKUP_OUT_OF_SYNC_MS", TimeSpan.FromSeconds(30), Shortest, TimeSpan.FromHours(1),
                "An uploader whose server is down, loads, or has no link to its master for so long gives the lease to another node."),
            MaxPendingBytes = settings.Integer("BACKUP_MAX_PENDING_MIB", 1024, 1, 1_048_576,
                "While the store is away, rewritten AOF files are kept for it, up to so many MiB; then a new generation begins.")
                * 1024L * 1024,
            DrainLimit = settings.Duration(
                "BACKUP_DRAIN", "BACKUP_DRAIN_MS", TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromMinutes(10),
                "After SIGTERM, how long to ship what is left."),
        };
    }

    private static List<RedisCredential> ReadCredentialsOf(SettingReader settings, ClusterId? cluster)
    {
        settings.Section(SettingSections.Passwords);
        var fallback = settings.OptionalSecret("REDIS_PASSWORD", "Fallback for SIDECAR_PASSWORD.");
        var fallbackBefore = settings.PreviousSecret("REDIS_PASSWORD");
        var own = settings.OptionalSecret(
            "SIDECAR_PASSWORD", "Password of the ACL user sidecar-<cluster id>. None: no log-in. Files are read again while it runs.");
        var ownBefore = settings.PreviousSecret("SIDECAR_PASSWORD");
        var access = new List<RedisCredential>();
        foreach (var secret in own is not null ? (Secret?[])[own, ownBefore] : [fallback, fallbackBefore])
            if (secret is not null && cluster is not null) access.Add(new RedisCredential(cluster.SidecarUser, secret.Value));
        return access;
    }

    private static TlsSettings? ReadTls(SettingReader settings)
    {
        var ca = settings.OptionalFile("TLS_CA_FILE", "PEM of the trusted CA; set: Redis is asked over TLS.");
        var certificate = settings.OptionalFile("TLS_CERT_FILE", "PEM client certificate.");
        var key = settings.OptionalFile("TLS_KEY_FILE", "PEM private key.");
        var name = settings.OptionalText("TLS_SERVER_NAME", "Name to check the certificate against. Default: the address.");
        if (ca is null && (certificate ?? key) is not null) settings.Fail("TLS_CERT_FILE and TLS_KEY_FILE need TLS_CA_FILE");
        return ca is null ? null : new TlsSettings { CaFile = ca, CertificateFile = certificate, KeyFile = key, ServerName = name };
    }
}
