namespace Sidecars.Failover.Watch;

/// <summary>
/// How often Sentinels ask each Redis for INFO. Their own 10 s make a failover that Sentinel decides by itself (a lost host) choose among
/// replicas by offsets that are as old.
/// </summary>
public static class InfoPeriod
{
    /// <summary>
    /// Default. What else Sentinel derives from it (sentinel.c): a replica whose last answer is older than three periods is not promoted
    /// while its master lives, and a master that says that it is a replica is taken for down after down-after and two periods.
    /// </summary>
    public static readonly TimeSpan Default = TimeSpan.FromMilliseconds(600);

    /// <summary>
    /// So much one Sentinel's period differs from the next one's: else they all ask at the same moment for some time after a replica was
    /// busy for a while, since it then answers all of them at once.
    /// </summary>
    public static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(50);

    /// <summary>Calculates the period of one Sentinel.</summary>
    /// <param name="period">The configured one.</param>
    /// <param name="rank">Its place among the Sentinels, from 0.</param>
    public static TimeSpan Of(TimeSpan period, int rank) => period + (Apart * ((rank % 3) - 1));
}
