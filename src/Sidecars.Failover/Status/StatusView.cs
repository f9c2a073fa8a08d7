using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Status;

/// <summary>One Redis, however many addresses it was asked at.</summary>
/// <param name="Address">What the group calls it, as far as that is known.</param>
/// <param name="Others">More addresses that it was asked at, without loopback.</param>
/// <param name="Seen">What it said.</param>
internal sealed record NodeSeen(RedisEndpoint Address, ImmutableArray<RedisEndpoint> Others, NodeObservation Seen)
{
    public NodeLook? Look => (Seen as NodeObservation.Known)?.View;

    public bool IsAt(RedisEndpoint? address) => address is not null && (Address == address || Others.Contains(address));
}

/// <summary>One Sentinel, likewise.</summary>
/// <param name="Address">The first of its addresses.</param>
/// <param name="Others">More of them: a name can have one of each family.</param>
/// <param name="Seen">What it said.</param>
internal sealed record SentinelSeen(RedisEndpoint Address, ImmutableArray<RedisEndpoint> Others, SentinelObservation Seen)
{
    public SentinelView? View => (Seen as SentinelObservation.Known)?.View;
}

/// <summary>The snapshot with addresses put together to servers: one process is one row and one subject. Pure.</summary>
internal sealed class StatusView
{
    public StatusView(StatusSnapshot snapshot)
    {
        Snapshot = snapshot;
        var group = snapshot.Group;
        Quorum = group.Quorum;
        var known = Known(group.Others.Prepend(group.Own).OfType<NodeObservation.Known>(), group.Own.Endpoint);
        var silent = group.Others.Prepend(group.Own).Where(o => o is not NodeObservation.Known).GroupBy(NameOf)
            .Select(g => new NodeSeen(g.Key, Others(g.Select(o => o.Endpoint), g.Key, group.Own.Endpoint),
                g.OrderBy(o => o is NodeObservation.Unreachable).First()))
            .ToList();

        // A server that answers is not down because one of its addresses is silent, or because a list still has its former pod's.
        bool IsSpare(NodeSeen s) => s.Seen is NodeObservation.Unreachable
            && (known.Length >= group.Settings.RedisCount || known.Any(k => k.IsAt(s.Address)));
        SpareNodes = [.. silent.Where(IsSpare)];
        Nodes = [.. known.Concat(silent.Where(s => !IsSpare(s))).OrderBy(n => n.Address.ToString(), StringComparer.Ordinal)];

        var answering = group.Sentinels.OfType<SentinelObservation.Known>()
            .OrderBy(k => k.Endpoint.ToString(), StringComparer.Ordinal)
            .GroupBy(k => (k.View.MyId, k.View.Master?.Address, k.View.Master?.ConfigEpoch))
            .Select(g => new SentinelSeen(g.First().Endpoint, [.. g.Skip(1).Select(k => k.Endpoint).Distinct()], g.First())).ToList();
        AnsweringSentinels = answering.Select(a => a.View!.MyId).Distinct(StringComparer.Ordinal).Count();
        var mute = group.Sentinels.Where(o => o is not SentinelObservation.Known).DistinctBy(o => o.Endpoint)
            .Select(o => new SentinelSeen(o.Endpoint, [], o)).ToList();
        bool IsSpareSentinel(SentinelSeen s) => s.Seen is SentinelObservation.Unreachable
            && AnsweringSentinels >= group.Settings.SentinelCount;
        SpareSentinels = [.. mute.Where(IsSpareSentinel)];
        Sentinels = [.. answering.Concat(mute.Where(s => !IsSpareSentinel(s))).OrderBy(s => s.Address.ToString(), StringComparer.Ordinal)];
    }

    public StatusSnapshot Snapshot { get; }

    public SentinelQuorumDecision Quorum { get; }

    public SentinelQuorumDecision.Agreed? Agreed => Quorum as SentinelQuorumDecision.Agreed;

    public ImmutableArray<NodeSeen> Nodes { get; }

    public IEnumerable<NodeSeen> Answering => Nodes.Where(n => n.Look is not null);

    /// <summary>Addresses at which nobody is missed.</summary>
    public ImmutableArray<NodeSeen> SpareNodes { get; }

    public ImmutableArray<SentinelSeen> Sentinels { get; }

    public int AnsweringSentinels { get; }

    /// <summary>Addresses at which no Sentinel is missed.</summary>
    public ImmutableArray<SentinelSeen> SpareSentinels { get; }

    /// <summary>The Redis beside this process is not up yet: redis-bootstrap still looks for its role.</summary>
    public BootstrapWait? WaitOf(NodeSeen node) => node.Seen.Endpoint == Snapshot.Group.Own.Endpoint && node.Look is null
        ? Snapshot.Waiting
        : null;

    /// <summary>Why a Redis does not answer; null: it does.</summary>
    public FindingCode? SilenceOf(NodeSeen node) => node.Seen switch
    {
        NodeObservation.Known => null,
        _ when WaitOf(node) is not null => FindingCodes.RedisWaiting,
        NodeObservation.Unreachable => FindingCodes.RedisUnreachable,
        NodeObservation.Unknown { LoginRefused: true } => FindingCodes.RedisLoginRefused,
        NodeObservation.Unknown { Failure: RedisFailure.TimedOut } => FindingCodes.RedisTimedOut,
        _ => FindingCodes.RedisUnusable,
    };

    /// <summary>Why the Redis at an address does not answer, or not yet; null: it does, or nobody knows the address.</summary>
    public FindingCode? SilenceAt(RedisEndpoint? address) =>
        Nodes.FirstOrDefault(n => n.IsAt(address)) is { } node
            ? SilenceOf(node) ?? (node.Look!.Loading ? FindingCodes.Loading : null)
            : null;

    /// <summary>Why a Sentinel does not answer; null: it does.</summary>
    public static FindingCode? SilenceOf(SentinelSeen sentinel) => sentinel.Seen switch
    {
        SentinelObservation.Known => null,
        SentinelObservation.Unreachable => FindingCodes.SentinelUnreachable,
        SentinelObservation.Unknown { LoginRefused: true } => FindingCodes.SentinelLoginRefused,
        SentinelObservation.Unknown { Failure: RedisFailure.TimedOut } => FindingCodes.SentinelTimedOut,
        _ => FindingCodes.SentinelUnusable,
    };

    /// <summary>Why replicas are missing; null: none is.</summary>
    public FindingCode? MissingNodes => Nodes.Select(SilenceOf).FirstOrDefault(c => c is not null)
        ?? (Nodes.Length < Snapshot.Group.Settings.RedisCount ? FindingCodes.RedisMissing : null);

    /// <summary>Why Sentinels are missing; null: none is.</summary>
    public FindingCode? MissingSentinels => AnsweringSentinels >= Snapshot.Group.Settings.SentinelCount ? null
        : Sentinels.Select(SilenceOf).FirstOrDefault(c => c is not null) ?? FindingCodes.SentinelsMissing;

    private static NodeSeen[] Known(IEnumerable<NodeObservation.Known> known, RedisEndpoint own) =>
        [.. known.GroupBy(k => k.View.RunId, StringComparer.Ordinal)
            .Select(g => new NodeSeen(g.First().Address, Others(g.Select(k => k.Endpoint), g.First().Address, own), g.First()))];

    private static ImmutableArray<RedisEndpoint> Others(IEnumerable<RedisEndpoint> asked, RedisEndpoint name, RedisEndpoint own) =>
        [.. asked.Where(e => e != name && e != own).Distinct()];

    // The same server, where its sidecar recorded what it is reached at while it ran.
    private RedisEndpoint NameOf(NodeObservation one) =>
        (one.Endpoint == Snapshot.Group.Own.Endpoint ? Snapshot.OwnAnnounced : null)
        ?? Snapshot.Addresses.FirstOrDefault(a => a.Announced == one.Endpoint || a.Pod == one.Endpoint)?.Announced ?? one.Endpoint;
}
