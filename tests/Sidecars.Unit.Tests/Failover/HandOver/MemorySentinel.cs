using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel.Leadership;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

/// <summary>
/// One Sentinel's votes and configuration, by the rules of <c>sentinel.c</c>: a vote an epoch for anybody (<c>sentinelVoteLeader</c>), and
/// a master of a hello if its config epoch is greater (<c>sentinelProcessHelloMessage</c>).
/// </summary>
internal sealed class MemorySentinel(int number, long epoch = 7)
{
    private string _leader = "*";
    private long _leaderEpoch;

    public int Number => number;

    public string MyId { get; } = IdOf(number);

    public RedisEndpoint Named { get; private set; } = A;

    public long ConfigEpoch { get; private set; } = epoch;

    public long CurrentEpoch { get; private set; } = epoch;

    public static string IdOf(int number) => new((char)('a' + number), 40);

    /// <summary>The request is asked with a candidate; the answer says for whom it voted last.</summary>
    public VoteAnswer.Cast Vote(long epoch, string candidate)
    {
        CurrentEpoch = Math.Max(CurrentEpoch, epoch);
        if (_leaderEpoch < epoch && CurrentEpoch <= epoch) (_leader, _leaderEpoch) = (candidate, epoch);
        return new VoteAnswer.Cast(_leader, _leaderEpoch);
    }

    /// <summary>A hello of a Sentinel that it knows; true: it takes its master.</summary>
    public bool Hear(RedisEndpoint master, long configEpoch, long currentEpoch)
    {
        CurrentEpoch = Math.Max(CurrentEpoch, currentEpoch);
        if (configEpoch <= ConfigEpoch) return false;
        Name(master, configEpoch);
        return true;
    }

    /// <summary>It names this master, however it came to it.</summary>
    public void Name(RedisEndpoint master, long configEpoch) =>
        (Named, ConfigEpoch, CurrentEpoch) = (master, configEpoch, Math.Max(CurrentEpoch, configEpoch));
}
