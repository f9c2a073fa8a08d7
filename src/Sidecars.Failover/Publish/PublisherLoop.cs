using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;

namespace Sidecars.Failover.Publish;

/// <summary>
/// Drives one publisher, apart from the others. The master's own sidecar writes at once; the others look, which also refreshes what
/// their publisher remembers for the day when it is their turn, and write only what is still wrong.
/// </summary>
/// <param name="publisher">The place.</param>
/// <param name="loop">What is wanted.</param>
/// <param name="another">What another node's master may be published as now; null: not here.</param>
/// <param name="settings">Rhythm.</param>
/// <param name="metrics">Counters.</param>
/// <param name="sink">What was done.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class PublisherLoop(
    IMasterPublisher publisher, PublishLoop loop, Func<PublishWish, CancellationToken, Task<MasterPublication?>> another, PublisherSettings settings,
    IPublishMetrics metrics, IDecisionSink sink, TimeProvider time, Func<double> random)
{
    // What is in the way is over with the next look.
    private static readonly TimeSpan LeastPause = TimeSpan.FromSeconds(1);

    // Between looks that fail.
    private readonly RetryPause _failing = new(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)), time, random);

    // What took longer to be written was throttled: nothing is asked that can be done without.
    private static readonly TimeSpan Unhindered = TimeSpan.FromSeconds(2);

    // What was refused for lack of proof: a Sentinel tells the run id with its next INFO, a pod answers within seconds.
    private static readonly TimeSpan Unproven = TimeSpan.FromSeconds(5);

    // Older proof of another node's ROLE is none: the write may have waited for its place since.
    private static readonly TimeSpan ProofLife = TimeSpan.FromSeconds(5);

    // Each raise is a compare-and-swap; whoever is overtaken so often is not alone in believing to be master.
    private const int MostRaises = 3;

    private PublishWish? _settled;
    private (PublishWish? Of, FencingToken Token) _token;
    private Propagation? _spreading;

    /// <summary>What was last seen to stand there, and when (timestamp); null: never looked.</summary>
    public (PublishedMaster? Master, long At)? Seen { get; private set; }

    /// <summary>Publishes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await PrimeAsync(cancellation).ConfigureAwait(false);
        while (true)
        {
            var next = loop.Changed.Ticket();
            if (settings.Backstop > TimeSpan.Zero && IsForAnother)
            {
                if (await next.WaitAsync(Backstop, time, cancellation).ConfigureAwait(false)) continue;
            }

            var pause = settings.CheckPeriod;
            try
            {
                pause = await RoundAsync(cancellation).ConfigureAwait(false);
                _failing.Succeeded();
            }
            catch (IOException) when (IsForAnother)
            {
                // Throttled, as a rule: whoever is first in line is not helped by a second one that asks again at once.
                metrics.Failed(publisher.Name);
                pause = _failing.Failed();
            }

            await RestAsync(next, pause, cancellation).ConfigureAwait(false);
        }
    }

    // Until there is news or the next look is due; meanwhile asks now and then whether the last change is everywhere.
    private async Task RestAsync(SignalTicket next, TimeSpan pause, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (_spreading is { } change && !next.IsRaised && change.DueIn < pause - time.GetElapsedTime(began))
        {
            if (await next.WaitAsync(change.DueIn, time, cancellation).ConfigureAwait(false)) return;
            var (isDone, took) = await change.AskAsync(cancellation).ConfigureAwait(false);
            if (took is { } known) metrics.Propagated(publisher.Name, known);
            if (isDone) _spreading = null;
        }

        await next.WaitAsync(pause - time.GetElapsedTime(began), time, cancellation).ConfigureAwait(false);
    }

    private bool IsForAnother => loop.Wish is { IsOwn: false } wish && !ReferenceEquals(wish, _settled);

    private TimeSpan Backstop => settings.Backstop * (1 + random());

    /// <summary>Looks and writes once; how long until it is due again, where nothing changes.</summary>
    public async Task<TimeSpan> RoundAsync(CancellationToken cancellation)
    {
        if (loop.Wish is not { } wish) return settings.CheckPeriod;
        var isCheck = ReferenceEquals(wish, _settled);
        if (isCheck && !wish.IsOwn) return settings.CheckPeriod;
        var isThere = (settings.DryRun || !wish.IsOwn) && await IsThereAsync(wish, cancellation).ConfigureAwait(false);
        if (isThere) return Settle(wish);
        var (found, foundAt) = (wish.IsOwn ? wish.Publication : await another(wish, cancellation).ConfigureAwait(false), time.GetTimestamp());
        if (found is not { } publication) return Unproven;
        if (!publisher.CanPublish(publication)) return NotKnown(wish);
        if (settings.DryRun)
        {
            if (!isCheck) sink.Acted("publish-" + publisher.Name, "would-publish", $"{wish.Publication.Token} at {publisher.Description}", null);
            return Settle(wish);
        }

        var (sent, began) = (time.GetElapsedTime(wish.Since), time.GetTimestamp());
        if (!isCheck && wish.IsOwn) metrics.Sent(publisher.Name, sent);
        if (!ReferenceEquals(wish, _token.Of)) _token = (wish, wish.Publication.Token);
        var raised = (FencingToken?)null;
        for (var raises = 0; ;)
        {
            var outcome = await publisher.PublishAsync(Wanted(wish, publication with { Token = raised ?? _token.Token }, raised is not null, foundAt), fresh: isCheck, cancellation).ConfigureAwait(false);
            // Another wish is about to come, or a look says otherwise that was overtaken by a newer one.
            if (outcome is null) return LeastPause;
            var there = outcome switch { PublishOutcome.Superseded s => s.By, PublishOutcome.Contested c => c.By, _ => null };
            if (outcome is PublishOutcome.Written) _token = (wish, raised ?? _token.Token);
            if (there is not null && wish.IsOwn)
            {
                var step = RevisionPlan.Decide(raised ?? _token.Token, publisher.AddressOf(publication), there);
                raised = null;
                if (step is RevisionStep.Adopt adopt)
                {
                    _token = (wish, adopt.Token);
                    continue;
                }

                if (step is RevisionStep.Raise raise && raises++ < MostRaises)
                {
                    if (!await loop.VerifyAsync(wish, cancellation).ConfigureAwait(false)) return NotVerified(there);
                    raised = raise.Token;
                    continue;
                }
            }

            Told(wish, outcome, there ?? new PublishedMaster(_token.Token, publisher.AddressOf(publication)), isCheck, sent, time.GetElapsedTime(began));
            return Settle(wish);
        }
    }

    // Asked anew before each try, since the place may not be reached for minutes: only while this very wish is wanted, and proven.
    private Func<MasterPublication?> Wanted(PublishWish wish, MasterPublication publication, bool isRaised, long foundAt) => () =>
        loop.IsWanted(wish) && (wish.IsOwn ? !isRaised || loop.IsConfirmed(wish) : time.GetElapsedTime(foundAt) <= ProofLife) ? publication : null;

    private void Told(PublishWish wish, PublishOutcome outcome, PublishedMaster seen, bool isCheck, TimeSpan sent, TimeSpan took)
    {
        if (outcome is PublishOutcome.Written { ChangeId.Length: > 0 } written && took < Unhindered) _spreading = new Propagation(publisher, written.ChangeId, time, random);
        var after = time.GetElapsedTime(wish.Since);
        metrics.Settled(publisher.Name, outcome, wish, after);
        if (!isCheck || outcome is not PublishOutcome.UpToDate) sink.Acted("publish-" + publisher.Name, outcome.Code, $"{publisher.Description}: {outcome.Reason} (sent after {sent.TotalMilliseconds:F1} ms, settled after {after.TotalMilliseconds:F1} ms)", outcome is PublishOutcome.Refused refused ? refused.Reason : null);
        Seen = (seen, time.GetTimestamp());
    }

    private TimeSpan NotVerified(PublishedMaster there)
    {
        Seen = (there, time.GetTimestamp());
        sink.Decided("publish-" + publisher.Name, "not-verified", $"{publisher.Description}: {there.Address} is published with token {there.Token}; the revision is not raised, since the Redis beside this sidecar is not proven to be the master that Sentinels talk to", isRefusal: true, () => "null");
        return Unproven;
    }

    // An own address does not become known later; another node's sidecar may record it yet.
    private TimeSpan NotKnown(PublishWish wish)
    {
        var what = $"{publisher.Description}: the address of the master to publish with token {wish.Publication.Token} is not known here";
        if (wish.IsOwn)
        {
            sink.Acted("publish-" + publisher.Name, "address-unknown", what, "PUBLISH_ADDRESS or POD_IP is not set");
            return Settle(wish);
        }

        sink.Decided("publish-" + publisher.Name, "address-unknown", $"{what}; its own sidecar publishes it", isRefusal: true, () => "null");
        return Unproven;
    }

    private TimeSpan Settle(PublishWish wish)
    {
        _settled = wish;
        return settings.CheckPeriod;
    }

    private async Task<bool> IsThereAsync(PublishWish wish, CancellationToken cancellation)
    {
        var there = await publisher.LookAsync(cancellation).ConfigureAwait(false);
        Seen = (there, time.GetTimestamp());
        return there is not null && (there.Token.Term, there.Token.Epoch).CompareTo((wish.Publication.Token.Term, wish.Publication.Token.Epoch)) >= 0;
    }

    private async Task PrimeAsync(CancellationToken cancellation)
    {
        try
        {
            Seen = (await publisher.LookAsync(cancellation).ConfigureAwait(false), time.GetTimestamp());
        }
        catch (IOException)
        {
            metrics.Failed(publisher.Name);
        }
    }
}
