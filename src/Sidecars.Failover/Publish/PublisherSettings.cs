namespace Sidecars.Failover.Publish;

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
