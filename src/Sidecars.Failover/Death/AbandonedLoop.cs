using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.LedAway;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Death;

/// <summary>
/// Beside every replica: replaces a master that is down and that nobody else replaces. Rules: <see cref="AbandonedPolicy"/>.
/// </summary>
/// <param name="server">The server beside this process.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="client">Asks a Sentinel.</param>
/// <param name="nodes">Asks the replicas and the master.</param>
/// <param name="succession">Promotes and tells.</param>
/// <param name="sentinelCount">Configured number.</param>
/// <param name="dryRun">Decide and say, do nothing.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
/// <param name="members">Who is a node of the group: nobody else is promoted, or led to another master. Null: not recorded.</param>
public sealed class AbandonedLoop(
    IOwnServer server, ISentinelViews sentinels, SentinelClient client, NodeClient nodes, SuccessionRunner succession, int sentinelCount,
    bool dryRun, IDecisionSink sink, TimeProvider time, GroupMembers? members = null)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly SuccessionAttempts _attempts = new(succession, sentinelCount);
    private long? _since;
    private RedisEndpoint? _down;
    private long? _attemptedAt;

    /// <summary>Looks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await RoundAsync(cancellation).ConfigureAwait(false);
            await Task.Delay(Period, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Decides once, and acts where that is due.</summary>
    public async Task<AbandonedDecision> RoundAsync(CancellationToken cancellation)
    {
        var facts = Gather();
        var decision = AbandonedPolicy.Decide(facts);
        if (decision is AbandonedDecision.AskReplicas)
        {
            if (members is not null) await members.ReadAsync(cancellation).ConfigureAwait(false);
            var listed = sentinels.Observe().OfType<SentinelObservation.Known>()
                .SelectMany(s => s.View.Replicas.Select(r => r.Address)).Where(r => !IsForeign(r)).Distinct();
            var master = nodes.ObserveAsync(facts.Quorum.Named!, cancellation);
            var replicas = await Task.WhenAll(listed.Select(r => nodes.ObserveAsync(r, cancellation))).ConfigureAwait(false);
            var answer = await master.ConfigureAwait(false);
            // A master that is gone is waited for, and a Sentinel may have begun a failover meanwhile.
            facts = Gather() with { Replicas = [.. replicas], Master = answer };
            decision = AbandonedPolicy.Decide(facts);
        }

        if (decision is AbandonedDecision.Succeed or AbandonedDecision.RequestFailover) _attemptedAt = time.GetTimestamp();
        switch (decision)
        {
            case AbandonedDecision.Succeed succeed when !dryRun:
                await SucceedAsync(succeed.Plan, cancellation).ConfigureAwait(false);
                break;
            case AbandonedDecision.RequestFailover request when !dryRun:
                await RequestAsync(request, cancellation).ConfigureAwait(false);
                break;
        }

        sink.Decided("abandoned", decision.Code, decision.Reason, decision is AbandonedDecision.Refuse,
            () => JsonSerializer.Serialize(facts, DeathJson.Default.AbandonedFacts));
        return decision;
    }

    private AbandonedFacts Gather()
    {
        var seen = sentinels.Observe();
        var quorum = QuorumFacts.Of(seen, sentinelCount).Without(IsForeign);
        var down = seen.OfType<SentinelObservation.Known>()
            .Where(s => !s.View.Tilt && s.View.Master is { SubjectivelyDown: true } m && m.Address == quorum.Named)
            .Select(s => s.View.MyId).Distinct(StringComparer.Ordinal).Count();
        var isDown = down >= SentinelQuorumPolicy.Majority(sentinelCount) && !quorum.IsFailingOver;
        if (!isDown || quorum.Named != _down)
        {
            (_since, _attemptedAt) = (null, null);
            _attempts.StartOver();
        }

        if (isDown) (_down, _since) = (quorum.Named, _since ?? time.GetTimestamp());
        return new AbandonedFacts
        {
            Address = server.Address,
            Quorum = quorum,
            Down = down,
            SentinelCount = sentinelCount,
            AbandonedFor = _since is { } since ? time.GetElapsedTime(since) : TimeSpan.Zero,
            Rank = ReplicaRank.Of(Promotable(seen).Where(r => !IsForeign(r)), server.Address),
            AttemptedAgo = _attemptedAt is { } at ? time.GetElapsedTime(at) : null,
            Promoted = _attempts.Promoted,
            TellingFailed = _attempts.GivenUp,
        };
    }

    private bool IsForeign(RedisEndpoint replica) => members?.IsForeign(replica) == true;

    private static IEnumerable<RedisEndpoint> Promotable(IEnumerable<SentinelObservation> seen) =>
        seen.OfType<SentinelObservation.Known>().SelectMany(s => s.View.Replicas).Where(r => r.Promotable).Select(r => r.Address);

    private async Task RequestAsync(AbandonedDecision.RequestFailover request, CancellationToken cancellation)
    {
        var answer = await client.FailoverAsync(request.Sentinel, request.Master, cancellation).ConfigureAwait(false);
        sink.Acted("abandoned", "failover", $"SENTINEL FAILOVER at {request.Sentinel}", answer.Obstacle);
    }

    private async Task SucceedAsync(SuccessionPlan plan, CancellationToken cancellation)
    {
        var outcome = await _attempts.RunAsync(plan, sentinels.Observe(), cancellation).ConfigureAwait(false);
        sink.Acted(
            "abandoned", "succession", outcome.Reason, outcome is SuccessionOutcome.Succeeded ? null : $"{outcome.Code}: {outcome.Reason}");
    }
}
