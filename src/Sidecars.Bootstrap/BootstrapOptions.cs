using System.Collections;
using System.Collections.Immutable;
using System.Net;
using Sidecars.Core.Election;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap;

/// <summary>What is to be started.</summary>
internal enum ServerMode
{
    Redis,
    Sentinel,
}

/// <summary>Where an election is held.</summary>
internal enum ElectionKind
{
    /// <summary>A shared directory, for nodes on one machine.</summary>
    File,

    /// <summary>The leader-elector side-car of the seed image.</summary>
    Elector,
}

/// <summary>Certificates; all servers and clients of the group use TLS where this is set.</summary>
internal sealed record TlsOptions(string CaFile, string CertificateFile, string KeyFile, string? ServerName);

/// <summary>Passwords of the group; each user's name comes from the cluster id. Null: that user logs in without one.</summary>
internal sealed record GroupSecrets(Secret? Redis, Secret? Replication, Secret? SentinelAuth, Secret? Sidecar, Secret? Sentinel);

/// <summary>All settings of redis-bootstrap. The only file of this executable that reads the environment.</summary>
internal sealed record BootstrapOptions
{
    public required ServerMode Mode { get; init; }

    public required ClusterId Cluster { get; init; }

    public required string MasterName { get; init; }

    public required string NodeName { get; init; }

    public required string NodeUid { get; init; }

    public required int RedisCount { get; init; }

    public required int SentinelCount { get; init; }

    public required Durability Durability { get; init; }

    public required int Port { get; init; }

    public required string? AnnounceHost { get; init; }

    public required int AnnouncePort { get; init; }

    public required ImmutableArray<RedisEndpoint> SentinelHosts { get; init; }

    public required ImmutableArray<RedisEndpoint> RedisHosts { get; init; }

    public required string DataDirectory { get; init; }

    public required string ConfigDirectory { get; init; }

    public required string? BaseConfig { get; init; }

    public required string ServerBinary { get; init; }

    public required ImmutableArray<string> ServerArguments { get; init; }

    public required ElectionKind Election { get; init; }

    public required string ElectionDirectory { get; init; }

    public required Uri ElectorUrl { get; init; }

    public required TimeSpan DownAfter { get; init; }

    public required TimeSpan FailoverTimeout { get; init; }

    public required int? SentinelSlot { get; init; }

    public required TimeSpan ConnectTimeout { get; init; }

    public required TimeSpan CommandTimeout { get; init; }

    public required TimeSpan RetryMax { get; init; }

    public required TimeSpan? WaitDeadline { get; init; }

    public required LogLevel LogLevel { get; init; }

    public required TlsOptions? Tls { get; init; }

    public required GroupSecrets Secrets { get; init; }

    /// <summary>Where Main finds its variables.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment()
    {
#pragma warning disable RS0030 // the one place of this executable that reads the environment
        return Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
#pragma warning restore RS0030
    }

    /// <summary>Reads everything; null where <see cref="SettingReader.Errors"/> is not empty.</summary>
    /// <param name="mode">From the command line; null to let <c>SENTINEL</c> decide, as in the seed image.</param>
    /// <param name="serverArguments">Passed on to the server after its configuration file.</param>
    /// <param name="settings">The variables.</param>
    public static BootstrapOptions? Read(ServerMode? mode, ImmutableArray<string> serverArguments, SettingReader settings)
    {
        var isSentinel = settings.Flag("SENTINEL", false, "true: start a Sentinel, as 'redis-bootstrap sentinel' does.");
        var actual = mode ?? (isSentinel ? ServerMode.Sentinel : ServerMode.Redis);
        var cluster = ReadCluster(settings);
        var masterName = settings.Text("MASTER_NAME", "name", cluster?.MasterName,
            "Name under which Sentinels monitor the master. Default: CLUSTER_ID with its slash as a dot.",
            text => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'), "of A-Z a-z 0-9 . - _ only");
        var nodeName = settings.Text("NODE_NAME", "name", settings.Text("HOSTNAME", "name", HostName(), "Fallback for NODE_NAME; a pod's is its name."),
            "This node's name, stable over restarts and its own in the group (redis-0).",
            text => text.Length is > 0 and <= 253 && text[0] != '.' && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'), "1 to 253 of A-Z a-z 0-9 . - _");
        var uid = settings.Text("POD_UID", "uid", Guid.NewGuid().ToString("N"), "This pod's UID. Default: a fresh random one per start.");

        var redisPort = settings.Number("REDIS_PORT", "port", 6379, 1, 65535, "Port that Redis listens on.");
        var sentinelPort = settings.Number("SENTINEL_PORT", "port", 26379, 1, 65535, "Port that Sentinel listens on.");
        var sentinelServicePort = settings.Number("REDIS_SENTINEL_SERVICE_PORT", "port", sentinelPort, 1, 65535, "Port of the Sentinels where REDIS_SENTINEL_SERVICE_HOST names none.");
        var redisServicePort = settings.Number("REDIS_SERVER_SERVICE_PORT", "port", redisPort, 1, 65535, "Port of the Redis nodes where REDIS_SERVER_SERVICE_HOST names none.");
        var sentinelHosts = settings.Endpoints("REDIS_SENTINEL_SERVICE_HOST", sentinelServicePort, required: true,
            "The Sentinels: a name with many addresses (headless Service), or a list.");
        var redisHosts = settings.Endpoints("REDIS_SERVER_SERVICE_HOST", redisServicePort, required: true,
            "The Redis nodes: a name with many addresses (headless Service), or a list.");

        var port = actual == ServerMode.Redis ? redisPort : sentinelPort;
        var announceHost = settings.Text("ANNOUNCE_HOST", "host", settings.Text("POD_IP", "address", null, "Fallback for ANNOUNCE_HOST."),
            "Address that the others reach this node at: a stable per-pod Service, or the pod's address. A name is resolved once, here, since Sentinel must never get one. Default: POD_IP, else this host's first address.");
        var announcePort = settings.Number("ANNOUNCE_PORT", "port", port, 1, 65535, "Port that goes with ANNOUNCE_HOST.");

        var redisCount = settings.Number("REDIS_COUNT", "count", 3, 1, 31, "How many Redis nodes there should be. Never inferred: DNS answers are partial.");
        var sentinelCount = settings.Number("SENTINEL_COUNT", "count", 3, 1, 31, "How many Sentinels there should be; a majority of this number decides.");
        var durability = settings.Choice("DURABILITY", Durability.Aof, "What counts as data: the append-only file, snapshots, or nothing (a cache).",
            ("aof", Durability.Aof), ("rdb", Durability.Rdb), ("none", Durability.None));
        var dataDirectory = settings.Text("DATA_DIR", "path", Directory.Exists("/redis-master-data") && !Directory.Exists("/data") ? "/redis-master-data" : "/data",
            "Redis' working directory. /redis-master-data, the seed image's, is used where it exists and /data does not.")!;
        var configDirectory = settings.Text("CONFIG_DIR", "path", "/run/sidecars", "Where the generated configuration and the heartbeat file bootstrap.json go; writable, best an emptyDir in memory.")!;
        var redisBase = settings.ExistingFile("REDIS_BASE_CONFIG", "A redis.conf to start from; none of its settings is lost.");
        var sentinelBase = settings.ExistingFile("SENTINEL_BASE_CONFIG", "A sentinel.conf to start from.");
        var redisBinary = settings.Text("REDIS_SERVER_BIN", "path", "redis-server", "The server to start; looked up in PATH if it has no slash.")!;
        var sentinelBinary = settings.Text("REDIS_SENTINEL_BIN", "path", "redis-sentinel", "The Sentinel to start.")!;

        var (election, electionDirectory, electorUrl) = ReadElection(settings, sentinelHosts, redisHosts, masterName);
        var downAfter = settings.Milliseconds("SENTINEL_DOWN_AFTER_MS", 5000, 1000, 600_000, "How long a master must be silent before a Sentinel thinks it is down.");
        var failoverTimeout = settings.Milliseconds("SENTINEL_FAILOVER_TIMEOUT_MS", 15_000, 1000, 600_000, "A failed attempt is repeated after twice this time: keep it short.");
        var slot = settings.Number("SENTINEL_SLOT", "number, -1 for none", -1, -1, 30, "Identity of this Sentinel: myid = SHA-1 of cluster id and slot. -1: Sentinel makes one up at its first start.");
        var connectTimeout = settings.Milliseconds("CONNECT_TIMEOUT_MS", 1000, 50, 60_000, "For each connection; every try opens a new socket.");
        var commandTimeout = settings.Milliseconds("COMMAND_TIMEOUT_MS", 1000, 50, 60_000, "For each answer.");
        var retryMax = settings.Milliseconds("RETRY_MAX_MS", 1000, 100, 60_000, "Longest pause between two looks at the group; it starts at 100 ms, doubles, and is jittered.");
        var deadline = settings.Number("WAIT_DEADLINE_MS", "ms, 0 for none", 0, 0, int.MaxValue, "Give up (exit 1) when no role was found for so long. None by default: a waiting node is alive, and its evidence counts.");
        var logLevel = settings.Choice("LOG_LEVEL", LogLevel.Info, "Least level that is logged.",
            ("debug", LogLevel.Debug), ("info", LogLevel.Info), ("warning", LogLevel.Warning), ("error", LogLevel.Error));
        var tls = ReadTls(settings);
        var secrets = ReadSecrets(settings);

        if (downAfter >= failoverTimeout) settings.Fail("SENTINEL_FAILOVER_TIMEOUT_MS must be longer than SENTINEL_DOWN_AFTER_MS");
        if (settings.Errors.Count > 0) return null;
        return new BootstrapOptions
        {
            Mode = actual,
            Cluster = cluster!,
            MasterName = masterName!,
            NodeName = nodeName!,
            NodeUid = uid!,
            RedisCount = redisCount,
            SentinelCount = sentinelCount,
            Durability = durability,
            Port = port,
            AnnounceHost = announceHost,
            AnnouncePort = announcePort,
            SentinelHosts = sentinelHosts,
            RedisHosts = redisHosts,
            DataDirectory = dataDirectory,
            ConfigDirectory = configDirectory,
            BaseConfig = actual == ServerMode.Redis ? redisBase : sentinelBase,
            ServerBinary = actual == ServerMode.Redis ? redisBinary : sentinelBinary,
            ServerArguments = serverArguments,
            Election = election,
            ElectionDirectory = electionDirectory,
            ElectorUrl = electorUrl,
            DownAfter = downAfter,
            FailoverTimeout = failoverTimeout,
            SentinelSlot = slot < 0 ? null : slot,
            ConnectTimeout = connectTimeout,
            CommandTimeout = commandTimeout,
            RetryMax = retryMax,
            WaitDeadline = deadline == 0 ? null : TimeSpan.FromMilliseconds(deadline),
            LogLevel = logLevel,
            Tls = tls,
            Secrets = secrets,
        };
    }

    private static ClusterId? ReadCluster(SettingReader settings)
    {
        var space = settings.Text("POD_NAMESPACE", "name", null, "Fallback for the first half of CLUSTER_ID.");
        var text = settings.Text("CLUSTER_ID", "namespace/name", space is null ? "default/redis" : space + "/redis",
            "Identity of this tenant's group. It is part of the master name and of the ACL users of replication, Sentinel and sidecars, so that no other tenant's node can log in.");
        if (ClusterId.TryParse(text, out var cluster)) return cluster;
        settings.Fail($"CLUSTER_ID: '{text}' is not namespace/name of A-Z a-z 0-9 . _ - with at most {ClusterId.MaxLength} characters");
        return null;
    }

    private static (ElectionKind Kind, string Directory, Uri Url) ReadElection(
        SettingReader settings, ImmutableArray<RedisEndpoint> sentinels, ImmutableArray<RedisEndpoint> redis, string? masterName)
    {
        // On one machine (every configured address is loopback) a file lock needs nothing else; anywhere else it would let
        // every node elect itself, so the seed's side-car is the default there.
        var oneMachine = sentinels.Concat(redis).All(e => IPAddress.TryParse(e.Host, out var ip) ? IPAddress.IsLoopback(ip) : e.Host == "localhost");
        var kind = settings.Choice("ELECTION", oneMachine ? ElectionKind.File : ElectionKind.Elector,
            "Where an election is held when no master lives: a directory shared by nodes of one machine (default when all addresses are loopback), or the leader-elector side-car (default elsewhere).",
            ("file", ElectionKind.File), ("elector", ElectionKind.Elector));
        var directory = settings.Text("ELECTION_DIR", "path", Path.Combine(Path.GetTempPath(), "sidecars-" + masterName), "For file: the shared directory, on a local file system.")!;
        var url = settings.Text("ELECTOR_URL", "url", "http://localhost:4040/", "For elector: answers {\"name\": \"<leader>\"}.",
            text => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme == "http", "an http:// URL")!;
        return (kind, directory, Uri.TryCreate(url, UriKind.Absolute, out var parsed) ? parsed : new Uri("http://localhost:4040/"));
    }

    private static TlsOptions? ReadTls(SettingReader settings)
    {
        var ca = settings.ExistingFile("TLS_CA_FILE", "PEM of the only trusted CA. Set together with TLS_CERT_FILE and TLS_KEY_FILE: everything then speaks TLS, and no plain port is open.");
        var certificate = settings.ExistingFile("TLS_CERT_FILE", "PEM certificate, of server and client.");
        var key = settings.ExistingFile("TLS_KEY_FILE", "PEM private key.");
        var serverName = settings.Text("TLS_SERVER_NAME", "name", null, "Name to check servers' certificates against; default the address connected to.");
        if (ca is null && certificate is null && key is null) return null;
        if (ca is null || certificate is null || key is null) settings.Fail("TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE must all be set, or none of them");
        return ca is null || certificate is null || key is null ? null : new TlsOptions(ca, certificate, key, serverName);
    }

    private static GroupSecrets ReadSecrets(SettingReader settings)
    {
        var redis = settings.Password("REDIS_PASSWORD", "Password of Redis' default user, which applications use.");
        var replication = settings.Password("REPLICATION_PASSWORD", "Password of repl-<cluster id>. Default: REDIS_PASSWORD.");
        var sentinelAuth = settings.Password("SENTINEL_AUTH_PASSWORD", "Password of sentinel-<cluster id> on Redis and between Sentinels. Default: REDIS_PASSWORD.");
        var sidecar = settings.Password("SIDECAR_PASSWORD", "Password of sidecar-<cluster id> on Redis and on Sentinel. Default: REDIS_PASSWORD.");
        var sentinel = settings.Password("SENTINEL_PASSWORD", "Password of Sentinel's default user, which Sentinel-aware clients use.");
        return new GroupSecrets(redis, replication ?? redis, sentinelAuth ?? redis, sidecar ?? redis, sentinel);
    }

    private static string HostName()
    {
        try
        {
            return Dns.GetHostName();
        }
        catch (System.Net.Sockets.SocketException)
        {
            return "localhost";
        }
    }
}
