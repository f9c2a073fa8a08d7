using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Configuration;

/// <summary>Everything that decides the configuration of one redis-server.</summary>
public sealed record RedisServerSettings
{
    /// <summary>The group.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>Port to listen on, 1..65535; the TLS port where <see cref="Tls"/> is given, and then the only one.</summary>
    public required int Port { get; init; }

    /// <summary>The address that masters and Sentinels hand on for this server.</summary>
    public required RedisEndpoint Announce { get; init; }

    /// <summary>The master to replicate from; null: start as master.</summary>
    public RedisEndpoint? Follow { get; init; }

    /// <summary>
    /// Refuse writes until its sidecar permits them: it gave up for another server, and what came of that is not known
    /// (<see cref="Core.Lineage.GivingUp"/>). Default: false.
    /// </summary>
    public bool StartsFenced { get; init; }

    /// <summary>See <see cref="Durability"/>. Default AOF.</summary>
    public Durability Durability { get; init; } = Durability.Aof;

    /// <summary>Where AOF and RDB live.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Where the merged ACL file is written if the base file has one (<c>users.acl</c>).</summary>
    public required string RunDirectory { get; init; }

    /// <summary>Configured number of Redis servers in the group, 1 or more. Default 3.</summary>
    public int RedisCount { get; init; } = 3;

    /// <summary>Sentinel's down-after-milliseconds, which bounds min-replicas-max-lag. Default 5000.</summary>
    public int DownAfterMilliseconds { get; init; } = 5000;

    /// <summary>replica-priority; null leaves it to the base file (Redis' default 100).</summary>
    public int? ReplicaPriority { get; init; }

    /// <summary>Passwords.</summary>
    public GroupSecrets Secrets { get; init; } = new();

    /// <summary>Null: plain TCP.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>A Unix socket for the sidecars and probes of the pod; null: none but the base file's.</summary>
    public string? UnixSocket { get; init; }
}

/// <summary>Another Sentinel of the group.</summary>
/// <param name="Endpoint">Where it listens.</param>
/// <param name="Id">Its <c>myid</c>, 40 lower-case hex digits.</param>
public sealed record KnownSentinel(RedisEndpoint Endpoint, string Id);

/// <summary>Everything that decides the configuration of one redis-sentinel.</summary>
public sealed record SentinelServerSettings
{
    /// <summary>The group.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>The name Sentinel knows the master by; default <see cref="ClusterId.MasterName"/>.</summary>
    public string? MasterName { get; init; }

    /// <summary>Port to listen on, 1..65535; the TLS port where <see cref="Tls"/> is given, and then the only one.</summary>
    public required int Port { get; init; }

    /// <summary>The address that other Sentinels and clients are told.</summary>
    public required RedisEndpoint Announce { get; init; }

    /// <summary>The master's address; an IP address, since names are resolved in Sentinel's event loop.</summary>
    public required RedisEndpoint Master { get; init; }

    /// <summary>Sentinels that must agree that the master is down, 1 or more; the majority of the configured number.</summary>
    public required int Quorum { get; init; }

    /// <summary>Working directory of Sentinel; writable, as its configuration file must be.</summary>
    public required string RunDirectory { get; init; }

    /// <summary>Milliseconds without a valid reply until a server counts as down. Default 5000.</summary>
    public int DownAfterMilliseconds { get; init; } = 5000;

    /// <summary>Milliseconds; an aborted attempt is repeated after twice this. Default 15000.</summary>
    public int FailoverTimeoutMilliseconds { get; init; } = 15_000;

    /// <summary>
    /// Identity of this Sentinel's slot, 40 lower-case hex digits; null: as the base file has it, else Sentinel draws one.
    /// </summary>
    public string? MyId { get; init; }

    /// <summary>Highest config-epoch known for the master; null: as the base file has it. Must never restart.</summary>
    public long? ConfigEpoch { get; init; }

    /// <summary>
    /// Highest epoch known anywhere. The next one seeds current-epoch and leader-epoch, so that this Sentinel votes only in later ones.
    /// </summary>
    public long? CurrentEpoch { get; init; }

    /// <summary>Replicas known to others, so that a failover is possible at once.</summary>
    public IReadOnlyList<RedisEndpoint> KnownReplicas { get; init; } = [];

    /// <summary>Sentinels known to others.</summary>
    public IReadOnlyList<KnownSentinel> KnownSentinels { get; init; } = [];

    /// <summary>Passwords.</summary>
    public GroupSecrets Secrets { get; init; } = new();

    /// <summary>Null: plain TCP. Sentinel then also connects to Redis and its peers by TLS.</summary>
    public TlsFiles? Tls { get; init; }
}

/// <summary>A configuration, ready to be written with mode 0600, and what a person should know about it.</summary>
/// <param name="Document">redis.conf or sentinel.conf.</param>
/// <param name="AclFile">Content of <c>users.acl</c> in the run directory; null where users stand in the document.</param>
/// <param name="Overruled">Directives of the base file that another setting decided; names only.</param>
/// <param name="Problems">
/// Why the server must not be started with it; names the directive or setting, never a value that may be secret.
/// </param>
public sealed record ServerPlan(
    RedisConfigDocument Document, byte[]? AclFile, IReadOnlyList<string> Overruled, IReadOnlyList<string> Problems);
