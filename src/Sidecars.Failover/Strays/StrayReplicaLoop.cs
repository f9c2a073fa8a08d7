using System.Text.Json;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Watch;
using static Sidecars.Failover.HandOver.HandOverClient;

namespace Sidecars.Failover.Strays;

/// <summary>Attaches the own server to the master where no Sentinel would. Rules: <see cref="StrayReplicaPolicy"/>.</summary>
/// <param name="group">How the own server and the master are reached.</param>
/// <param name="server">What the own server last answered.</param>
/// <param name="sentinels">What the Sentinels say now.</param>
/// <param name="stepDownRuns"><see cref="StepDownLock.IsHeldByAnother"/>.</param>
/// <param name="period">Between two looks.</param>
/// <param name="dryRun">Decide and say, do nothing.</param>
/// <param name="sink">Decisions and what was done; it counts both.</param>
/// <param name="time">Its clock.</param>
public sealed class StrayReplicaLoop(
    HandOverGroup group, IOwnServer server, ISentinelViews sentinels, Func<bool?> stepDownRuns, TimeSpan period, bool dryRun,
    IDecisionSink sink, TimeProvider time)
{
    // Two looks of the watch: what an older one shows is not known now.
    private static readonly TimeSpan LookAge = TimeSpan.FromSeconds(2.5);

    private (StrayLink Link, long Since)? _standing;

    /// <summary>Looks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await RoundAsync(cancellation).ConfigureAwait(false);
            await Task.Delay(period, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Decides once, and acts where that is due.</summary>
    public async Task<StrayReplicaDecision> RoundAsync(CancellationToken cancellation)
    {
        var facts = await GatherAsync(cancellation).ConfigureAwait(false);
        var decision = StrayReplicaPolicy.Decide(facts);
        sink.Decided(
            "stray-replica", decision.Code, decision.Reason, decision is StrayReplicaDecision.Wait,
            () => JsonSerializer.Serialize(facts, StrayJson.Default.StrayReplicaFacts));
        if (decision is not StrayReplicaDecision.Attach due || dryRun) return decision;
        var failure = await AttachAsync(due, cancellation).ConfigureAwait(false);
        _standing = null; // whatever came of it, the next try needs the full time again
        sink.Acted("stray-replica", "attach", $"REPLICAOF {due.Link.Master} at {facts.Address}", failure);
        return decision;
    }

    private async Task<StrayReplicaFacts> GatherAsync(CancellationToken cancellation)
    {
        var address = server.Address;
        var views = sentinels.Observe();
        var seen = (server.LookWithin(LookAge) is { } own ? group.Glance(own, views) : null) ?? new HandOverSnapshot
        {
            Settings = group.Settings,
            Sentinels = [.. views],
            Own = new NodeObservation.Unknown(group.Own, LoginRefused: false, "it has not answered lately"),
            Others = [],
        };
        var standingFor = Standing(StrayReplicaPolicy.Find(seen, address));
        // The master is asked after the own server, so that an offset which is beyond the master's is not just a younger one.
        if (_standing is { Link.Master: var master } && standingFor >= StrayReplicaPolicy.Patience)
            seen = seen with { Others = [await group.Nodes.ObserveAsync(master, cancellation).ConfigureAwait(false)] };
        return new StrayReplicaFacts { Group = seen, Address = address, StepDownRuns = stepDownRuns(), StandingFor = standingFor };
    }

    private TimeSpan Standing(StrayLink? link)
    {
        if (link is null) _standing = null;
        else if (_standing?.Link != link) _standing = (link, time.GetTimestamp());
        return _standing is { Since: var since } ? time.GetElapsedTime(since) : TimeSpan.Zero;
    }

    // On a new connection, and only while everything is as it was decided on. The same transaction as Sentinel's.
    private async Task<string?> AttachAsync(StrayReplicaDecision.Attach due, CancellationToken cancellation)
    {
        var (connection, why) = await group.Nodes.OpenAsync(group.Own, due.Link.RunId, cancellation).ConfigureAwait(false);
        if (connection is null) return why;
        await using (connection.ConfigureAwait(false))
        {
            var role = await connection.RoleAsync(cancellation).ConfigureAwait(false);
            if ((role as RoleReply.Replica)?.Of != due.Link.Follows) return $"it is not a replica of {due.Link.Follows} now";
            var history = await connection.OffsetAsync(cancellation).ConfigureAwait(false);
            if (history is not var (id, offset, _) || id != due.ReplicationId || offset >= due.Below)
                return "its data are not what they were";
            var outcome = await connection.TransactAsync([Follow(due.Link.Master), Rewrite], cancellation).ConfigureAwait(false);
            return outcome == StepOutcome.Done ? null : outcome.ToString().ToLowerInvariant();
        }
    }
}
