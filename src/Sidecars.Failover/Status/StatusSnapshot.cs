using System.Collections.Immutable;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;

namespace Sidecars.Failover.Status;

/// <summary>One place where the master is published, as it was read. Closed.</summary>
public abstract record PlaceReading
{
    private PlaceReading(string name) => Name = name;

    /// <summary>Kind of place: <c>zone-file</c>, <c>route53</c>, <c>dns-endpoint</c>, <c>endpoint-slice</c>.</summary>
    public string Name { get; }

    /// <summary>What stands there.</summary>
    public sealed record Known(string Name, PublishedMaster Master) : PlaceReading(Name);

    /// <summary>Nothing, or nothing of ours.</summary>
    public sealed record Empty(string Name) : PlaceReading(Name);

    /// <summary>It can't be read, or its settings are wrong.</summary>
    public sealed record Failed(string Name, string Why) : PlaceReading(Name);

    /// <summary>No setting asks for it.</summary>
    public sealed record NotConfigured(string Name) : PlaceReading(Name);
}

/// <summary>The last backup and drill. Ages are differences taken by the reader; null: never.</summary>
/// <param name="Count">Backups listed.</param>
/// <param name="LastId">The newest; null: none.</param>
/// <param name="LastAge">Since it was completed.</param>
/// <param name="VerifiedAge">Since the last drill that passed.</param>
/// <param name="TailAge">Since all that was written until then is in the store; null: no uploader ever.</param>
/// <param name="Failure">Why the store can't be read; null: it was.</param>
public sealed record BackupReading(
    int Count, string? LastId, TimeSpan? LastAge, TimeSpan? VerifiedAge, TimeSpan? TailAge, string? Failure = null)
{
    /// <summary>Why the store was not looked at, which says nothing of the backups; null: it was.</summary>
    public string? NotLookedAt { get; init; }

    /// <summary>A store that was not looked at.</summary>
    public static BackupReading Unread(string why) => new(0, null, null, null, null) { NotLookedAt = why };
}

/// <summary>Why redis-bootstrap beside this process has not started the server yet, as its heartbeat says.</summary>
/// <param name="Code">Stable.</param>
/// <param name="Reason">In words.</param>
/// <param name="WaitingFor">Pods, addresses, or what a person must bring.</param>
/// <param name="For">Since when with this code.</param>
public sealed record BootstrapWait(string Code, string Reason, ImmutableArray<string> WaitingFor, TimeSpan For);

/// <summary>Everything that <c>status</c> gathered; immutable. What is null was not configured.</summary>
public sealed record StatusSnapshot
{
    /// <summary>The group.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>When it was gathered, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Name in Sentinel.</summary>
    public required string MasterName { get; init; }

    /// <summary>Servers and Sentinels; its own node is the Redis beside this process.</summary>
    public required HandOverSnapshot Group { get; init; }

    /// <summary>What the own node announces, as its settings or its record say; null: neither does.</summary>
    public RedisEndpoint? OwnAnnounced { get; init; }

    /// <summary>Null: redis-bootstrap does not wait beside this process.</summary>
    public BootstrapWait? Waiting { get; init; }

    /// <summary>The marker on this node's disk; null: none, or not readable.</summary>
    public Marker? Marker { get; init; }

    /// <summary>The group's record; null: no backend keeps one.</summary>
    public ElectionObservation? Record { get; init; }

    /// <summary>Where the master is published.</summary>
    public ImmutableArray<PlaceReading> Places { get; init; } = [];

    /// <summary>
    /// What nodes are reached at, as each has recorded it, the own node as its settings say; a node that recorded nothing is missing.
    /// </summary>
    public ImmutableArray<NodeAddresses> Addresses { get; init; } = [];

    /// <summary>Addresses that one node is published at outside, by its address in the group; for those that a person has listed.</summary>
    public ImmutableDictionary<RedisEndpoint, string> PublishedAs { get; init; } = ImmutableDictionary<RedisEndpoint, string>.Empty;

    /// <summary>Rescue copies on this node's disk.</summary>
    public ImmutableArray<Rescue> Rescues { get; init; } = [];

    /// <summary>Null: no store is configured here.</summary>
    public BackupReading? Backup { get; init; }

    /// <summary>A step-down runs beside this process; null: it can't be told.</summary>
    public bool? SteppingDown { get; init; }
}
