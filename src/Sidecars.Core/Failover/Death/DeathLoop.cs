using System.Text.Json;
using Sidecars.Core.Failover.Watch;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Core.Failover.Death;

/// <summary>Turns a death into a failover. Rules: <see cref="DeathPolicy"/>.</summary>
/// <param name="address">Announced address of the server.</param>
/// <param name="server">The server.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="client">Asks one to fail over.</param>
/// <param name="sentinelCount">Configured number.</param>
/// <param name="heartbeat">Moment of bootstrap's last heartbeat, null where there is none; only its change counts.</param>
/// <param name="dryRun">Decide and say, do nothing.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
public sealed class DeathLoop(
    RedisEndpoint address, OwnServerWatch server, SentinelWatch sentinels, SentinelClient client, int sentinelCount, Func<DateTime?> heartbeat, bool dryRun, IDecisionSink sink, TimeProvider time)
{
    // NOGOODSLAVE and INPROG pass within a Sentinel's tick or two (100 ms).
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);

    private string _runId = "";
    private DateTime? _heartbeatAtDeath;
    private long? _acceptedAt;

    /// <summary>Waits for deaths until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = Task.WhenAny(server.Changed.Next, sentinels.Changed.Next);
            var decision = await RoundAsync(cancellation).ConfigureAwait(false);
            await Broadcast.WaitAsync(next, decision is DeathDecision.Nothing ? Idle : Again, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Decides once, and asks where that is due.</summary>
    public async Task<DeathDecision> RoundAsync(CancellationToken cancellation)
    {
        var last = server.Last;
        if (last is OwnServer.Dead { RunId: var runId } && runId != _runId) (_runId, _heartbeatAtDeath, _acceptedAt) = (runId, heartbeat(), null);
        var facts = new DeathFacts
        {
            Server = last,
            Address = address,
            Quorum = QuorumFacts.Of(sentinels.Observe(), sentinelCount),
            BootstrapLives = last is OwnServer.Dead && heartbeat() is { } beat && beat != _heartbeatAtDeath,
            AcceptedAgo = _acceptedAt is { } at ? time.GetElapsedTime(at) : null,
        };
        var decision = DeathPolicy.Decide(facts);
        sink.Decided("death", decision.Code, decision.Reason, decision is DeathDecision.Wait { Code: "no-agreement" or "no-promotable-replica" }, () => JsonSerializer.Serialize(facts, FailoverJson.Default.DeathFacts));
        if (decision is not DeathDecision.RequestFailover request) return decision;
        if (dryRun)
        {
            _acceptedAt = time.GetTimestamp();
            return decision;
        }

        var refusal = await client.FailoverAsync(request.Sentinel, cancellation).ConfigureAwait(false);
        if (refusal is null || refusal.StartsWith("INPROG", StringComparison.Ordinal)) _acceptedAt = time.GetTimestamp();
        sink.Acted("death", "failover", $"SENTINEL FAILOVER at {request.Sentinel}", refusal);
        return decision;
    }
}
