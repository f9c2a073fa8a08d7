using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Election;

/// <summary>Everything a starting Sentinel knows in one round.</summary>
public sealed record MonitorSnapshot
{
    /// <summary>Configured number of Redis nodes.</summary>
    public required int RedisCount { get; init; }

    /// <summary>Configured number of Sentinels, mine included.</summary>
    public required int SentinelCount { get; init; }

    /// <summary>The other Sentinels.</summary>
    public required ImmutableArray<SentinelObservation> Sentinels { get; init; }

    /// <summary>The Redis nodes, and every address that a Sentinel names.</summary>
    public required ImmutableArray<NodeObservation> Nodes { get; init; }

    /// <summary>What this Sentinel itself monitored before it restarted; null where it has no memory (the normal case).</summary>
    public RememberedMaster? Remembered { get; init; }

    /// <summary>The highest epoch that the group keeps outside of its Sentinels; null where it keeps none.</summary>
    public EpochReading? KeptEpoch { get; init; }
}

/// <summary>A master and the config-epoch it was last known at.</summary>
public sealed record RememberedMaster(RedisEndpoint Address, long Epoch);

/// <summary>What a starting Sentinel does next; a closed set.</summary>
public abstract record MonitorDecision : IDecision
{
    private MonitorDecision(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable, for logs, metrics and tests.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>Start, and monitor this master.</summary>
    /// <param name="Master">Its address.</param>
    /// <param name="Epoch">The config-epoch to start with: never lower than what any Sentinel holds for this master.</param>
    /// <param name="Replicas">
    /// Known replicas: Sentinel learns them from a living master only, and can promote none that it does not know.
    /// </param>
    /// <param name="Code">Stable.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Monitor(RedisEndpoint Master, long Epoch, ImmutableArray<RedisEndpoint> Replicas, string Code, string Reason)
        : MonitorDecision(Code, Reason)
    {
        /// <summary>The highest epoch in which this Sentinel may have voted if it has lost its state; 0: no peer answers.</summary>
        public long HighestVote { get; init; }
    }

    /// <summary>Facts are missing that come by themselves.</summary>
    public sealed record Wait(string WaitingFor, string Code, string Reason) : MonitorDecision(Code, Reason);

    /// <summary>What is known forbids to start; looked at again every round, and counted.</summary>
    public sealed record Refuse(string Code, string Reason) : MonitorDecision(Code, Reason);
}

/// <summary>
/// Which master a starting Sentinel monitors: what a majority of the others says, else what the roles of the Redis nodes
/// show. There is no default address: three Sentinels that were replaced at once and fell back to one made two masters
/// that never healed. Pure.
/// </summary>
public static class MonitorSelectionPolicy
{
    /// <summary>Decides the next step from one round's facts.</summary>
    public static MonitorDecision Decide(MonitorSnapshot s)
    {
        var quorum = SentinelQuorumPolicy.Decide(s.Sentinels, s.SentinelCount);
        return quorum switch
        {
            SentinelQuorumDecision.Agreed a => JoinMajority(s, a),
            SentinelQuorumDecision.Busy b => new MonitorDecision.Wait("the failover's end", "failover-in-progress", b.Reason),
            SentinelQuorumDecision.Spreading p => JoinSpreading(s, p),
            SentinelQuorumDecision.Split p => HealSplit(s, p),
            _ => FromRoles(s, quorum.Reason),
        };
    }

    // A majority's word stands. Only where it is older than what a majority held before (Sentinels that came back from old
    // disks), a live master has to confirm it: a joining Sentinel would make it the newest.
    private static MonitorDecision JoinMajority(MonitorSnapshot s, SentinelQuorumDecision.Agreed a)
    {
        if (s.KeptEpoch is EpochReading.Known kept && kept.Epoch > a.Epoch && kept.Master is { } other && other != a.Address
            && !(Masters(s) is [var only] && only.Address == a.Address))
        {
            return new MonitorDecision.Wait(
                $"{a.Address} to be the only master", "majority-is-older", $"{a.Reason}, but {other} was held in epoch {kept.Epoch}");
        }

        return new MonitorDecision.Monitor(
            a.Address, Math.Max(a.Epoch, EpochFor(s, a.Address)), ReplicasOf(s, a.Address), "join-majority", a.Reason);
    }

    // The highest epoch wins at every Sentinel that hears of it. Some never do: Sentinels meet in the channels of the servers that they
    // know, and those that were all started just before their master died know nobody else. With the master's own word, and nobody else's,
    // the one that starts makes the majority that they lack; held back, it would wait for ever.
    private static MonitorDecision JoinSpreading(MonitorSnapshot s, SentinelQuorumDecision.Spreading p) =>
        Masters(s) is [var only] && only.Address == p.Address
            ? new MonitorDecision.Monitor(p.Address, Math.Max(p.Epoch, EpochFor(s, p.Address)), ReplicasOf(s, p.Address),
                "join-highest-epoch", $"{p.Reason}; {p.Address} is the only master")
            : new MonitorDecision.Wait("the other Sentinels to learn this epoch", "epoch-spreading", p.Reason);

    // Equal epochs never heal by themselves; a Sentinel that joins with the true master in the next epoch heals them, where
    // the roles leave no doubt who that is.
    private static MonitorDecision HealSplit(MonitorSnapshot s, SentinelQuorumDecision.Split split)
    {
        var masters = Masters(s);
        var everybodySeen = Live(s).Count >= s.RedisCount;
        if (masters.Count != 1 || !everybodySeen || ReplicasOf(s, masters[0].Address).Length < s.RedisCount - 1)
            return new MonitorDecision.Wait(
                "the Sentinels to agree, or every Redis to show the same master", "sentinel-split", split.Reason);
        return new MonitorDecision.Monitor(
            masters[0].Address, EpochFor(s, masters[0].Address), ReplicasOf(s, masters[0].Address), "heal-split",
            $"{split.Reason}; {masters[0].Address} is master of all {s.RedisCount} nodes");
    }

    private static MonitorDecision FromRoles(MonitorSnapshot s, string why)
    {
        if (s.Sentinels.OfType<SentinelObservation.Known>().FirstOrDefault(k => k.View.Master is { FailoverInProgress: true }) is { } busy)
            return new MonitorDecision.Wait(
                "the failover's end", "failover-in-progress", $"{why}; Sentinel {busy.Endpoint} runs a failover");
        var masters = Masters(s);
        // Unknown is not 0: counted from there, every later failover would be older than what was published. A Sentinel with a
        // memory of its own goes on without, as it does on every restart of its container.
        if (masters.Count <= 1 && s.KeptEpoch is EpochReading.Unavailable unavailable && s.Remembered is null)
            return new MonitorDecision.Wait("the group's highest epoch, or a majority of the Sentinels", "epoch-unknown",
                $"{why}; the highest epoch can't be read: {unavailable.Why}");
        return masters.Count switch
        {
            0 => NoMaster(s, why),
            1 => OneMaster(s, masters[0], why),
            _ => SeveralMasters(s, masters, why),
        };
    }

    private static MonitorDecision SeveralMasters(MonitorSnapshot s, List<NodeObservation.Known> masters, string why)
    {
        if (Successor(s, masters) is not { } successor)
        {
            return new MonitorDecision.Refuse("two-masters",
                $"{why}; {masters.Count} nodes are master ({string.Join(", ", masters.Select(m => m.Address))}): "
                + "monitoring either would destroy the other's data");
        }

        var replaced = masters.Where(m => m != successor).Select(m => m.Address).ToList();
        return new MonitorDecision.Monitor(
            successor.Address, EpochFor(s, successor.Address), [.. ReplicasOf(s, successor.Address), .. replaced], "monitor-successor",
            $"{why}; a majority held {successor.Address} for master, which was promoted out of the history of "
            + $"{string.Join(", ", replaced)}: Sentinels have yet to demote that one");
    }

    // The master that a majority held in the highest epoch, if every other one is what it replaced. Sentinel demotes a replaced master only
    // after eight seconds, and none does if all of them are lost before that; known to it as a replica, it is demoted as it would have
    // been.
    private static NodeObservation.Known? Successor(MonitorSnapshot s, List<NodeObservation.Known> masters) =>
        s.KeptEpoch is EpochReading.Known { Epoch: > 0, Master: { } held } kept
        && Views(s).All(v => v.Address == held || v.Epoch < kept.Epoch)
            && masters.Find(m => m.Address == held) is { View.PreviousReplicationId.Length: > 0 } successor
            && masters.All(m => m == successor || m.View.ReplicationId == successor.View.PreviousReplicationId)
            ? successor
            : null;

    private static MonitorDecision OneMaster(MonitorSnapshot s, NodeObservation.Known master, string why)
    {
        // A Sentinel that names somebody else must be overruled by a greater epoch; only where its master was seen as a replica.
        var named = Views(s).Where(v => v.Address != master.Address).OrderByDescending(v => v.Epoch).FirstOrDefault();
        if (named is not null && named.Epoch >= HighestEpochOf(s, master.Address)
            && !Live(s).Any(k => k.Address == named.Address && k.View.Role == NodeRole.Replica)
            && !IsWhole(s, master, except: named.Address))
        {
            return new MonitorDecision.Wait($"{named.Address} to be seen as a replica", "other-master-named",
                $"{why}; {master.Address} is master, but a Sentinel names {named.Address} in epoch {named.Epoch}");
        }

        return new MonitorDecision.Monitor(
            master.Address, EpochFor(s, master.Address), ReplicasOf(s, master.Address), "monitor-live-master",
            $"{why}; {master.Address} is the only master");
    }

    // Every node is there, linked to this master, and none of them is at that address: it was a pod's that is gone, and will answer nobody.
    private static bool IsWhole(MonitorSnapshot s, NodeObservation.Known master, RedisEndpoint except) =>
        Live(s) is var live && live.Count >= s.RedisCount && live.All(k => k.Address != except
            && (k == master || k.View is { Role: NodeRole.Replica, MasterLinkUp: true } view && view.MasterAddress == master.Address));

    // No master lives. Replicas that agree on whom they lost name the address whose failover Sentinel can run.
    private static MonitorDecision NoMaster(MonitorSnapshot s, string why)
    {
        var replicas = Live(s).Where(k => k.View.Role == NodeRole.Replica).ToList();
        var lost = replicas.Select(r => r.View.MasterAddress).Distinct().ToList();
        if (replicas.Count == 0) return new MonitorDecision.Wait("a Redis", "no-redis", $"{why}; no Redis lives");
        if (lost.Count > 1 || lost[0] is not { } address)
            return new MonitorDecision.Wait("the replicas to agree on their master", "replicas-disagree",
                $"{why}; {replicas.Count} replica(s) live and name {lost.Count} masters");
        return new MonitorDecision.Monitor(address, EpochFor(s, address), ReplicasOf(s, address), "monitor-lost-master",
            $"{why}; {replicas.Count} replica(s) live, and all lost {address}");
    }

    /// <summary>At least what is held, or was, for this address; above what is held for any other, so that greater wins.</summary>
    private static long EpochFor(MonitorSnapshot s, RedisEndpoint address)
    {
        var other = Views(s).Where(v => v.Address != address).Select(v => v.Epoch).DefaultIfEmpty(-1).Max();
        var mine = HighestEpochOf(s, address);
        return Math.Max(KeptEpochFor(s, address), mine > other ? mine : other + 1);
    }

    private static long HighestEpochOf(MonitorSnapshot s, RedisEndpoint address) =>
        Views(s).Where(v => v.Address == address).Select(v => v.Epoch).DefaultIfEmpty(-1).Max();

    private static IEnumerable<RememberedMaster> Views(MonitorSnapshot s)
    {
        foreach (var known in s.Sentinels.OfType<SentinelObservation.Known>())
            if (known.View.Master is { } master) yield return new RememberedMaster(master.Address, master.ConfigEpoch);
        if (s.Remembered is not null) yield return s.Remembered;
    }

    // The epoch whose master is not recorded counts for any: an epoch more than needed would be a failover that never was.
    private static long KeptEpochFor(MonitorSnapshot s, RedisEndpoint address) =>
        s.KeptEpoch is not EpochReading.Known { Epoch: > 0 } kept ? 0
            : kept.Master is null || kept.Master == address ? kept.Epoch
            : kept.Epoch + 1;

    private static ImmutableArray<RedisEndpoint> ReplicasOf(MonitorSnapshot s, RedisEndpoint master) =>
        [.. Live(s).Where(k => k.View.Role == NodeRole.Replica && k.View.MasterAddress == master).Select(k => k.Address)];

    private static List<NodeObservation.Known> Masters(MonitorSnapshot s) => [.. Live(s).Where(k => k.View.Role == NodeRole.Master)];

    private static List<NodeObservation.Known> Live(MonitorSnapshot s) =>
        [.. s.Nodes.OfType<NodeObservation.Known>().OrderBy(k => k.Endpoint.ToString(), StringComparer.Ordinal)
            .DistinctBy(k => k.View.RunId)];
}
