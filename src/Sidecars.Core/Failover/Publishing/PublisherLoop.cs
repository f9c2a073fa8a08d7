using Sidecars.Core.Primitives;

namespace Sidecars.Core.Failover.Publishing;

/// <summary>How a publisher is driven.</summary>
/// <param name="CheckPeriod">Between two looks of the master's own sidecar whether what it published still stands.</param>
/// <param name="DryRun">Look and say, write nothing.</param>
public sealed record PublisherSettings(TimeSpan CheckPeriod, bool DryRun);

/// <summary>What a publisher came to, for metrics.</summary>
public interface IPublishMetrics
{
    /// <summary>A publisher was called for a wish, so long after it was known.</summary>
    void Sent(string publisher, TimeSpan after);

    /// <summary>It was settled so long after the wish was known.</summary>
    void Settled(string publisher, PublishOutcome outcome, PublishWish wish, TimeSpan after);

    /// <summary>It can't be reached, or throttles.</summary>
    void Failed(string publisher);
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
public sealed class PublisherLoop(IMasterPublisher publisher, PublishLoop loop, PublisherSettings settings, IPublishMetrics metrics, IDecisionSink sink, TimeProvider time)
{
    private PublishWish? _settled;

    /// <summary>What was last seen to stand there, and when (timestamp); null: never looked.</summary>
    public (PublishedMaster? Master, long At)? Seen { get; private set; }

    /// <summary>Publishes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await PrimeAsync(cancellation).ConfigureAwait(false);
        while (true)
        {
            var next = loop.Changed.Next;
            await RoundAsync(cancellation).ConfigureAwait(false);
            await Broadcast.WaitAsync(next, settings.CheckPeriod, time, cancellation).ConfigureAwait(false);
        }
    }

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

        var sent = time.GetElapsedTime(wish.Since);
        if (!isCheck && wish.IsOwn) metrics.Sent(publisher.Name, sent);
        // Read anew before each try; and only while it is the same side's business.
        var outcome = await publisher.PublishAsync(() => loop.Wish is { } now && now.IsOwn == wish.IsOwn ? now.Publication : null, fresh: isCheck, cancellation).ConfigureAwait(false);
        if (outcome is null) return;
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
