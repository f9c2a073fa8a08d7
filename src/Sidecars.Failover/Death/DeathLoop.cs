using System.Collections.Immutable;
using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Death;

/// <summary>Turns a death into a failover. Rules: <see cref="DeathPolicy"/>.</summary>
/// <param name="server">The server.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="client">Asks one to fail over.</param>
/// <param name="nodes">Asks a replica.</param>
/// <param name="sentinelCount">Configured number.</param>
/// <param name="heartbeat">Moment of bootstrap's last heartbeat, null where there is none; only its change counts.</param>
/// <param name="dryRun">Decide and say, do nothing.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
public sealed class DeathLoop(
    IOwnServer server, ISentinelViews sentinels, SentinelClient client, NodeClient nodes, int sentinelCount, Func<DateTime?> heartbeat, bool dryRun, IDecisionSink sink, TimeProvider time)
{
    // NOGOODSLAVE and INPROG pass within a Sentinel's tick or two (100 ms).
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);

    // Who hangs is not waited for: nobody may write meanwhile.
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromMilliseconds(150);

    private string _runId = "";
    private DateTime? _heartbeatAtDeath;
    private long? _acceptedAt;
    private long _diedAt;

    /// <summary>Waits for deaths until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = new SignalTicket(server.Changed, sentinels.Changed);
            var decision = await RoundAsync(cancellation).ConfigureAwait(false);
            if (decision is DeathDecision.Wait { Again: { } soon }) await Task.Delay(soon, time, cancellation).ConfigureAwait(false);
            else await next.WaitAsync(decision is DeathDecision.Nothing ? Idle : Again, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Decides once, and asks where that is due.</summary>
    public async Task<DeathDecision> RoundAsync(CancellationToken cancellation)
    {
        var last = server.Last;
        if (last is OwnServer.Dead { RunId: var runId } && runId != _runId) (_runId, _heartbeatAtDeath, _acceptedAt, _diedAt) = (runId, heartbeat(), null, time.GetTimestamp());
        var facts = new DeathFacts
        {
            Server = last,
            Address = server.Address,
            Quorum = QuorumFacts.Of(sentinels.Observe(), sentinelCount),
            BootstrapLives = BootstrapLives(last),
            AcceptedAgo = _acceptedAt is { } at ? time.GetElapsedTime(at) : null,
            DeadFor = last is OwnServer.Dead ? time.GetElapsedTime(_diedAt) : TimeSpan.Zero,
        };
        var decision = DeathPolicy.Decide(facts);
        // Only now: where nothing is to be done, nobody is asked.
        if (decision is DeathDecision.RequestFailover && facts.DeadFor < DeathPolicy.ChoosesWithin)
        {
            facts = facts with { Replicas = await AskReplicasAsync(facts.Quorum.Promotable, cancellation).ConfigureAwait(false) };
            decision = DeathPolicy.Decide(facts);
        }

        if (decision is DeathDecision.RequestFailover)
        {
            facts = facts with { Voters = await AskSentinelsAsync(cancellation).ConfigureAwait(false), BootstrapLives = BootstrapLives(last) };
            decision = DeathPolicy.Decide(facts);
        }

        sink.Decided("death", decision.Code, decision.Reason, decision is DeathDecision.Wait { Code: "no-agreement" or "no-promotable-replica" or "address-unknown" }, () => JsonSerializer.Serialize(facts, DeathJson.Default.DeathFacts));
        if (decision is not DeathDecision.RequestFailover request) return decision;
        if (dryRun)
        {
            _acceptedAt = time.GetTimestamp();
            return decision;
        }

        var answer = await client.FailoverAsync(request.Sentinel, cancellation).ConfigureAwait(false);
        if (answer.Kind == FailoverAnswerKind.UnderWay) _acceptedAt = time.GetTimestamp();
        sink.Acted("death", "failover", $"SENTINEL FAILOVER at {request.Sentinel}", answer.Obstacle);
        return decision;
    }

    private async Task<ImmutableArray<NodeObservation>> AskReplicasAsync(IEnumerable<RedisEndpoint> replicas, CancellationToken cancellation) =>
        [.. await Task.WhenAll(replicas.Select(replica => InTimeAsync(limit => nodes.ObserveAsync(replica, limit), new NodeObservation.Unknown(replica, LoginRefused: false, "it does not answer"), cancellation))).ConfigureAwait(false)];

    private async Task<ImmutableArray<SentinelObservation.Known>> AskSentinelsAsync(CancellationToken cancellation)
    {
        var known = sentinels.Observe().OfType<SentinelObservation.Known>();
        var answers = await Task.WhenAll(known.Select(s => InTimeAsync(limit => client.ObserveAsync(s.Endpoint, limit), new SentinelObservation.Unknown(s.Endpoint, "it does not answer"), cancellation))).ConfigureAwait(false);
        return [.. answers.OfType<SentinelObservation.Known>()];
    }

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> ask, T late, CancellationToken cancellation)
    {
        using var over = new CancellationTokenSource(AnswersWithin, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellation);
        try
        {
            return await ask(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return late;
        }
    }

    private bool BootstrapLives(OwnServer last) => last is OwnServer.Dead && heartbeat() is { } beat && beat != _heartbeatAtDeath;
}
