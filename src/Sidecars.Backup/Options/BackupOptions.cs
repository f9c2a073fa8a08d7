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

    /// <summary>Section of what decides when and how data are uploaded.</summary>
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

    /// <summary>Total rate limit of uploads, in bytes per second; 0: no limit.</summary>
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

    /// <summary>Port of metrics and health; 0: disabled.</summary>
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
        var space = settings.OptionalText("POD_NAMESPACE", "Default for the first half of CLUSTER_ID.");
        var clusterText = settings.Text(
            "CLUSTER_ID", (space ?? "default") + "/redis",
            "Identity of the group, namespace/name. Also the folder of its backups in the store.");
        if (!ClusterId.TryParse(clusterText, out var cluster) || !ObjectKey.IsPart(cluster.MasterName))
            settings.Fail("CLUSTER_ID is not namespace/name of letters, digits, . - _ that begins with no dot");
        settings.Section(StoreSection);
        var store = settings.RequiredText(
            "BACKUP_STORE", "Where backups are kept: s3://bucket/prefix, or an absolute path (a local disk or a shared volume).");
        var upload =
            settings.Integer("BACKUP_UPLOAD_KIB_S", 0, 0, 10_000_000,
                "Total rate limit of uploads, in KiB per second. 0: no limit.") * 1024L;
        var s3 = StoreOptions.Read(settings, store, upload);
        if (s3 is null && store.Length > 0 && !System.IO.Path.IsPathRooted(store))
            settings.Fail($"BACKUP_STORE is '{store}'; it must be s3://bucket/prefix or an absolute path");
        KeyRing? keys = null;
        var secret = settings.OptionalSecret("BACKUP_KEYS",
            "Keys that encrypt backups (AES-256-GCM) before they leave this node: each 32 bytes in base64 (openssl rand -base64 32), "
            + "separated by spaces. The first key encrypts, all decrypt. A backup can't be restored without its key. "
            + "Unset: backups are not encrypted by redis-backup.");
        if (secret is not null && !KeyRing.TryParse(secret, out keys))
            settings.Fail("BACKUP_KEYS must be 1 to 16 keys, each the base64 of 32 bytes, with spaces between them");
        settings.Section(UploadSection);
        var hostName = settings.OptionalText("HOSTNAME", "Default for NODE_NAME. In a pod it is the pod's name.");
        var node = settings.OptionalText("NODE_NAME", "Name of this node, such as redis-0: unique in the group, the same after a restart.")
            ?? hostName ?? Environment.MachineName;
        settings.Section(SettingSections.Files);
        var data = settings.Path("DATA_DIR", "/data",
            "Redis' working directory, which must be readable. For restore: the empty target directory.");
        var appendDirectory = settings.Text("APPEND_DIR_NAME", DataLayout.Default.AppendDirectory, "Value of appenddirname in redis.conf.");
        var appendFile = settings.Text("APPEND_FILE_NAME", DataLayout.Default.AppendFile, "Value of appendfilename in redis.conf.");
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("APPEND_DIR_NAME", appendDirectory),
            ("APPEND_FILE_NAME", appendFile)])
            if (!ObjectKey.IsPart(value)) settings.Fail($"{name} must be a name of letters, digits, . - _ that begins with no dot");
        settings.Section(SettingSections.Connections);
        var port = settings.Port("REDIS_PORT", 6379, "Port that Redis listens on.");
        var redis = settings.OptionalEndpoint(
            "REDIS_HOST", port,
            "Address of this pod's Redis. It is asked for its role and for rewrites, never for data. Default: 127.0.0.1.");
        settings.Section(SettingSections.Files);
        var durability = settings.Choice("DURABILITY", Durability.Aof,
            "As for redis-bootstrap. aof: any second can be restored; rdb: only snapshots are kept, and no time between two of them can be "
            + "restored; none: a cache, which has no backups.");
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
                "Length of the window. Any time in it can be restored."),
            settings.Integer("BACKUP_DAILY", 7, 0, 3660, "Days (UTC) before the window whose last backup is kept."),
            settings.Integer("BACKUP_WEEKLY", 4, 0, 520, "ISO weeks before the window whose last backup is kept."),
            settings.Integer("BACKUP_MONTHLY", 12, 0, 1200, "Months before the window whose last backup is kept."));
        settings.Section(RestoreSection);
        var server = settings.Path("REDIS_SERVER_BIN", "redis-server",
            "Redis executable; looked up in PATH if it has no slash. verify loads the restored data with it; restore needs it to see which "
            + "format it reads.");
        var scratch = settings.Path("BACKUP_SCRATCH_DIR", System.IO.Path.GetTempPath(),
            "Directory for temporary files, emptied afterwards. verify restores into it and needs room for the whole dataset; restore "
            + "starts the server there for a moment.");
        settings.Section(RunSection);
        var telemetry = settings.Port("METRICS_PORT", 9122, "For run: port of /metrics and /healthz. 0: disabled.", min: 0);
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
            "How often the uploader renews its lease. Each renewal is one request to the store.");
        var life = settings.Duration(
            "BACKUP_LEASE_LIFE", "BACKUP_LEASE_LIFE_MS", TimeSpan.FromSeconds(90), Shortest * 3, TimeSpan.FromHours(1),
            "How long the lease may go without a renewal before another node may take it. At least three times BACKUP_LEASE_RENEW.");
        if (life < renew * 3) settings.Fail("BACKUP_LEASE_LIFE must be at least three times BACKUP_LEASE_RENEW");
        return new UploaderOptions
        {
            Node = node,
            Flush = settings.Duration("BACKUP_FLUSH", "BACKUP_FLUSH_MS", TimeSpan.FromSeconds(1), Shortest, TimeSpan.FromMinutes(10),
                "How often new writes are shipped: about the most that is lost if all disks are."),
            SegmentBytes =
                settings.Integer("BACKUP_SEGMENT_KIB", 4096, 4, 65_536,
                    "Size of a segment, in KiB. It ends with the first command that reaches this size.") * 1024L,
            BaseInterval = settings.Duration(
                "BACKUP_BASE_INTERVAL", "BACKUP_BASE_MINUTES", TimeSpan.FromDays(1), TimeSpan.FromMinutes(1), TimeSpan.FromDays(365),
                "Time between two bases (full copies). A shorter one makes restores faster and needs more storage."),
            BaseTailFactor = settings.Integer("BACKUP_BASE_TAIL_FACTOR", 4, 0, 1000,
                "A base is taken early if the tail (the writes since the last base) is longer than this many times that base, at most once "
                + "an hour. Needs BACKUP_REWRITE. 0: by time only."),
            BaseTailBytes = settings.Integer("BACKUP_BASE_TAIL_MIB", 256, 1, 1_048_576,
                "Shortest tail, in MiB, that causes an early base, so that a small base is not taken again and again.")
                * 1024L * 1024,
            Rewrite = settings.Flag(
                "BACKUP_REWRITE", true,
                "Ask Redis for a BGREWRITEAOF before each base, so that the base is new. false: use the result of the last rewrite."),
            Renew = renew,
            LeaseLife = life,
            OutOfSync = settings.Duration(
                "BACKUP_OUT_OF_SYNC", "BACKUP_OUT_OF_SYNC_MS", TimeSpan.FromSeconds(30), Shortest, TimeSpan.FromHours(1),
                "How long an uploader's server may be down, loading or without a link to its master. After that, the uploader gives the "
                + "lease to another node."),
            MaxPendingBytes = settings.Integer("BACKUP_MAX_PENDING_MIB", 1024, 1, 1_048_576,
                "Limit, in MiB, of rewritten AOF files that are kept on disk until the store is reachable again. Beyond it, a new "
                + "generation begins.")
                * 1024L * 1024,
            DrainLimit = settings.Duration(
                "BACKUP_DRAIN", "BACKUP_DRAIN_MS", TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromMinutes(10),
                "Longest time to go on shipping after SIGTERM; it ends as soon as nothing is left."),
        };
    }

    private static List<RedisCredential> ReadCredentialsOf(SettingReader settings, ClusterId? cluster)
    {
        settings.Section(SettingSections.Passwords);
        var fallback = settings.OptionalSecret("REDIS_PASSWORD", "Default for SIDECAR_PASSWORD.");
        var fallbackBefore = settings.PreviousSecret("REDIS_PASSWORD");
        var own = settings.OptionalSecret(
            "SIDECAR_PASSWORD",
            "Password of ACL user sidecar-<cluster id>. Without one, there is no login. Files are read again while it runs.");
        var ownBefore = settings.PreviousSecret("SIDECAR_PASSWORD");
        var access = new List<RedisCredential>();
        foreach (var secret in own is not null ? (Secret?[])[own, ownBefore] : [fallback, fallbackBefore])
            if (secret is not null && cluster is not null) access.Add(new RedisCredential(cluster.SidecarUser, secret.Value));
        return access;
    }

    private static TlsSettings? ReadTls(SettingReader settings)
    {
        var ca = settings.OptionalFile("TLS_CA_FILE", "PEM file of the trusted CA. If set, Redis is contacted over TLS.");
        var certificate = settings.OptionalFile("TLS_CERT_FILE", "PEM client certificate.");
        var key = settings.OptionalFile("TLS_KEY_FILE", "PEM private key.");
        var name = settings.OptionalText("TLS_SERVER_NAME",
            "Name that the server's certificate must have. Default: the address connected to.");
        if (ca is null && (certificate ?? key) is not null) settings.Fail("TLS_CERT_FILE and TLS_KEY_FILE need TLS_CA_FILE");
        return ca is null ? null : new TlsSettings { CaFile = ca, CertificateFile = certificate, KeyFile = key, ServerName = name };
    }
}
