using Sidecars.Core.Primitives;

namespace Sidecars.Core.Failover.Publishing;

/// <summary>How a publisher is driven.</summary>
/// <param name="CheckPeriod">Between two looks of the master's own sidecar whether what it published still stands.</param>
/// <param name="DryRun">Look and say, write nothing.</param>
/// <param name="Backstop">
/// How much longer, up to twice so long, the sidecars of other nodes wait before they look: the master's own is alive where the
/// master is, and where calls are few, as Route 53's are, their looks would only stand in its way.
/// </param>
public sealed record PublisherSettings(TimeSpan CheckPeriod, bool DryRun, TimeSpan Backstop = default);

/// <summary>What a publisher came to, for metrics.</summary>
public interface IPublishMetrics
{
    /// <summary>A publisher was called for a wish, so long after it was known.</summary>
    void Sent(string publisher, TimeSpan after);

    /// <summary>It was settled so long after the wish was known.</summary>
    void Settled(string publisher, PublishOutcome outcome, PublishWish wish, TimeSpan after);

    /// <summary>It can't be reached, or throttles.</summary>
    void Failed(string publisher);

    /// <summary>All servers of a place know what was written, so long after that.</summary>
    void Propagated(string publisher, TimeSpan after)
    {
    }
}

/// <summary>
/// Drives one publisher, apart from the others. The master's own sidecar writes at once; the others look, which also refreshes what
/// their publisher remembers for the day when it is their turn, and write only what is still wrong.
/// </summary>
/// <param name="publisher">The place.</param>
/// <param name="loop">What is wanted.</param>
/// <param name="settings">Rhythm.</param>
/// <param name="metrics">Counters.</param>
/// <param name="sink">What was done.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class PublisherLoop(IMasterPublisher publisher, PublishLoop loop, PublisherSettings settings, IPublishMetrics metrics, IDecisionSink sink, TimeProvider time, Func<double> random)
{
    // Between looks that fail.
    private readonly RetryPause _failing = new(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)), time, random);

    // What took longer to be written was throttled: nothing is asked that can be done without.
    private static readonly TimeSpan Unhindered = TimeSpan.FromSeconds(2);

    private PublishWish? _settled;
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
                await RoundAsync(cancellation).ConfigureAwait(false);
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

    private async Task RoundAsync(CancellationToken cancellation)
    {
        if (loop.Wish is not { } wish) return;
        var isCheck = ReferenceEquals(wish, _settled);
        if (isCheck && !wish.IsOwn) return;
        if (!publisher.CanPublish(wish.Publication))
        {
            if (wish.IsOwn || !await IsThereAsync(wish, cancellation).ConfigureAwait(false))
                sink.Acted("publish-" + publisher.Name, "address-unknown", $"{publisher.Description}: the address of the master to publish with token {wish.Publication.Token} is not known here", "PUBLISH_ADDRESS or POD_IP is not set, or the master's own sidecar does not publish");
            _settled = wish;
            return;
        }

        if (settings.DryRun || !wish.IsOwn)
        {
            var isThere = await IsThereAsync(wish, cancellation).ConfigureAwait(false);
            if (isThere || settings.DryRun)
            {
                if (!isThere && !isCheck) sink.Acted("publish-" + publisher.Name, "would-publish", $"{wish.Publication.Token} at {publisher.Description}", null);
                _settled = wish;
                return;
            }
        }

        var (sent, began) = (time.GetElapsedTime(wish.Since), time.GetTimestamp());
        if (!isCheck && wish.IsOwn) metrics.Sent(publisher.Name, sent);
        // Read anew before each try; and only while it is the same side's business.
        var outcome = await publisher.PublishAsync(() => loop.Wish is { } now && now.IsOwn == wish.IsOwn ? now.Publication : null, fresh: isCheck, cancellation).ConfigureAwait(false);
        if (outcome is null) return;
        _spreading = outcome is PublishOutcome.Written { ChangeId.Length: > 0 } written && time.GetElapsedTime(began) < Unhindered ? new Propagation(publisher, written.ChangeId, time, random) : _spreading;
        var latest = loop.Wish ?? wish;
        var after = time.GetElapsedTime(latest.Since);
        metrics.Settled(publisher.Name, outcome, latest, after);
        if (!isCheck || outcome is not PublishOutcome.UpToDate) sink.Acted("publish-" + publisher.Name, outcome.Code, $"{publisher.Description}: {outcome.Reason} (sent after {sent.TotalMilliseconds:F1} ms, settled after {after.TotalMilliseconds:F1} ms)", outcome is PublishOutcome.Refused refused ? refused.Reason : null);
        var there = outcome switch { PublishOutcome.Superseded s => s.By, PublishOutcome.Contested c => c.By, _ => null };
        var ours = publisher.AddressOf(latest.Publication);
        Seen = (there ?? new PublishedMaster(latest.Publication.Token, ours), time.GetTimestamp());
        // The same token for another address of this master: the rev is raised, and the change of the wish brings us back.
        if (there is not null && loop.Meet(there, ours)) return;
        // Not the latest: what was published may be the one before it.
        _settled = wish;
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
