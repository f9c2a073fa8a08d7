using System.Text.Json.Serialization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel;

/// <summary>The highest epoch that the group remembers outside of its Sentinels. Closed.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "state")]
[JsonDerivedType(typeof(Known), "known")]
[JsonDerivedType(typeof(Unavailable), "unavailable")]
public abstract record EpochReading
{
    /// <summary>
    /// Highest epoch that is kept, in a marker, a record or a published token, since some of these are JSON. A hello may carry any number;
    /// one above this is nobody's failover, and a record that held it could not be read again.
    /// </summary>
    public const long MaxEpoch = JsonFacts.MaxExact;

    private EpochReading()
    {
    }

    /// <summary>It was read.</summary>
    /// <param name="Epoch">Highest config-epoch that a majority of Sentinels was seen to hold; 0 where there never was one.</param>
    /// <param name="Master">Whom they held in it; null where that is not recorded.</param>
    public sealed record Known(long Epoch, RedisEndpoint? Master) : EpochReading;

    /// <summary>Nothing is known, which is not the same as 0.</summary>
    public sealed record Unavailable(string Why) : EpochReading;
}

/// <summary>
/// Keeps the highest epoch where it outlives every Sentinel. Sentinels keep no state of their own in a cluster; rebuilt from
/// nothing they would count from 0 again, below the tokens that were published, and no later failover would be believed.
/// <para>It is <c>ElectionRecord.HighestEpoch</c>, reached without the rest: any sidecar raises it before the master reports, without
/// renewing the Lease's holder, and a Sentinel, which may read no evidence, starts from it. On one machine the file also keeps whose epoch
/// it is.</para>
/// </summary>
public interface IEpochStore
{
    /// <summary>For logs: kind and place.</summary>
    string Description { get; }

    /// <summary>
    /// Reads it. Never throws for what the store does; <see cref="OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    Task<EpochReading> ReadAsync(CancellationToken cancellation);

    /// <summary>
    /// Raises it to at least <paramref name="epoch"/>; never lowers it, whoever else writes. The result is what stands there
    /// afterwards (which may be higher), or <see cref="EpochReading.Unavailable"/> where that is not certain: ask again.
    /// </summary>
    /// <param name="epoch">1..<see cref="EpochReading.MaxEpoch"/>.</param>
    /// <param name="master">Whom a majority of Sentinels holds in it.</param>
    /// <param name="cancellation">Ends the wait, not necessarily the write.</param>
    Task<EpochReading> RaiseAsync(long epoch, RedisEndpoint master, CancellationToken cancellation);
}
