namespace Sidecars.Failover.Publish;

/// <summary>How a target is driven.</summary>
/// <param name="CheckPeriod">Between two looks of the master's own sidecar whether what it published still stands.</param>
/// <param name="DryRun">Look and say, write nothing.</param>
/// <param name="Backstop">
/// How much longer, up to twice so long, the sidecars of other nodes wait before they look: the master's own is alive where the
/// master is, and where calls are few, as Route 53's are, their looks would only stand in its way.
/// </param>
public sealed record PublisherSettings(TimeSpan CheckPeriod, bool DryRun, TimeSpan Backstop = default);
