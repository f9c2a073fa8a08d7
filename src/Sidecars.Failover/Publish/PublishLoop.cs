using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Publish;

/// <summary>What does not change while a master is published.</summary>
/// <param name="Address">Announced address of the server beside this process.</param>
/// <param name="Addresses">What it is published as.</param>
/// <param name="SentinelCount">Configured number.</param>
/// <param name="RankDelay">See <see cref="PublishFacts.RankDelay"/>.</param>
/// <param name="Period">Between two decisions while nothing changes; 1 s.</param>
public sealed record PublishSettings(
    RedisEndpoint Address, MasterAddresses Addresses, int SentinelCount, TimeSpan RankDelay, TimeSpan Period);

/// <summary>
/// Decides who is published, and lets the loop of every target know. Rules: <see cref="PublishPolicy"/>. It writes nothing, and whoever
/// writes changes nothing here: a revision is counted by the plan of its target (<see cref="RevisionPlan"/>).
/// </summary>
/// <param name="settings">What the policy needs to know of the group.</param>
/// <param name="server">The server.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="term">Term of the group.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
public sealed class PublishLoop(
    PublishSettings settings, IOwnServer server, ISentinelViews sentinels, IGroupTerm term, IDecisionSink sink, TimeProvider time)
    : IDesiredMasters
{
    // A promotion that Sentinel saw and our own look did not yet: the next one shows it.
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(20);

    // An event that is older has not led to this decision.
    private static readonly TimeSpan EventLife = TimeSpan.FromSeconds(5);

    // Older proof of another node's ROLE is none: the write may have waited for its target since.
    private static readonly TimeSpan ProofLife = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private AcceptedMaster? _accepted;
    private (RedisEndpoint? Address, long Epoch, long Since) _named;
    private (long Now, long? Before)? _epochs;
    private DesiredMaster? _desired;
    private (DesiredMaster? Of, RoleProof? Proof) _proven;

    /// <inheritdoc/>
    public Signal Changed { get; } = new();

    /// <summary>What is to be published now; null: nothing by this sidecar.</summary>
    public DesiredMaster? Desired
    {
        get
        {
            lock (_gate) return _desired;
        }
    }

    /// <summary>Decides until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = new SignalTicket(server.Changed, sentinels.Changed, term.Changed);
            var decision = await RoundAsync(cancellation).ConfigureAwait(false);
            await next.WaitAsync(decision is PublishDecision.Wait { Code: "own-not-master" } ? Soon : settings.Period, time,
                cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Whether a place may still say this: it is of the epoch in which the Sentinels name a master, or named the one before. Anything else
    /// was remembered before the last switch but one, or before the group's first.
    /// </summary>
    public bool MayStand(PublishedMaster? remembered)
    {
        lock (_gate)
            return remembered is { Token.Epoch: var epoch } && _epochs is { } known && (epoch == known.Now || epoch == known.Before);
    }

    /// <summary>A target shows this: a term that is not known here is learnt by it.</summary>
    public void Shown(PublishedMaster there)
    {
        ArgumentNullException.ThrowIfNull(there);
        term.Shown(there.Token.Term);
    }

    /// <summary>Decides once.</summary>
    public async Task<PublishDecision> RoundAsync(CancellationToken cancellation)
    {
        var before = Desired;
        var observations = sentinels.Observe();
        var quorum = QuorumFacts.Of(observations, settings.SentinelCount);
        var now = time.GetTimestamp();
        if (quorum.Named != _named.Address || quorum.Epoch != _named.Epoch) _named = (quorum.Named, quorum.Epoch, now);
        if (quorum.Named is not null && quorum.Epoch != _epochs?.Now) lock (_gate) _epochs = (quorum.Epoch, _epochs?.Now);
        var own = server.Last;
        var isNews = _accepted?.Address != settings.Address || _accepted.Epoch != quorum.Epoch;
        // The moment that counts: the last look may be from before the promotion. And a look from before a pause proves nothing.
        var isDue = isNews || own is not OwnServer.Answers { IsMaster: true } || server.AnsweredAgo > settings.Period * 2;
        if (quorum.Named == settings.Address && isDue)
            own = await server.LookAsync(cancellation).ConfigureAwait(false);
        var facts = Facts(own, observations, quorum, now);
        var decision = PublishPolicy.Decide(facts);
        sink.Decided("publish", decision.Code, decision.Reason, decision is PublishDecision.Refuse,
            () => JsonSerializer.Serialize(facts, PublishJson.Default.PublishFacts));
        switch (decision)
        {
            case PublishDecision.Own d:
                _accepted = new AcceptedMaster(settings.Address, d.Term, d.Epoch);
                var token = new FencingToken(d.Term, d.Epoch, 0);
                if (Desired is DesiredMaster.Own same && same.Token == token && same.Role.RunId == d.RunId) break;
                Set(new DesiredMaster.Own(settings.Address, token, settings.Addresses, new RoleProof(d.RunId, now), Since(now)));
                break;
            case PublishDecision.ForAnother d:
                _accepted = new AcceptedMaster(d.Master, d.Term, d.Epoch);
                var desired = new DesiredMaster.Another(d.Master, new FencingToken(d.Term, d.Epoch, 0), Since(now));
                if (before is DesiredMaster.Another known && known.Master == desired.Master && known.Token == desired.Token) break;
                Set(desired);
                break;
            default:
                // A contradiction ends what was desired; a moment without a majority does not.
                if (before is not null && !PublishPolicy.Stands(before, facts)) Set(null);
                break;
        }

        lock (_gate)
        {
            if (_desired is not null && PublishPolicy.Proof(_desired, facts) is { } runId) _proven = (_desired, new RoleProof(runId, now));
        }

        return decision;
    }

    /// <inheritdoc/>
    public bool IsWanted(PublishOrder order)
    {
        ArgumentNullException.ThrowIfNull(order);
        return ReferenceEquals(order.Desired, Desired) && order.Desired switch
        {
            DesiredMaster.Own own => PublishPolicy.MayBeMaster(server.Last, server.HasImpostor, own.Role.RunId),
            _ => time.GetElapsedTime(order.Role.SeenAt) <= ProofLife,
        };
    }

    /// <inheritdoc/>
    public async Task<RoleProof?> ProveAsync(DesiredMaster desired, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(desired);
        if (desired is DesiredMaster.Another) return null;
        var own = await server.LookAsync(cancellation).ConfigureAwait(false);
        var (observations, now) = (sentinels.Observe(), time.GetTimestamp());
        var facts = Facts(own, observations, QuorumFacts.Of(observations, settings.SentinelCount), now);
        if (PublishPolicy.Proof(desired, facts) is not { } runId) return null;
        var proof = new RoleProof(runId, now);
        lock (_gate)
        {
            if (!ReferenceEquals(desired, _desired)) return null;
            _proven = (desired, proof);
        }

        return proof;
    }

    /// <inheritdoc/>
    public RoleProof? RecentProof(DesiredMaster desired)
    {
        lock (_gate)
        {
            var isRecent = ReferenceEquals(desired, _proven.Of) && time.GetElapsedTime(_proven.Proof!.SeenAt) <= settings.Period * 3;
            return isRecent ? _proven.Proof : null;
        }
    }

    private PublishFacts Facts(OwnServer own, IReadOnlyCollection<SentinelObservation> observations, QuorumFacts quorum, long now) => new()
    {
        Server = own,
        Address = settings.Address,
        Quorum = quorum,
        Term = term.Value,
        Accepted = _accepted,
        HasImpostor = server.HasImpostor,
        Rank = Rank(observations, quorum.Named),
        NamedFor = quorum.Named is null ? TimeSpan.Zero : time.GetElapsedTime(_named.Since, now),
        RankDelay = settings.RankDelay,
    };

    private long Since(long now) => sentinels.LastEventAt is > 0 and var at && time.GetElapsedTime(at, now) < EventLife ? at : now;

    private void Set(DesiredMaster? next)
    {
        lock (_gate) _desired = next;
        Changed.Raise();
    }

    // From 1, also for one that no Sentinel lists: the master's own sidecar is to be first.
    private int Rank(IReadOnlyCollection<SentinelObservation> observations, RedisEndpoint? master)
    {
        var listed = observations.OfType<SentinelObservation.Known>().SelectMany(k => k.View.Replicas).Select(r => r.Address);
        return ReplicaRank.Of(listed.Where(a => a != master).Append(settings.Address), settings.Address) + 1;
    }
}
