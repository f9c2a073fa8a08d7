namespace Sidecars.Core.Configuration;

/// <summary>
/// What a master must have attached to accept writes, on which safety rests: the server is started with it, and the sidecars restore it.
/// Pure.
/// </summary>
public static class WriteRequirement
{
    /// <summary>
    /// Replicas that must be attached for a master to accept writes: 0 for one or two servers (with two, losing one must
    /// not stop writes; the sidecar's fence stands alone), 1 for three, ⌊N/2⌋ above: with a majority of Sentinels on the
    /// other side, two masters can't both write.
    /// </summary>
    /// <param name="redisCount">Configured servers, 1 or more.</param>
    public static int MinReplicasToWrite(int redisCount) => redisCount <= 2 ? 0 : redisCount / 2;

    /// <summary>
    /// Seconds since a replica's last acknowledgement after which it no longer counts: at most 3, and 2 s below down-after,
    /// so that an isolated master stops before another is elected; never 0, which would switch the fence off.
    /// </summary>
    /// <param name="downAfterMilliseconds">Sentinel's down-after.</param>
    public static int MinReplicasMaxLag(int downAfterMilliseconds) => Math.Clamp((downAfterMilliseconds / 1000) - 2, 1, 3);
}
