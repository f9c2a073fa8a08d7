using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Strays;

/// <summary>Looks whether the server beside this process follows itself, and repairs it. Rules: <see cref="SelfReplicaPolicy"/>.</summary>
/// <param name="address">Announced address of the server; null: not known yet.</param>
/// <param name="server">What the server last answered.</param>
/// <param name="quorum">What the Sentinels say now.</param>
/// <param name="promote"><see cref="OwnServerClient.PromoteSelfReplicaAsync"/>.</param>
/// <param name="period">Between two looks.</param>
/// <param name="dryRun">Decide and say, do nothing.</param>
/// <param name="sink">Decisions and what was done; it counts both.</param>
/// <param name="time">Its clock.</param>
public sealed class SelfReplicaLoop(
    Func<RedisEndpoint?> address, Func<OwnServer> server, Func<QuorumFacts> quorum,
    Func<string, RedisEndpoint, CancellationToken, Task<string?>> promote,
    TimeSpan period, bool dryRun, IDecisionSink sink, TimeProvider time)
{
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
    public async Task<SelfReplicaDecision> RoundAsync(CancellationToken cancellation)
    {
        var facts = new SelfReplicaFacts { Server = server(), Address = address(), Quorum = quorum() };
        var decision = SelfReplicaPolicy.Decide(facts);
        sink.Decided(
            "self-replica", decision.Code, decision.Reason, decision is SelfReplicaDecision.Wait,
            () => JsonSerializer.Serialize(facts, StrayJson.Default.SelfReplicaFacts));
        if (decision is not SelfReplicaDecision.Promote due || dryRun) return decision;
        var failure = await promote(due.RunId, due.Address, cancellation).ConfigureAwait(false);
        sink.Acted("self-replica", "promote", $"REPLICAOF NO ONE at {due.Address}", failure);
        return decision;
    }
}
