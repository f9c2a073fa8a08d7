using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Publish;

/// <summary>What does not change while a master is published.</summary>
/// <param name="Cluster">The group.</param>
/// <param name="Address">Announced address of the server beside this process.</param>
/// <param name="Outside">What it is called outside.</param>
/// <param name="Inside">What it is called inside.</param>
/// <param name="SentinelCount">Configured number.</param>
/// <param name="RankDelay">See <see cref="PublishFacts.RankDelay"/>.</param>
/// <param name="Period">Between two decisions while nothing changes; 1 s.</param>
public sealed record PublishSettings(ClusterId Cluster, RedisEndpoint Address, string? Outside, RedisEndpoint? Inside, int SentinelCount, TimeSpan RankDelay, TimeSpan Period);

/// <summary>The master that is to be published, as one decision made it: never changed, only replaced by the next decision.</summary>
/// <param name="Master">Its announced address.</param>
/// <param name="RunId">Its process, which said ROLE=master; null for another node's, whose process is looked at before it is published.</param>
/// <param name="Publication">Whom, with revision 0: each place's plan counts its own. Another node's addresses are found before they are needed.</param>
/// <param name="IsOwn">The server beside this process; else it is written only where it is still wrong.</param>
/// <param name="Since">Timestamp of the event, or else of the look, by which it became known.</param>
public sealed record PublishWish(RedisEndpoint Master, string? RunId, MasterPublication Publication, bool IsOwn, long Since);

/// <summary>
/// Decides who is published, and lets every publisher know. Rules: <see cref="PublishPolicy"/>. It writes nothing, and whoever writes
/// changes nothing here: a revision is counted by the plan of its place (<see cref="RevisionPlan"/>).
/// </summary>
/// <param name="settings">See there.</param>
/// <param name="server">The server.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="term">Term of the group as far as it is known.</param>
/// <param name="hasImpostor">Another process answers at the announced address.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
public sealed class PublishLoop(
    PublishSettings settings, OwnServerWatch server, ISentinelViews sentinels, Func<long> term, Func<bool> hasImpostor, IDecisionSink sink, TimeProvider time)
{
    // A promotion that Sentinel saw and our own look did not yet: the next one shows it.
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(20);

    // An event that is older has not led to this decision.
    private static readonly TimeSpan EventLife = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private AcceptedMaster? _accepted;
    private (RedisEndpoint? Address, long Epoch, long Since) _named;
    private PublishWish? _wish;
    private (PublishWish? Wish, long At) _confirmed;

    /// <summary>Raised when <see cref="Wish"/> is another.</summary>
    public Signal Changed { get; } = new();

    /// <summary>What is to be published now; null: nothing by this sidecar.</summary>
    public PublishWish? Wish
    {
        get
        {
            lock (_gate) return _wish;
        }
    }

    /// <summary>Decides until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = new SignalTicket(server.Changed, sentinels.Changed);
            var decision = await RoundAsync(cancellation).ConfigureAwait(false);
            await next.WaitAsync(decision is PublishDecision.Wait { Code: "own-not-master" } ? Soon : settings.Period, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Decides once.</summary>
    public async Task<PublishDecision> RoundAsync(CancellationToken cancellation)
    {
        var observations = sentinels.Observe();
        var quorum = QuorumFacts.Of(observations, settings.SentinelCount);
        var now = time.GetTimestamp();
        if (quorum.Named != _named.Address || quorum.Epoch != _named.Epoch) _named = (quorum.Named, quorum.Epoch, now);
        var own = server.Last;
        var isNews = _accepted?.Address != settings.Address || _accepted.Epoch != quorum.Epoch;
        // The moment that counts: the last look may be from before the promotion. And a look from before a pause proves nothing.
        if (quorum.Named == settings.Address && (isNews || own is not OwnServer.Answers { IsMaster: true } || server.AnsweredAgo > settings.Period * 2))
            own = await server.LookAsync(cancellation).ConfigureAwait(false);
        var facts = Facts(own, observations, quorum, now);
        var decision = PublishPolicy.Decide(facts);
        sink.Decided("publish", decision.Code, decision.Reason, decision is PublishDecision.Refuse, () => JsonSerializer.Serialize(facts, FailoverJson.Default.PublishFacts));
        switch (decision)
        {
            case PublishDecision.Own d:
                Accept(new AcceptedMaster(settings.Address, d.Term, d.Epoch), d.RunId, now);
                break;
            case PublishDecision.ForAnother d:
                Accept(new AcceptedMaster(d.Master, d.Term, d.Epoch), null, now);
                break;
            default:
                // A contradiction ends what was wanted; a moment without a majority does not.
                if (Wish is { } wish && !PublishPolicy.Stands(wish.Master, wish.RunId, facts)) Set(null);
                break;
        }

        Note(facts, now);
        return decision;
    }

    /// <summary>
    /// Whether the wish is for the server beside this process and is verified now: it says ROLE=master in a look that is taken here, with the
    /// run id of the wish, and the majority names it and talks to that process.
    /// </summary>
    public async Task<bool> VerifyAsync(PublishWish wish, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(wish);
        if (!wish.IsOwn) return false;
        var own = await server.LookAsync(cancellation).ConfigureAwait(false);
        var (observations, now) = (sentinels.Observe(), time.GetTimestamp());
        var facts = Facts(own, observations, QuorumFacts.Of(observations, settings.SentinelCount), now);
        if (!ReferenceEquals(wish, Wish) || !Confirms(facts, wish)) return false;
        lock (_gate) _confirmed = (wish, now);
        return true;
    }

    /// <summary>Whether the wish is still wanted, and no look since has contradicted it.</summary>
    public bool IsWanted(PublishWish wish)
    {
        ArgumentNullException.ThrowIfNull(wish);
        return ReferenceEquals(wish, Wish) && (!wish.IsOwn || (!hasImpostor() && PublishPolicy.MayBeMaster(server.Last, wish.RunId)));
    }

    /// <summary>
    /// Whether the wish is still wanted and was verified within the last three periods. A write that raises a revision may be tried again for
    /// minutes while its place can't be reached, and must not be sent for a server that has been demoted meanwhile.
    /// </summary>
    public bool IsConfirmed(PublishWish wish)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(wish, _confirmed.Wish) || time.GetElapsedTime(_confirmed.At) > settings.Period * 3) return false;
        }

        return IsWanted(wish);
    }

    private static bool Confirms(PublishFacts facts, PublishWish wish) => PublishPolicy.Confirms(facts, wish.RunId, wish.Publication.Token.Term, wish.Publication.Token.Epoch);

    private void Note(PublishFacts facts, long now)
    {
        lock (_gate)
        {
            if (_wish is { IsOwn: true } wish && Confirms(facts, wish)) _confirmed = (wish, now);
        }
    }

    private PublishFacts Facts(OwnServer own, IReadOnlyCollection<SentinelObservation> observations, QuorumFacts quorum, long now) => new()
    {
        Server = own,
        Address = settings.Address,
        Quorum = quorum,
        Term = term(),
        Accepted = _accepted,
        HasImpostor = hasImpostor(),
        Rank = Rank(observations, quorum.Named),
        NamedFor = quorum.Named is null ? TimeSpan.Zero : time.GetElapsedTime(_named.Since, now),
        RankDelay = settings.RankDelay,
    };

    private void Accept(AcceptedMaster accepted, string? runId, long now)
    {
        _accepted = accepted;
        var (isOwn, token) = (runId is not null, new FencingToken(accepted.Term, accepted.Epoch, 0));
        var publication = new MasterPublication(settings.Cluster, token, isOwn ? settings.Outside : null, isOwn ? settings.Inside : null);
        if (Wish is { } wish && wish.Master == accepted.Address && wish.RunId == runId && wish.Publication == publication) return;
        var since = sentinels.LastEventAt is > 0 and var at && time.GetElapsedTime(at, now) < EventLife ? at : now;
        Set(new PublishWish(accepted.Address, runId, publication, isOwn, since));
    }

    private void Set(PublishWish? wish)
    {
        lock (_gate)
        {
            if (_wish is null && wish is null) return;
            _wish = wish;
        }

        Changed.Raise();
    }

    // The others in the order of their addresses, as the Sentinels list them: everybody counts alike without asking anybody.
    private int Rank(IReadOnlyCollection<SentinelObservation> observations, RedisEndpoint? master)
    {
        var others = observations.OfType<SentinelObservation.Known>().SelectMany(k => k.View.Replicas).Select(r => r.Address)
            .Append(settings.Address).Where(a => a != master).Distinct().Select(a => a.ToString()).Order(StringComparer.Ordinal).ToList();
        return Math.Max(0, others.IndexOf(settings.Address.ToString())) + 1;
    }
}
