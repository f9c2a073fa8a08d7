using System.Collections.Immutable;
using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Death;

/// <summary>Turns a death into a succession. Rules: <see cref="DeathPolicy"/>.</summary>
/// <param name="server">The server.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="client">Asks a Sentinel.</param>
/// <param name="nodes">Asks a replica.</param>
/// <param name="succession">Promotes and tells.</param>
/// <param name="sentinelCount">Configured number.</param>
/// <param name="heartbeat">Moment of bootstrap's last heartbeat, null where there is none; only its change counts.</param>
/// <param name="dryRun">Decide and say, do nothing.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
/// <param name="isSteppingDown">Whether a step-down runs beside the server; null: nobody knows.</param>
/// <param name="isForeign">Whether a replica is known to be no node of the group: it is neither promoted nor led to another master.</param>
public sealed class DeathLoop(
    IOwnServer server, ISentinelViews sentinels, SentinelClient client, NodeClient nodes, SuccessionRunner succession, int sentinelCount,
    Func<DateTime?> heartbeat, bool dryRun, IDecisionSink sink, TimeProvider time, Func<bool?>? isSteppingDown = null,
    Func<RedisEndpoint, bool>? isForeign = null)
{
    private readonly Func<RedisEndpoint, bool> _isForeign = isForeign ?? (_ => false);

    // What stands in the way of a vote (a rival, a Sentinel's own attempt, TILT) passes within a Sentinel's tick or two (100 ms).
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);

    // Who hangs is not waited for: nobody may write meanwhile.
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromMilliseconds(150);

    // Most of those that no Sentinel reaches are gone, and would hold up the others; one that has just been started connects, logs in and
    // answers within a few round trips.
    private static readonly TimeSpan UnreachedAnswersWithin = TimeSpan.FromMilliseconds(50);

    private readonly SuccessionAttempts _attempts = new(succession, sentinelCount);
    private string _runId = "";
    private string? _replicationId;
    private DateTime? _heartbeatAtDeath;
    private long? _acceptedAt;
    private long _diedAt;
    private bool _isSucceeded;

    /// <summary>Waits for deaths until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = new SignalTicket(server.Changed, sentinels.Changed);
            var decision = await RoundAsync(cancellation).ConfigureAwait(false);
            var again = (decision as DeathDecision.Wait)?.Again ?? (decision as DeathDecision.Refuse)?.Again;
            if (again is { } soon) await Task.Delay(soon, time, cancellation).ConfigureAwait(false);
            else await next.WaitAsync(decision is DeathDecision.Nothing ? Idle : Again, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Decides once, and acts where that is due.</summary>
    public async Task<DeathDecision> RoundAsync(CancellationToken cancellation)
    {
        var last = server.Last;
        if (server.LookWithin(TimeSpan.MaxValue) is { } look) _replicationId = look.ReplicationId;
        if (last is OwnServer.Dead { RunId: var runId } && runId != _runId) Begin(runId);
        var facts = new DeathFacts
        {
            Server = last,
            Address = server.Address,
            Quorum = QuorumFacts.Of(sentinels.Observe(), sentinelCount).Without(_isForeign),
            BootstrapLives = last is OwnServer.Dead && heartbeat() is { } beat && beat != _heartbeatAtDeath,
            SteppingDown = last is OwnServer.Dead ? isSteppingDown?.Invoke() : null,
            AcceptedAgo = _acceptedAt is { } at ? time.GetElapsedTime(at) : null,
            DeadFor = last is OwnServer.Dead ? time.GetElapsedTime(_diedAt) : TimeSpan.Zero,
            ReplicationId = _replicationId,
            Promoted = _attempts.Promoted,
            IsSucceeded = _isSucceeded,
            TellingFailed = _attempts.GivenUp,
        };
        var decision = DeathPolicy.Decide(facts);
        if (decision is DeathDecision.AskReplicas)
        {
            facts = facts with { Replicas = await AskReplicasAsync(facts.Quorum, cancellation).ConfigureAwait(false) };
            decision = DeathPolicy.Decide(facts);
        }

        switch (decision)
        {
            case DeathDecision.Succeed or DeathDecision.RequestFailover when dryRun:
                _acceptedAt = time.GetTimestamp();
                break;
            case DeathDecision.Succeed succeed:
                await SucceedAsync(succeed.Plan, cancellation).ConfigureAwait(false);
                break;
            case DeathDecision.RequestFailover request:
                await RequestAsync(request.Sentinel, facts.Address!, cancellation).ConfigureAwait(false);
                break;
        }

        sink.Decided(
            "death", decision.Code, decision.Reason, decision is DeathDecision.Refuse,
            () => JsonSerializer.Serialize(facts, DeathJson.Default.DeathFacts));
        return decision;
    }

    private void Begin(string runId)
    {
        (_runId, _heartbeatAtDeath, _acceptedAt, _diedAt) = (runId, heartbeat(), null, time.GetTimestamp());
        _isSucceeded = false;
        _attempts.StartOver();
    }

    private async Task SucceedAsync(SuccessionPlan plan, CancellationToken cancellation)
    {
        var seen = sentinels.Observe();
        if (_attempts.Promoted is not null && await IsNamedAsync(plan.Target.Address, seen, cancellation).ConfigureAwait(false))
        {
            _isSucceeded = true;
            return;
        }

        var outcome = await _attempts.RunAsync(plan, seen, cancellation).ConfigureAwait(false);
        _isSucceeded = outcome is SuccessionOutcome.Succeeded;
        sink.Acted(
            "death", "succession", outcome.Reason, outcome is SuccessionOutcome.Succeeded ? null : $"{outcome.Code}: {outcome.Reason}");
    }

    // Where the answers to an announcement were lost, the Sentinels may know of it nonetheless.
    private async Task<bool> IsNamedAsync(RedisEndpoint target, IEnumerable<SentinelObservation> seen, CancellationToken cancellation)
    {
        var asked = SuccessionAttempts.Answering(seen).Select(s => client.ObserveAsync(s, cancellation));
        var now = await Task.WhenAll(asked).ConfigureAwait(false);
        return SentinelQuorumPolicy.Decide(now, sentinelCount) is SentinelQuorumDecision.Agreed agreed && agreed.Address == target;
    }

    private async Task RequestAsync(RedisEndpoint sentinel, RedisEndpoint dead, CancellationToken cancellation)
    {
        var answer = await client.FailoverAsync(sentinel, dead, cancellation).ConfigureAwait(false);
        if (answer.Kind == FailoverAnswerKind.UnderWay) _acceptedAt = time.GetTimestamp();
        sink.Acted("death", "failover", $"SENTINEL FAILOVER at {sentinel}", answer.Obstacle);
    }

    // All that a Sentinel lists: those that it does not reach are to follow the next master too. Where a promotion is unconfirmed,
    // Sentinels that know of it list that node no more, but name it; else a master that no Sentinel reaches is one of former days.
    private async Task<ImmutableArray<NodeObservation>> AskReplicasAsync(QuorumFacts quorum, CancellationToken cancellation)
    {
        var views = sentinels.Observe().OfType<SentinelObservation.Known>().Select(s => s.View);
        var listed = views.SelectMany(v => v.Replicas.Select(r => r.Address).Append(v.Master?.Address));
        var areAllWaitedFor = quorum.Promotable.IsEmpty || _attempts.Promoted is not null;
        var asked = listed.OfType<RedisEndpoint>().Where(a => a != server.Address && !_isForeign(a)).Distinct().Select(async address =>
        {
            var isWaitedFor = areAllWaitedFor || quorum.Promotable.Contains(address);
            var within = isWaitedFor ? AnswersWithin : UnreachedAnswersWithin;
            var seen = await AskAsync(address, within, cancellation).ConfigureAwait(false);
            return isWaitedFor || seen is not NodeObservation.Known { View.Role: NodeRole.Master }
                ? seen
                : new NodeObservation.Unknown(address, LoginRefused: false, "it is a master that no Sentinel reaches");
        });
        return [.. await Task.WhenAll(asked).ConfigureAwait(false)];
    }

    private async Task<NodeObservation> AskAsync(RedisEndpoint replica, TimeSpan within, CancellationToken cancellation)
    {
        using var over = new CancellationTokenSource(within, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellation);
        try
        {
            return await nodes.ObserveAsync(replica, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new NodeObservation.Unknown(replica, LoginRefused: false, "it does not answer");
        }
    }
}
