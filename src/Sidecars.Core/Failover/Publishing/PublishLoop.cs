using System.Text.Json;
using Sidecars.Core.Failover.Watch;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Core.Failover.Publishing;

/// <summary>What does not change while a master is published.</summary>
/// <param name="Cluster">The group.</param>
/// <param name="Address">Announced address of the server beside this process.</param>
/// <param name="Outside">What it is called outside.</param>
/// <param name="Inside">What it is called inside.</param>
/// <param name="SentinelCount">Configured number.</param>
/// <param name="RankDelay">See <see cref="PublishFacts.RankDelay"/>.</param>
/// <param name="Period">Between two decisions while nothing changes; 1 s.</param>
public sealed record PublishSettings(ClusterId Cluster, RedisEndpoint Address, string? Outside, RedisEndpoint? Inside, int SentinelCount, TimeSpan RankDelay, TimeSpan Period);

/// <summary>What is to be published, as the publishers see it.</summary>
/// <param name="Publication">What.</param>
/// <param name="IsOwn">The server beside this process; else it is written only where it is still wrong.</param>
/// <param name="Since">Timestamp of the event, or else of the look, by which it became known.</param>
public sealed record PublishWish(MasterPublication Publication, bool IsOwn, long Since);

/// <summary>
/// Decides who is published, and lets every publisher know. Rules: <see cref="PublishPolicy"/>. Holds the token's third part: it is
/// raised where the same token stands for another address of the process that a majority names and talks to.
/// </summary>
/// <param name="settings">See there.</param>
/// <param name="server">The server.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="term">Term of the group as far as it is known.</param>
/// <param name="hasImpostor">Another process answers at the announced address.</param>
/// <param name="find">What another node is called outside and inside; null where that is not known.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
public sealed class PublishLoop(
    PublishSettings settings, OwnServerWatch server, SentinelWatch sentinels, Func<long> term, Func<bool> hasImpostor,
    Func<RedisEndpoint, (string? Outside, RedisEndpoint? Inside)> find, IDecisionSink sink, TimeProvider time)
{
    // A promotion that Sentinel saw and our own look did not yet: the next one shows it.
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(20);

    // An event that is older has not led to this decision.
    private static readonly TimeSpan EventLife = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private AcceptedMaster? _accepted;
    private (RedisEndpoint? Address, long Epoch, long Since) _named;
    private FencingToken _revOf;
    private PublishWish? _wish;

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
        var facts = new PublishFacts
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
        var decision = PublishPolicy.Decide(facts);
        sink.Decided("publish", decision.Code, decision.Reason, decision is PublishDecision.Refuse, () => JsonSerializer.Serialize(facts, FailoverJson.Default.PublishFacts));
        switch (decision)
        {
            case PublishDecision.Own d:
                Accept(new AcceptedMaster(settings.Address, d.Term, d.Epoch), settings.Outside, settings.Inside, isOwn: true, now);
                break;
            case PublishDecision.ForAnother d:
                var (outside, inside) = find(d.Master);
                Accept(new AcceptedMaster(d.Master, d.Term, d.Epoch), outside, inside, isOwn: false, now);
                break;
            default:
                // A switch ends what was wanted; a moment without a majority does not.
                if (quorum.Named is not null && quorum.Named != _accepted?.Address) Set(null);
                break;
        }

        return decision;
    }

    /// <summary>
    /// Told by a publisher that a token of our term and epoch stands there with another rev or for another address. True where the
    /// wish was changed and is worth another try.
    /// </summary>
    public bool Meet(PublishedMaster there, string ours)
    {
        ArgumentNullException.ThrowIfNull(there);
        lock (_gate)
        {
            if (_wish is not { IsOwn: true } wish || (there.Token.Term, there.Token.Epoch) != (wish.Publication.Token.Term, wish.Publication.Token.Epoch)) return false;
            var rev = there.Address == ours ? there.Token.Rev : there.Token.Rev + 1;
            if (rev <= wish.Publication.Token.Rev) return false;
            _revOf = wish.Publication.Token with { Rev = rev };
            _wish = wish with { Publication = wish.Publication with { Token = _revOf } };
        }

        Changed.Raise();
        return true;
    }

    private void Accept(AcceptedMaster accepted, string? outside, RedisEndpoint? inside, bool isOwn, long now)
    {
        _accepted = accepted;
        var token = new FencingToken(accepted.Term, accepted.Epoch, 0);
        var since = sentinels.LastEventAt is > 0 and var at && time.GetElapsedTime(at, now) < EventLife ? at : now;
        lock (_gate)
        {
            if (isOwn && (_revOf.Term, _revOf.Epoch) == (token.Term, token.Epoch)) token = _revOf;
            var publication = new MasterPublication(settings.Cluster, token, outside, inside);
            if (_wish is { } wish && wish.Publication == publication && wish.IsOwn == isOwn) return;
        }

        Set(new PublishWish(new MasterPublication(settings.Cluster, token, outside, inside), isOwn, since));
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
