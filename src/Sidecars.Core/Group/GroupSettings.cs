using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Sidecars.Core.Configuration;
using Sidecars.Core.Election;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Group;

/// <summary>Where an election is held, and with it where the group's record and highest epoch are kept.</summary>
public enum ElectionKind
{
    /// <summary>A shared directory, for nodes on one machine.</summary>
    File,

    /// <summary>The leader-elector side-car of the seed image.</summary>
    Elector,

    /// <summary>A Lease of the cluster's API server.</summary>
    Lease,
}

/// <summary>
/// What every process beside a Redis or Sentinel is told of its group, read alike by all of them, so that the containers of a pod
/// share one ConfigMap.
/// </summary>
public sealed record GroupSettings
{
    /// <summary><c>CLUSTER_ID</c>.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary><c>MASTER_NAME</c>: the name that Sentinels monitor.</summary>
    public required string MasterName { get; init; }

    /// <summary><c>NODE_NAME</c>.</summary>
    public required string NodeName { get; init; }

    /// <summary><c>POD_UID</c>; null where it is not set.</summary>
    public required string? PodUid { get; init; }

    /// <summary><c>POD_IP</c>; null where it is not set.</summary>
    public required string? PodAddress { get; init; }

    /// <summary><c>REDIS_PORT</c>.</summary>
    public required int RedisPort { get; init; }

    /// <summary><c>SENTINEL_PORT</c>.</summary>
    public required int SentinelPort { get; init; }

    /// <summary><c>REDIS_SENTINEL_SERVICE_HOST</c>.</summary>
    public required ImmutableArray<RedisEndpoint> SentinelHosts { get; init; }

    /// <summary><c>REDIS_SERVER_SERVICE_HOST</c>.</summary>
    public required ImmutableArray<RedisEndpoint> RedisHosts { get; init; }

    /// <summary>
    /// <c>ANNOUNCE_HOST</c>, where it was the pod's bare name completed to the name of its Service; null: this host's first address.
    /// </summary>
    public required string? AnnounceHost { get; init; }

    /// <summary><c>KUBERNETES_SERVICE_HOST</c> is set: this is a pod, whatever else it was told of itself.</summary>
    public required bool InCluster { get; init; }

    /// <summary><c>ANNOUNCE_PORT</c>.</summary>
    public required int AnnouncePort { get; init; }

    /// <summary><c>REDIS_COUNT</c>.</summary>
    public required int RedisCount { get; init; }

    /// <summary><c>SENTINEL_COUNT</c>.</summary>
    public required int SentinelCount { get; init; }

    /// <summary><c>DURABILITY</c>.</summary>
    public required Durability Durability { get; init; }

    /// <summary><c>DATA_DIR</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary><c>CONFIG_DIR</c>.</summary>
    public required string ConfigDirectory { get; init; }

    /// <summary><c>ELECTION</c>.</summary>
    public required ElectionKind Election { get; init; }

    /// <summary><c>ELECTION_DIR</c>.</summary>
    public required string ElectionDirectory { get; init; }

    /// <summary>The API server; null where this is no pod, or its downward API is not wired up.</summary>
    public required KubernetesSettings? Kubernetes { get; init; }

    /// <summary><c>SENTINEL_DOWN_AFTER</c>.</summary>
    public required TimeSpan DownAfter { get; init; }

    /// <summary><c>SENTINEL_FAILOVER_TIMEOUT</c>.</summary>
    public required TimeSpan FailoverTimeout { get; init; }

    /// <summary><c>CONNECT_TIMEOUT</c>.</summary>
    public required TimeSpan ConnectTimeout { get; init; }

    /// <summary><c>COMMAND_TIMEOUT</c>.</summary>
    public required TimeSpan CommandTimeout { get; init; }

    /// <summary><c>LOG_LEVEL</c>.</summary>
    public required LogLevel LogLevel { get; init; }

    /// <summary><c>LOG_FORMAT</c>.</summary>
    public required LogFormat LogFormat { get; init; }

    /// <summary>Null: plain TCP.</summary>
    public required TlsFiles? Tls { get; init; }

    /// <summary><c>TLS_SERVER_NAME</c>; null: the address.</summary>
    public required string? TlsServerName { get; init; }

    /// <summary>Passwords on Redis.</summary>
    public required GroupSecrets RedisSecrets { get; init; }

    /// <summary>Passwords on Sentinel: another default user, the same service users.</summary>
    public required GroupSecrets SentinelSecrets { get; init; }

    /// <summary>Reads everything; null where <see cref="SettingReader.Errors"/> is not empty.</summary>
    /// <param name="settings">The variables.</param>
    /// <param name="isSentinel">True where the process stands for a Sentinel: the default of <c>ANNOUNCE_PORT</c>.</param>
    public static GroupSettings? Read(SettingReader settings, bool isSentinel)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings.Section(SettingSections.Group);
        var podNamespace = settings.OptionalText(
            "POD_NAMESPACE", "This pod's namespace (downward API). Default for the first half of CLUSTER_ID, and where the Leases are.");
        var cluster = ReadCluster(settings, podNamespace);
        var masterName = settings.OptionalValue("MASTER_NAME", "letters, digits, . - _", text => text.All(IsNameCharacter) ? text : null,
            "Name under which Sentinels monitor the master. Default: CLUSTER_ID with a dot for its slash.") ?? cluster?.MasterName;
        var hostName = settings.OptionalText("HOSTNAME", "Default for NODE_NAME. In a pod it is the pod's name.") ?? HostName();
        var nodeName = settings.OptionalValue("NODE_NAME", "1 to 253 letters, digits, . - _", text => IsNodeName(text) ? text : null,
            "Name of this node, such as redis-0: unique in the group, the same after a restart.") ?? hostName;
        if (!IsNodeName(nodeName)) settings.Fail("HOSTNAME is not a node name (1 to 253 letters, digits, . - _); set NODE_NAME");
        var podUid = settings.OptionalText("POD_UID", "This pod's UID (downward API). Default: a random one at each start.");

        settings.Section(SettingSections.Addresses);
        var redisPort = settings.Port("REDIS_PORT", 6379, "Port that Redis listens on.");
        var sentinelPort = settings.Port("SENTINEL_PORT", 26379, "Port that Sentinel listens on.");
        var sentinelServicePort = settings.Port("REDIS_SENTINEL_SERVICE_PORT", sentinelPort,
            "Port of the Sentinels that REDIS_SENTINEL_SERVICE_HOST lists without one.", isRemote: true);
        var redisServicePort = settings.Port(
            "REDIS_SERVER_SERVICE_PORT", redisPort,
            "Port of the Redis nodes that REDIS_SERVER_SERVICE_HOST lists without one.", isRemote: true);
        var sentinelHosts = Hosts(settings, "REDIS_SENTINEL_SERVICE_HOST", sentinelServicePort,
            "Addresses of the Sentinels: a name that resolves to all (headless Service), or a list. Required.");
        var redisHosts = Hosts(settings, "REDIS_SERVER_SERVICE_HOST", redisServicePort,
            "Addresses of the Redis nodes: a name that resolves to all (headless Service), or a list. Required.");

        var podAddress = settings.OptionalText("POD_IP", "This pod's address (downward API). Default for ANNOUNCE_HOST.");
        var announceHost = settings.OptionalText("ANNOUNCE_HOST",
            "Address at which other nodes reach this one: an IP address, or the Service of this pod alone (<pod>.<namespace>.svc; a bare "
            + "pod name is completed to it). A name is resolved once, at startup: Redis and Sentinel only get the IP address. Default: "
            + "POD_IP, else this host's first address.")
            ?? podAddress;
        if (announceHost is not null
            && !RedisEndpoint.TryParse(announceHost.Contains(':', StringComparison.Ordinal) ? $"[{announceHost}]" : announceHost, 1, out _))
            settings.Fail($"ANNOUNCE_HOST is '{announceHost}'; it must be an IP address or a name, without port");
        var announcePort = settings.Port("ANNOUNCE_PORT", isSentinel ? sentinelPort : redisPort, "Port announced with ANNOUNCE_HOST.");

        settings.Section(SettingSections.Group);
        var redisCount = settings.Integer("REDIS_COUNT", 3, 1, CandidateEvidence.MaxRedisCount,
            "Number of Redis nodes in the group. Never inferred, because DNS answers can be partial.");
        var sentinelCount = settings.Integer(
            "SENTINEL_COUNT", 3, 1, 31, "Number of Sentinels in the group; decisions need a majority of it.");
        CompareCount(settings, "REDIS_SERVER_SERVICE_HOST", redisHosts, "REDIS_COUNT", redisCount);
        CompareCount(settings, "REDIS_SENTINEL_SERVICE_HOST", sentinelHosts, "SENTINEL_COUNT", sentinelCount);
        var durability = settings.Choice(
            "DURABILITY", Durability.Aof, "What counts as data. aof: the append-only file; rdb: snapshots; none: nothing (a cache).");
        settings.Section(SettingSections.Files);
        var dataDirectory = settings.Path(
            "DATA_DIR", Directory.Exists("/redis-master-data") && !Directory.Exists("/data") ? "/redis-master-data" : "/data",
            "Redis' working directory. Default: /redis-master-data (the seed image's) if only that exists.");
        var configDirectory = settings.Path("CONFIG_DIR", "/run/sidecars",
            "Writable directory for the generated configuration and the heartbeat bootstrap.json; best an emptyDir in memory.");

        settings.Section(SettingSections.Kubernetes);
        var clusterHost = settings.OptionalText(
            "KUBERNETES_SERVICE_HOST",
            "Address of the API server, set by kubelet in every pod. Used if POD_UID and POD_NAMESPACE are set too.");
        var kubernetes = KubernetesSettings.Read(settings, clusterHost, cluster, nodeName, podNamespace, podUid);
        settings.Section(SettingSections.Election);
        var (election, electionDirectory) = ReadElection(settings, [.. sentinelHosts, .. redisHosts], masterName, kubernetes is not null);
        settings.Section(SettingSections.Sentinel);
        var downAfter = settings.Duration(
            "SENTINEL_DOWN_AFTER", "SENTINEL_DOWN_AFTER_MS", TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10),
            "How long a master must be silent before a Sentinel considers it down.");
        var failoverTimeout = settings.Duration(
            "SENTINEL_FAILOVER_TIMEOUT", "SENTINEL_FAILOVER_TIMEOUT_MS",
            TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10),
            "Sentinel's failover-timeout: failed attempts are retried after twice this, so keep it short.");
        if (downAfter >= failoverTimeout) settings.Fail("SENTINEL_FAILOVER_TIMEOUT must be longer than SENTINEL_DOWN_AFTER");
        settings.Section(SettingSections.Connections);
        var connectTimeout = settings.Duration(
            "CONNECT_TIMEOUT", "CONNECT_TIMEOUT_MS", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1),
            "Timeout of one connection attempt.");
        var commandTimeout = settings.Duration(
            "COMMAND_TIMEOUT", "COMMAND_TIMEOUT_MS", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1),
            "Timeout of one command.");
        var (tls, tlsServerName) = ReadTls(settings);
        var (logLevel, logFormat) = LogSettings.Read(settings);
        var passwords = ReadPasswords(settings);
        if (settings.Errors.Count > 0) return null;
        return new GroupSettings
        {
            Cluster = cluster!,
            MasterName = masterName!,
            NodeName = nodeName,
            PodUid = podUid,
            PodAddress = podAddress,
            RedisPort = redisPort,
            SentinelPort = sentinelPort,
            SentinelHosts = sentinelHosts,
            RedisHosts = redisHosts,
            AnnounceHost = AnnounceAddress.Complete(announceHost, nodeName, podNamespace),
            InCluster = clusterHost is not null,
            AnnouncePort = announcePort,
            RedisCount = redisCount,
            SentinelCount = sentinelCount,
            Durability = durability,
            DataDirectory = dataDirectory,
            ConfigDirectory = configDirectory,
            Election = election,
            ElectionDirectory = electionDirectory,
            Kubernetes = kubernetes,
            DownAfter = downAfter,
            FailoverTimeout = failoverTimeout,
            ConnectTimeout = connectTimeout,
            CommandTimeout = commandTimeout,
            LogLevel = logLevel,
            LogFormat = logFormat,
            Tls = tls,
            TlsServerName = tlsServerName,
            RedisSecrets = passwords.Redis,
            SentinelSecrets = passwords.Sentinel,
        };
    }

    // Legal, since an address may be a Service with any of the nodes behind it; but then a round rarely sees them all.
    private static void CompareCount(SettingReader settings, string name, IReadOnlyList<RedisEndpoint> hosts, string countName, int count)
    {
        if (hosts.Count == 0 || hosts.Count >= count || !hosts.All(host => host.IsAddress)) return;
        var listed = hosts.Count == 1 ? "one address" : string.Create(CultureInfo.InvariantCulture, $"{hosts.Count} addresses");
        settings.Remark($"{name} lists {listed}, and {countName} is {count}: an address counts as one node at a time; list every node, "
            + "or a name that has an address of each");
    }

    /// <summary>Reads the passwords alone; again and again where files hold them (<see cref="SettingReader.Again"/>).</summary>
    public static PasswordReading ReadPasswords(SettingReader settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings.Section(SettingSections.Passwords);
        var redis = Rotating(settings, "REDIS_PASSWORD",
            "Password of Redis' default user, which applications use. Default: none, open to all.");
        var replication = Rotating(settings, "REPLICATION_PASSWORD", "Password of ACL user repl-<cluster id>. Default: REDIS_PASSWORD.");
        var sentinelAuth = Rotating(settings, "SENTINEL_AUTH_PASSWORD",
            "Password of ACL user sentinel-<cluster id>, on Redis and between Sentinels. Default: REDIS_PASSWORD.");
        var sidecar = Rotating(
            settings, "SIDECAR_PASSWORD", "Password of ACL user sidecar-<cluster id>, on Redis and Sentinel. Default: REDIS_PASSWORD.");
        var sentinel = Rotating(settings, "SENTINEL_PASSWORD",
            "Password of Sentinel's default user, which Sentinel-aware clients use. Default: REDIS_PASSWORD.");
        var onRedis = new GroupSecrets
        { Default = redis, Replication = replication ?? redis, Sentinel = sentinelAuth ?? redis, Sidecar = sidecar ?? redis };
        return new PasswordReading(onRedis, onRedis with { Default = sentinel ?? redis }, [.. settings.Errors]);
    }

    /// <summary>What is wrong with the directories, each with its setting.</summary>
    /// <param name="needsData">False for a Sentinel, which has none.</param>
    public IEnumerable<string> DirectoryProblems(bool needsData)
    {
        if (ConfigDirectoryProblem() is { } why)
            yield return $"CONFIG_DIR is '{ConfigDirectory}': {why}; it must be a directory that this user can write to (an emptyDir)";
        if (needsData && !Directory.Exists(DataDirectory)) yield return NoDataDirectory(DataDirectory);
    }

    /// <summary>The message where <c>DATA_DIR</c> is missing.</summary>
    public static string NoDataDirectory(string path) =>
        $"DATA_DIR is '{path}': no such directory; it must be where Redis' volume is mounted";

    private string? ConfigDirectoryProblem()
    {
        try
        {
            Directory.CreateDirectory(ConfigDirectory);
            var trial = Path.Combine(ConfigDirectory, ".writable");
            AtomicFile.Write(trial, [], durable: false);
            File.Delete(trial);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private static ClusterId? ReadCluster(SettingReader settings, string? space)
    {
        var text = settings.Text("CLUSTER_ID", (space ?? "default") + "/redis",
            "Identity of the group, namespace/name. It is part of the master name and of the ACL users of replication, Sentinel and "
            + "sidecars, so that no other tenant's node can log in.");
        if (ClusterId.TryParse(text, out var cluster)) return cluster;
        settings.Fail($"CLUSTER_ID is not namespace/name of letters, digits, . - _ with at most {ClusterId.MaxLength} characters");
        return null;
    }

    private static ImmutableArray<RedisEndpoint> Hosts(SettingReader settings, string name, int port, string description)
    {
        var errors = settings.Errors.Count;
        var endpoints = settings.Endpoints(name, port, description);
        if (endpoints.Count == 0 && settings.Errors.Count == errors)
            settings.Fail($"{name} is not set; it must be a name that resolves to all nodes, or a list host:port,host:port");
        return [.. endpoints];
    }

    private static (ElectionKind Kind, string Directory) ReadElection(
        SettingReader settings, ImmutableArray<RedisEndpoint> nodes, string? masterName, bool inCluster)
    {
        // On one machine (every configured address is loopback) a file lock needs nothing else; anywhere else it would let
        // every node elect itself. A pod that was told its UID has the Lease; the seed's, which was not, has its side-car.
        var oneMachine = nodes.All(e => IPAddress.TryParse(e.Host, out var ip) ? IPAddress.IsLoopback(ip) : e.Host == "localhost");
        var kind = settings.Choice("ELECTION", inCluster ? ElectionKind.Lease : oneMachine ? ElectionKind.File : ElectionKind.Elector,
            "Where a master is elected if the group has none: a Lease of the API server (default in a pod with POD_UID and POD_NAMESPACE), "
            + "a directory shared by nodes of one machine (default if all addresses are loopback), or the leader-elector sidecar (default "
            + "elsewhere).");
        if (kind == ElectionKind.Lease && !inCluster && settings.Errors.Count == 0)
            settings.Fail("ELECTION is lease, which needs KUBERNETES_SERVICE_HOST, POD_NAMESPACE and POD_UID (downward API)");
        return (kind, settings.Path("ELECTION_DIR", Path.Combine(Path.GetTempPath(), "sidecars-" + masterName),
            "With ELECTION=file: the shared directory, on a local file system."));
    }

    private static (TlsFiles? Files, string? ServerName) ReadTls(SettingReader settings)
    {
        var ca = settings.OptionalFile("TLS_CA_FILE",
            "PEM file of the only trusted CA. Set it with TLS_CERT_FILE and TLS_KEY_FILE: then all connections use TLS, and no plain port "
            + "is open.");
        var certificate = settings.OptionalFile("TLS_CERT_FILE", "PEM certificate, for server and client.");
        var key = settings.OptionalFile("TLS_KEY_FILE", "PEM private key, without a passphrase.");
        var serverName = settings.OptionalText(
            "TLS_SERVER_NAME", "Name that servers' certificates must have. Default: the address connected to.");
        if (ca is null && certificate is null && key is null) return (null, serverName);
        if (ca is not null && certificate is not null && key is not null) return (new TlsFiles(ca, certificate, key), serverName);
        settings.Fail("TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE must all be set, or none of them");
        return (null, serverName);
    }

    private static GroupSecret? Rotating(SettingReader settings, string name, string description)
    {
        var current = settings.OptionalSecret(name, description);
        // In this order: a Secret that changes in between yields the old one twice, never the new one alone.
        var previous = settings.PreviousSecret(name);
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
