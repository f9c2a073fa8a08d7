using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Watch;

/// <summary>Which of the replicas' sidecars acts first.</summary>
public static class ReplicaRank
{
    /// <summary>
    /// The place of <paramref name="own"/> among these by address, from 0; behind all of them where it is not among them. The Sentinels
    /// tell everybody the same addresses, so that all count alike without asking each other.
    /// </summary>
    public static int Of(IEnumerable<RedisEndpoint> replicas, RedisEndpoint? own)
    {
        var order = replicas.Select(r => r.ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return own is not null && order.IndexOf(own.ToString()) is >= 0 and var rank ? rank : order.Count;
    }
}
