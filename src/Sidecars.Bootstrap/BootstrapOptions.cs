using System.Collections;
using System.Collections.Immutable;
using System.Net;
using Sidecars.Core.Configuration;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
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

    /// <summary>A Lease of the cluster's API server.</summary>
    Lease,
}

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

    /// <summary>The API server; null where this is no pod, or its downward API is not wired up.</summary>
    public required KubernetesSettings? Kubernetes { get; init; }

    public required TimeSpan LastMasterWait { get; init; }

    /// <summary>Null: an election never goes on without what it waits for.</summary>
    public required TimeSpan? UncleanElectionAfter { get; init; }

    public required bool RestoreOnEmpty { get; init; }

    public required string RestoreCommand { get; init; }

    /// <summary>0: data are given up without a copy.</summary>
    public required int RescueMaxCount { get; init; }

    /// <summary>Null: half of the volume.</summary>
    public required long? RescueMaxBytes { get; init; }

    public required TimeSpan DownAfter { get; init; }

    public required TimeSpan FailoverTimeout { get; init; }

    public required int? SentinelSlot { get; init; }

    public required TimeSpan ConnectTimeout { get; init; }

    public required TimeSpan CommandTimeout { get; init; }

    public required TimeSpan RetryMax { get; init; }

    public required TimeSpan? WaitDeadline { get; init; }

    public required LogLevel LogLevel { get; init; }

    /// <summary>Null: plain TCP.</summary>
    public required TlsFiles? Tls { get; init; }

    public required string? TlsServerName { get; init; }

    /// <summary>Passwords on Redis.</summary>
    public required GroupSecrets RedisSecrets { get; init; }

    /// <summary>Passwords on Sentinel: another default user, the same service users.</summary>
    public required GroupSecrets SentinelSecrets { get; init; }

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
        var isSentinel = settings.Flag("SENTINEL", false, "Start a Sentinel, as 'redis-bootstrap sentinel' does.");
        var actual = mode ?? (isSentinel ? ServerMode.Sentinel : ServerMode.Redis);
        var podNamespace = settings.OptionalText("POD_NAMESPACE", "This pod's namespace (downward API): fallback for the first half of CLUSTER_ID, and where its Lease is.");
        var cluster = ReadCluster(settings, podNamespace);
        var masterName = settings.OptionalValue("MASTER_NAME", "letters, digits, . - _", text => text.All(IsNameCharacter) ? text : null,
            "Name under which Sentinels monitor the master. Default: CLUSTER_ID with its slash as a dot.") ?? cluster?.MasterName;
        var hostName = settings.OptionalText("HOSTNAME", "Fallback for NODE_NAME; a pod's is its name.") ?? HostName();
        var nodeName = settings.OptionalValue("NODE_NAME", "1 to 253 letters, digits, . - _", text => IsNodeName(text) ? text : null,
            "This node's name: stable over restarts, and its own in the group (redis-0).") ?? hostName;
        if (!IsNodeName(nodeName)) settings.Fail($"HOSTNAME is no node name (1 to 253 letters, digits, . - _); set NODE_NAME");
        var podUid = settings.OptionalText("POD_UID", "This pod's UID (downward API). Default: a fresh random one at each start.");

        var redisPort = settings.Integer("REDIS_PORT", 6379, 1, 65535, "Port that Redis listens on.");
        var sentinelPort = settings.Integer("SENTINEL_PORT", 26379, 1, 65535, "Port that Sentinel listens on.");
        var sentinelServicePort = settings.Integer("REDIS_SENTINEL_SERVICE_PORT", sentinelPort, 1, 65535, "Port of the Sentinels where REDIS_SENTINEL_SERVICE_HOST names none.");
        var redisServicePort = settings.Integer("REDIS_SERVER_SERVICE_PORT", redisPort, 1, 65535, "Port of the Redis nodes where REDIS_SERVER_SERVICE_HOST names none.");
        var sentinelHosts = Required(settings, "REDIS_SENTINEL_SERVICE_HOST", sentinelServicePort, "The Sentinels: a name with many addresses (headless Service), or a list. Required.");
        var redisHosts = Required(settings, "REDIS_SERVER_SERVICE_HOST", redisServicePort, "The Redis nodes: a name with many addresses (headless Service), or a list. Required.");

        var port = actual == ServerMode.Redis ? redisPort : sentinelPort;
        var podAddress = settings.OptionalText("POD_IP", "Fallback for ANNOUNCE_HOST.");
        var announceHost = settings.OptionalText("ANNOUNCE_HOST",
            "Address that the others reach this node at: a stable per-pod Service, or the pod's address. A name is resolved once, here: Sentinel must never get one. Default: POD_IP, else this host's first address.") ?? podAddress;
        if (announceHost is not null && !RedisEndpoint.TryParse(announceHost.Contains(':', StringComparison.Ordinal) ? $"[{announceHost}]" : announceHost, 1, out _))
            settings.Fail($"ANNOUNCE_HOST is '{announceHost}'; it must be an IP address or a name, without port");
        var announcePort = settings.Integer("ANNOUNCE_PORT", port, 1, 65535, "Port that goes with ANNOUNCE_HOST.");

        var redisCount = settings.Integer("REDIS_COUNT", 3, 1, 31, "How many Redis nodes there should be. Never inferred: DNS answers are partial.");
        var sentinelCount = settings.Integer("SENTINEL_COUNT", 3, 1, 31, "How many Sentinels there should be; a majority of this number decides.");
        var durability = settings.Choice("DURABILITY", Durability.Aof, "What counts as data: the append-only file, snapshots, or nothing (a cache).");
        var dataDirectory = settings.Path("DATA_DIR", Directory.Exists("/redis-master-data") && !Directory.Exists("/data") ? "/redis-master-data" : "/data",
            "Redis' working directory. The seed image's /redis-master-data is the default where it exists and /data does not.");
        var configDirectory = settings.Path("CONFIG_DIR", "/run/sidecars", "Where the generated configuration and the heartbeat bootstrap.json go: writable, best an emptyDir in memory.");
        var redisBase = ExistingFile(settings, "REDIS_BASE_CONFIG", "A redis.conf to start from; none of its settings is lost.");
        var sentinelBase = ExistingFile(settings, "SENTINEL_BASE_CONFIG", "A sentinel.conf to start from.");
        var redisBinary = settings.Path("REDIS_SERVER_BIN", "redis-server", "The server to start; looked up in PATH if it has no slash.");
        var sentinelBinary = settings.Path("REDIS_SENTINEL_BIN", "redis-sentinel", "The Sentinel to start.");

        var kubernetes = KubernetesSettings.Read(settings, cluster, nodeName, podNamespace, podUid);
        var (election, electionDirectory, electorUrl) = ReadElection(settings, [.. sentinelHosts, .. redisHosts], masterName, kubernetes is not null);
        var lastMasterWait = settings.Milliseconds("LAST_MASTER_WAIT_MS", 10_000, 0, int.MaxValue,
            "How long an election waits for the master that served last while all that were in sync with it are there: its disk may hold writes that it acknowledged and never sent.");
        var unclean = settings.OptionalInteger("UNCLEAN_ELECTION_AFTER_MS", 1000, int.MaxValue,
            "Elect the best of those that are there after waiting so long for a node or a disk that may hold newer data: writes may be lost for ever. Without it never.");
        var restoreOnEmpty = settings.Flag("RESTORE_ON_EMPTY", false,
            "Where every disk of a durable group was emptied, the node that wins the election restores the newest backup before it serves, with RESTORE_COMMAND and the BACKUP_ settings of redis-backup.");
        var restoreCommand = settings.Path("RESTORE_COMMAND", "redis-backup", "The redis-backup that restores; looked up in PATH if it has no slash.");
        var rescueCount = settings.Integer("RESCUE_MAX_COUNT", RescueLimits.DefaultMaxCount, 0, 100,
            "Data that a master would overwrite, and may not have, are hard-linked into DATA_DIR/.sidecar/rescue first; so many are kept, the oldest go. 0: none, and none are kept.");
        var rescueMegabytes = settings.OptionalInteger("RESCUE_MAX_MB", 1, int.MaxValue, "Megabytes (2^20 bytes) of all rescues; where data do not fit, the node waits rather than give them up. Default: half of the volume.");
        var downAfter = settings.Milliseconds("SENTINEL_DOWN_AFTER_MS", 5000, 1000, 600_000, "How long a master must be silent before a Sentinel thinks it is down.");
        var failoverTimeout = settings.Milliseconds("SENTINEL_FAILOVER_TIMEOUT_MS", 15_000, 1000, 600_000, "A failed attempt is repeated after twice this time: keep it short.");
        var slot = settings.OptionalInteger("SENTINEL_SLOT", 0, 30, "Identity of this Sentinel: its id is the SHA-1 of cluster id and slot. Default: in a pod with POD_UID and POD_NAMESPACE one is claimed in the Lease <LEASE_NAME>-sentinels; elsewhere Sentinel draws an id at its first start.");
        var connectTimeout = settings.Milliseconds("CONNECT_TIMEOUT_MS", 1000, 50, 60_000, "For each connection; every try opens a new socket.");
        var commandTimeout = settings.Milliseconds("COMMAND_TIMEOUT_MS", 1000, 50, 60_000, "For each answer.");
        var retryMax = settings.Milliseconds("RETRY_MAX_MS", 1000, 100, 60_000, "Longest pause between two looks at the group; it starts at 100 ms, doubles, and is jittered.");
        var deadline = settings.OptionalInteger("WAIT_DEADLINE_MS", 1, int.MaxValue, "Give up (exit 1) when no role was found for so long. Without it never: a waiting node is alive, and its evidence counts.");
        var logLevel = settings.Choice("LOG_LEVEL", LogLevel.Info, "Least level that is logged.");
        var (tls, tlsServerName) = ReadTls(settings);
        var (redisSecrets, sentinelSecrets) = ReadSecrets(settings);

        if (downAfter >= failoverTimeout) settings.Fail("SENTINEL_FAILOVER_TIMEOUT_MS must be longer than SENTINEL_DOWN_AFTER_MS");
        if (settings.Errors.Count > 0) return null;
        return new BootstrapOptions
        {
            Mode = actual,
            Cluster = cluster!,
            MasterName = masterName!,
            NodeName = nodeName,
            NodeUid = podUid ?? Guid.NewGuid().ToString("N"),
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
            Kubernetes = kubernetes,
            LastMasterWait = lastMasterWait,
            UncleanElectionAfter = unclean is { } afterMs ? TimeSpan.FromMilliseconds(afterMs) : null,
            RestoreOnEmpty = restoreOnEmpty,
            RestoreCommand = restoreCommand,
            RescueMaxCount = rescueCount,
            RescueMaxBytes = rescueMegabytes * (1L << 20),
            DownAfter = downAfter,
            FailoverTimeout = failoverTimeout,
            SentinelSlot = slot,
            ConnectTimeout = connectTimeout,
            CommandTimeout = commandTimeout,
            RetryMax = retryMax,
            WaitDeadline = deadline is { } ms ? TimeSpan.FromMilliseconds(ms) : null,
            LogLevel = logLevel,
            Tls = tls,
            TlsServerName = tlsServerName,
            RedisSecrets = redisSecrets,
            SentinelSecrets = sentinelSecrets,
        };
    }

    private static ClusterId? ReadCluster(SettingReader settings, string? space)
    {
        var text = settings.Text("CLUSTER_ID", (space ?? "default") + "/redis",
            "Identity of this tenant's group, namespace/name. It is part of the master name and of the ACL users of replication, Sentinel and sidecars, so that no other tenant's node can log in.");
        if (ClusterId.TryParse(text, out var cluster)) return cluster;
        settings.Fail($"CLUSTER_ID is not namespace/name of letters, digits, . - _ with at most {ClusterId.MaxLength} characters");
        return null;
    }

    private static ImmutableArray<RedisEndpoint> Required(SettingReader settings, string name, int port, string description)
    {
        var errors = settings.Errors.Count;
        var endpoints = settings.Endpoints(name, port, description);
        if (endpoints.Count == 0 && settings.Errors.Count == errors)
            settings.Fail($"{name} is not set; it must be a name that resolves to all nodes, or a list host:port,host:port");
        return [.. endpoints];
    }

    private static string? ExistingFile(SettingReader settings, string name, string description)
    {
        var path = settings.OptionalPath(name, description);
        if (path is not null && !File.Exists(path)) settings.Fail($"{name} is '{path}'; it must be an existing file");
        return path;
    }

    private static (ElectionKind Kind, string Directory, Uri Url) ReadElection(SettingReader settings, ImmutableArray<RedisEndpoint> nodes, string? masterName, bool inCluster)
    {
        // On one machine (every configured address is loopback) a file lock needs nothing else; anywhere else it would let
        // every node elect itself. A pod that was told its UID has the Lease; the seed's, which was not, has its side-car.
        var oneMachine = nodes.All(e => IPAddress.TryParse(e.Host, out var ip) ? IPAddress.IsLoopback(ip) : e.Host == "localhost");
        var kind = settings.Choice("ELECTION", inCluster ? ElectionKind.Lease : oneMachine ? ElectionKind.File : ElectionKind.Elector,
            "Where an election is held when no master lives: a Lease of the API server (default in a pod with POD_UID and POD_NAMESPACE), a directory shared by nodes of one machine (default where all addresses are loopback), or the leader-elector side-car (default elsewhere).");
        if (kind == ElectionKind.Lease && !inCluster && settings.Errors.Count == 0)
            settings.Fail("ELECTION is lease, which needs KUBERNETES_SERVICE_HOST, POD_NAMESPACE and POD_UID (downward API)");
        var directory = settings.Path("ELECTION_DIR", Path.Combine(Path.GetTempPath(), "sidecars-" + masterName), "For file: the shared directory, on a local file system.");
        var url = settings.Text("ELECTOR_URL", "http://localhost:4040/", "For elector: answers {\"name\": \"<leader>\"}.");
        if (Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme == Uri.UriSchemeHttp) return (kind, directory, parsed);
        settings.Fail($"ELECTOR_URL is '{url}'; it must be an http:// URL");
        return (kind, directory, new Uri("http://localhost:4040/"));
    }

    private static (TlsFiles? Files, string? ServerName) ReadTls(SettingReader settings)
    {
        var ca = ExistingFile(settings, "TLS_CA_FILE", "PEM of the only trusted CA. Set together with TLS_CERT_FILE and TLS_KEY_FILE: everything then speaks TLS, and no plain port is open.");
        var certificate = ExistingFile(settings, "TLS_CERT_FILE", "PEM certificate, of server and client.");
        var key = ExistingFile(settings, "TLS_KEY_FILE", "PEM private key, without passphrase.");
        var serverName = settings.OptionalText("TLS_SERVER_NAME", "Name to check servers' certificates against. Default: the address connected to.");
        if (ca is null && certificate is null && key is null) return (null, serverName);
        if (ca is not null && certificate is not null && key is not null) return (new TlsFiles(ca, certificate, key), serverName);
        settings.Fail("TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE must all be set, or none of them");
        return (null, serverName);
    }

    private static (GroupSecrets Redis, GroupSecrets Sentinel) ReadSecrets(SettingReader settings)
    {
        var redis = Rotating(settings, "REDIS_PASSWORD", "Password of Redis' default user, which applications use. Default: none, open.");
        var replication = Rotating(settings, "REPLICATION_PASSWORD", "Password of repl-<cluster id>. Default: REDIS_PASSWORD.");
        var sentinelAuth = Rotating(settings, "SENTINEL_AUTH_PASSWORD", "Password of sentinel-<cluster id>, on Redis and between Sentinels. Default: REDIS_PASSWORD.");
        var sidecar = Rotating(settings, "SIDECAR_PASSWORD", "Password of sidecar-<cluster id>, on Redis and on Sentinel. Default: REDIS_PASSWORD.");
        var sentinel = Rotating(settings, "SENTINEL_PASSWORD", "Password of Sentinel's default user, which Sentinel-aware clients use. Default: REDIS_PASSWORD.");
        var onRedis = new GroupSecrets { Default = redis, Replication = replication ?? redis, Sentinel = sentinelAuth ?? redis, Sidecar = sidecar ?? redis };
        return (onRedis, onRedis with { Default = sentinel ?? redis });
    }

    private static GroupSecret? Rotating(SettingReader settings, string name, string description)
    {
        var current = settings.OptionalSecret(name, description);
        var previous = settings.OptionalSecret(name + "_PREVIOUS", $"During a rotation, the password before {name}: servers accept both.");
        if (current is null && previous is not null) settings.Fail($"{name}_PREVIOUS is set without {name}");
        return current is null ? null : new GroupSecret(current, previous);
    }

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_';

    private static bool IsNodeName(string text) => text.Length is > 0 and <= 253 && text[0] != '.' && text.All(IsNameCharacter);

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
