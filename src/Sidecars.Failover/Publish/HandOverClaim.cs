using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>The right to publish the server beside this process before the Sentinels name it (<see cref="PublishLoop.Claim"/>).</summary>
/// <param name="From">The master that handed over and says itself that it is a replica of <paramref name="To"/>.</param>
/// <param name="To">The new master's announced address.</param>
/// <param name="Epoch">
/// The epoch that was won for <paramref name="To"/>: the switch in it finds its token written. Where none was won, the config-epoch of
/// <paramref name="From"/>; Sentinel's own switch will have a greater one, and a write of its own.
/// </param>
/// <param name="RunId">The process at <paramref name="To"/>, which says ROLE=master.</param>
public sealed record HandOverClaim(RedisEndpoint From, RedisEndpoint To, long Epoch, string RunId)
{
    /// <summary>
    /// 5 s. Sentinel's switch follows within a second and is published by itself. A claim that a target could not take for so long proves
    /// nothing any more: the hand-over may have been rolled back.
    /// </summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(5);
}
