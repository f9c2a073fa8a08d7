using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Publish;

/// <summary>
/// Finds what another node's master may be published as, at the moment when it is to be written. Rules: <see cref="AnotherMasterPolicy"/>.
/// </summary>
/// <param name="read">What all nodes have recorded.</param>
/// <param name="listed">What PUBLISH_ADDRESSES says of an announced address; null: nothing.</param>
/// <param name="login">Logs in on a new connection and asks for ROLE and run id.</param>
/// <param name="quorum">What the Sentinels say now.</param>
/// <param name="sink">Decisions, refusals among them.</param>
/// <param name="time">Its clock.</param>
public sealed class AnotherMaster(
    Func<CancellationToken, Task<AddressReading>> read, Func<RedisEndpoint, string?> listed,
    Func<RedisEndpoint, CancellationToken, Task<NodeObservation>> login,
    Func<QuorumFacts> quorum, IDecisionSink sink, TimeProvider time)
{
    /// <summary>What to publish it as, and the proof that it is master; null: not to be published here now.</summary>
    public async Task<PublishOrder?> FindAsync(DesiredMaster.Another desired, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(desired);
        var reading = await read(cancellation).ConfigureAwait(false);
        var facts = new AnotherMasterFacts
        {
            Master = desired.Master,
            Epoch = desired.Token.Epoch,
            Quorum = quorum(),
            Recorded = [.. reading.Known.Where(a => a.Announced == desired.Master)],
            Unread = reading.Unread,
            Listed = listed(desired.Master),
        };
        if (AnotherMasterPolicy.AskAt(facts) is { } at)
        {
            facts = facts with { Login = await login(at, cancellation).ConfigureAwait(false) };
            facts = facts with { Quorum = quorum() }; // named after it answered, not only before
        }

        var decision = AnotherMasterPolicy.Decide(facts);
        sink.Decided("publish-another", decision.Code, decision.Reason, decision is AnotherMasterDecision.Refuse,
            () => JsonSerializer.Serialize(facts, PublishJson.Default.AnotherMasterFacts));
        return decision is AnotherMasterDecision.Publish publish && facts.Login is NodeObservation.Known { View.RunId: var runId }
            ? new PublishOrder(desired, new MasterAddresses(publish.Outside, publish.Inside), new RoleProof(runId, time.GetTimestamp()))
            : null;
    }
}
