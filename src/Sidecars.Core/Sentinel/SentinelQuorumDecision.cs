using System.Collections.Immutable;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel;

/// <summary>What the Sentinels together say; a closed set. <see cref="Reason"/> is for people, and is asserted in tests.</summary>
public abstract record SentinelQuorumDecision
{
    private SentinelQuorumDecision(string reason) => Reason = reason;

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>
    /// A majority of the configured Sentinels holds one address at the highest epoch seen, and no failover runs.
    /// That a majority says so does not mean that it lives: verify at the address.
    /// </summary>
    /// <param name="Address">The master.</param>
    /// <param name="Epoch">Its config-epoch.</param>
    /// <param name="RunIds">The process that Sentinels talk to; empty where none had its INFO yet.</param>
    /// <param name="Down">True where at least one of the voters thinks that it is down.</param>
    /// <param name="Promotable">Replicas that at least one voter would take into account for a promotion.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Agreed(RedisEndpoint Address, long Epoch, ImmutableArray<string> RunIds, bool Down,
        ImmutableArray<RedisEndpoint> Promotable, string Reason)
        : SentinelQuorumDecision(Reason)
    {
        /// <summary>
        /// Replicas that no voter is connected to and none holds for down either: a process that has just been started looks so for a
        /// second or two.
        /// </summary>
        public ImmutableArray<RedisEndpoint> Unreached { get; init; } = [];
    }

    /// <summary>A failover runs: wait, its outcome is not known.</summary>
    public sealed record Busy(string Reason) : SentinelQuorumDecision(Reason);

    /// <summary>The highest epoch is held by a minority only: it spreads within seconds, or its holder is cut off. Read again.</summary>
    public sealed record Spreading(RedisEndpoint Address, long Epoch, string Reason) : SentinelQuorumDecision(Reason);

    /// <summary>
    /// Two addresses in one epoch. This never heals by itself (greater epoch wins, equal ones stay). Where a majority
    /// holds one of them, <paramref name="Majority"/> is set and <paramref name="Odd"/> names the Sentinels to restart.
    /// </summary>
    public sealed record Split(RedisEndpoint? Majority, ImmutableArray<RedisEndpoint> Odd, string Reason) : SentinelQuorumDecision(Reason);

    /// <summary>A majority answers, and none of it knows this master name.</summary>
    public sealed record NoMaster(string Reason) : SentinelQuorumDecision(Reason);

    /// <summary>Fewer than a majority of the configured Sentinels gave a usable answer.</summary>
    public sealed record NoMajority(int Answered, int Needed, string Reason) : SentinelQuorumDecision(Reason);
}
