using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Sidecars.Core.Configuration;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>What a hand-over is configured with; the same for the coordinator and for those who repair after it.</summary>
public sealed record HandOverSettings
{
    /// <summary>Configured number of Sentinels.</summary>
    public required int SentinelCount { get; init; }

    /// <summary>Configured number of Redis nodes.</summary>
    public required int RedisCount { get; init; }

    /// <summary>Sentinel's down-after.</summary>
    public required TimeSpan DownAfter { get; init; }

    /// <summary>What <c>min-replicas-to-write</c> of a master is to be: <see cref="WriteRequirement.MinReplicasToWrite"/>.</summary>
    public required int MinReplicas { get; init; }
}

/// <summary>One look at the whole group, by the one that hands over or repairs; immutable.</summary>
public sealed record HandOverSnapshot
{
    /// <summary>Configuration.</summary>
    public required HandOverSettings Settings { get; init; }

    /// <summary>One per Sentinel address asked.</summary>
    public required ImmutableArray<SentinelObservation> Sentinels { get; init; }

    /// <summary>The Redis beside this process.</summary>
    public required NodeObservation Own { get; init; }

    /// <summary>Every other one: the configured addresses, and those that Sentinels list as replicas or as master.</summary>
    public required ImmutableArray<NodeObservation> Others { get; init; }

    /// <summary>Where the configured names of the Redis nodes led; a name that did not resolve is missing.</summary>
    public ImmutableArray<RedisEndpoint> Configured { get; init => field = value.IsDefault ? [] : value; } = []; // a log without it

    /// <summary>The replica to hand over to; null: the best one.</summary>
    public RedisEndpoint? Wanted { get; init; }

    /// <summary>True: a replica that rewrites its AOF will do, since one that does not was waited for long enough.</summary>
    public bool AcceptsRewriting { get; init; }

    /// <summary>For whom the own server gave up before; null: for nobody, or the note can't be read.</summary>
    public GivingUp? GivenUp { get; init; }

    /// <summary>The others that answered, each process once, without the own one under another address.</summary>
    [JsonIgnore]
    public ImmutableArray<NodeObservation.Known> Peers => Own is NodeObservation.Known own
        ? [.. Others.OfType<NodeObservation.Known>().Where(o => o.View.RunId != own.View.RunId)
            .DistinctBy(o => o.View.RunId, StringComparer.Ordinal)]
        : [.. Others.OfType<NodeObservation.Known>().DistinctBy(o => o.View.RunId, StringComparer.Ordinal)];

    /// <summary>
    /// Returns true for a server that answers at no configured address although every name resolved to one: it is not a node of this group.
    /// Sentinel lists whatever follows the master.
    /// </summary>
    public bool IsStranger(NodeObservation.Known peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return Configured.Length >= Settings.RedisCount && !Configured.Contains(peer.Endpoint);
    }

    /// <summary>The Sentinels that answered and know the master, by id.</summary>
    [JsonIgnore]
    public ImmutableArray<SentinelObservation.Known> Voters =>
        [.. Sentinels.OfType<SentinelObservation.Known>().Where(k => k.View.Master is not null)
            .DistinctBy(k => k.View.MyId, StringComparer.Ordinal).OrderBy(k => k.View.MyId, StringComparer.Ordinal)];

    /// <summary>What they say together.</summary>
    [JsonIgnore]
    public SentinelQuorumDecision Quorum => SentinelQuorumPolicy.Decide(Sentinels, Settings.SentinelCount);
}
