using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Sidecars.Core.Election;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.LedAway;

/// <summary>Who announces an address, as was recorded.</summary>
/// <param name="Node">The node.</param>
/// <param name="Address">The address.</param>
public sealed record NodeAnnouncement(string Node, RedisEndpoint Address);

/// <summary>What the group's record says of nodes and of who serves.</summary>
/// <param name="Nodes">Every node that testified in an election, or whose sidecar recorded its addresses, with each of these.</param>
/// <param name="Term">Term of the group.</param>
/// <param name="Candidate">Whom an election that has not ended yet has chosen; null: none.</param>
/// <param name="Serving">Who reported last that it serves; null: nobody yet.</param>
/// <param name="Token">The token of that report.</param>
public sealed record RecordedGroup(
    ImmutableArray<NodeAnnouncement> Nodes, long Term, string? Candidate, string? Serving, FencingToken Token)
{
    /// <summary>From the record, the evidence beside it, and what the sidecars have recorded.</summary>
    public static RecordedGroup Of(ElectionView view, IEnumerable<NodeAddresses> recorded)
    {
        ArgumentNullException.ThrowIfNull(view);
        var (record, last) = (view.Record, view.Record.LastServing);
        var nodes = view.Evidence.Select(e => new NodeAnnouncement(e.Node, e.Address))
            .Concat(recorded.Select(r => new NodeAnnouncement(r.Node, r.Announced))).ToList();
        if (last is not null) nodes.Add(new NodeAnnouncement(last.Node, last.Address));
        return new RecordedGroup([.. nodes.Distinct()], record.Term, record.Candidate, last?.Node, last?.Token ?? FencingToken.None);
    }

    /// <summary>Whether a node of the group announces this address.</summary>
    public bool Has(RedisEndpoint address) => Nodes.Any(n => n.Address == address);

    /// <summary>Whether an address is no node's: every one of <paramref name="nodes"/> is known, and none announces it.</summary>
    public bool Excludes(RedisEndpoint address, int nodes) => Count >= nodes && !Has(address);

    /// <summary>How many nodes it knows.</summary>
    [JsonIgnore]
    public int Count => Nodes.Select(n => n.Node).Distinct(StringComparer.Ordinal).Count();
}

/// <summary>One read of all of that.</summary>
/// <param name="Group">What it says; null: it can't be read.</param>
/// <param name="Unread">Why.</param>
public sealed record RecordReading(RecordedGroup? Group, string? Unread = null);

/// <summary>The last time at which a majority of the Sentinels named the server beside this process.</summary>
/// <param name="RunId">The process that it was.</param>
/// <param name="Replicas">Whom they listed as its replicas, and who followed it.</param>
public sealed record NamedBefore(string RunId, ImmutableArray<RedisEndpoint> Replicas);

/// <summary>What is known where the Sentinels may have been led away. Null is not known.</summary>
public sealed record LedAwayFacts
{
    /// <summary>Name of this node.</summary>
    public required string Node { get; init; }

    /// <summary>Configured number of Redis nodes.</summary>
    public required int RedisCount { get; init; }

    /// <summary>The server beside this process.</summary>
    public required OwnServer Server { get; init; }

    /// <summary>Its announced address.</summary>
    public RedisEndpoint? Address { get; init; }

    /// <summary>Another process answers at that address.</summary>
    public bool HasImpostor { get; init; }

    /// <summary>What its replicas announce, as it says.</summary>
    public ImmutableArray<RedisEndpoint> Replicas { get; init; } = [];

    /// <summary>For how long one of these has been no node of the group as far as that is recorded.</summary>
    public TimeSpan StrangerFor { get; init; }

    /// <summary>The token in its marker.</summary>
    public FencingToken? Token { get; init; }

    /// <summary>What the Sentinels say.</summary>
    public required QuorumFacts Quorum { get; init; }

    /// <summary>What the Sentinels named before; null: nothing since this process started.</summary>
    public NamedBefore? Before { get; init; }

    /// <summary>Whether a step-down runs beside this process.</summary>
    public bool? StepDownRuns { get; init; }

    /// <summary>The record; where the Sentinels name another address, read for this question.</summary>
    public RecordedGroup? Group { get; init; }

    /// <summary>Why <see cref="Group"/> is not known.</summary>
    public string? Unread { get; init; }
}

/// <summary>Whether the Sentinels are told back. Closed.</summary>
public abstract record LedAwayDecision(string Code, string Reason) : IDecision
{
    /// <summary>They name the server beside this process, or a node of the group, or nobody; or this server is no master.</summary>
    public sealed record Nothing(string Code, string Reason) : LedAwayDecision(Code, Reason);

    /// <summary>Something is wrong that the sidecar can't or may not mend. Counted.</summary>
    public sealed record Refuse(string Code, string Reason) : LedAwayDecision(Code, Reason);

    /// <summary>Tell them that the server beside this process is the master.</summary>
    /// <param name="Master">Its announced address.</param>
    /// <param name="Named">The address that they name.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Tell(RedisEndpoint Master, RedisEndpoint Named, string Reason) : LedAwayDecision("led-away", Reason);
}
