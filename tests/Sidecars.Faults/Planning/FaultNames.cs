using System.Text;

namespace Sidecars.Faults.Planning;

/// <summary>What sets a kind of fault apart.</summary>
/// <param name="Words">What goes wrong, for people.</param>
internal sealed record FaultTraits(string Words)
{
    /// <summary>How often it is planned beside the others.</summary>
    public int Weight { get; init; } = 2;

    /// <summary>It stays alone in its round: two at once may rightly destroy data (the only disk, or the last room).</summary>
    public bool StandsAlone { get; init; }

    /// <summary>Its strength matters.</summary>
    public bool HasStrength { get; init; }

    /// <summary>What the group must have.</summary>
    public FaultNeeds Needs { get; init; }
}

/// <summary>The vocabulary: every kind with its name, words and traits.</summary>
internal static class FaultNames
{
    private const int Often = 4; // what has many ways

    private static readonly Dictionary<FaultKind, FaultTraits> Traits = new()
    {
        [FaultKind.KillRedis] = new("SIGKILL to a Redis"),
        [FaultKind.TerminateRedis] = new("SIGTERM to a Redis, as an eviction without the hook") { StandsAlone = true },
        [FaultKind.PauseRedis] = new("a Redis neither runs nor answers (SIGSTOP)"),
        [FaultKind.KillSentinel] = new("SIGKILL to a Sentinel"),
        [FaultKind.PauseSentinel] = new("a Sentinel neither runs nor answers"),
        [FaultKind.KillAllSentinels] = new("SIGKILL to every Sentinel"),
        [FaultKind.KillAllRedis] = new("SIGKILL to every Redis"),
        [FaultKind.KillEverything] = new("SIGKILL to every process of the group"),
        [FaultKind.LoseHost] = new("a host is cut off and its processes killed; new pods with the old volume come back"),
        [FaultKind.Isolate] = new("a host is cut off from all others, both ways"),
        [FaultKind.CutInbound] = new("nothing reaches a host"),
        [FaultKind.CutOutbound] = new("a host reaches nobody"),
        [FaultKind.CutPair] = new("master and one replica do not reach each other"),
        [FaultKind.CutZone] = new("a zone (two hosts) is cut off from the others"),
        [FaultKind.LosePackets] = new("a share of a host's packets is lost") { HasStrength = true },
        [FaultKind.SlowLink] = new("a host's link is slow") { HasStrength = true },
        [FaultKind.WipeDisk] = new("a Redis' pod and volume are lost") { StandsAlone = true },
        [FaultKind.FillDisk] = new("a Redis' volume is full") { StandsAlone = true, Needs = FaultNeeds.SmallDisks },
        [FaultKind.FillAllDisks] = new("every Redis' volume is full, as volumes of one size and one dataset become")
        { StandsAlone = true, Needs = FaultNeeds.SmallDisks },
        [FaultKind.DamageFile] =
            new("a Redis' pod is lost, and its AOF damaged before another pod starts on it; a master has a successor before that")
            {
                StandsAlone = true,
                HasStrength = true,
                Weight = Often,
            },
        [FaultKind.ForeignTenant] =
            new("a Redis' pod is gone, and another tenant's Redis is at its address, behind its Service too") { StandsAlone = true },
        [FaultKind.ApiDown] = new("the API server resets every connection"),
        [FaultKind.ApiSlow] = new("the API server answers late"),
        [FaultKind.ApiThrottles] = new("the API server answers 429"),
        [FaultKind.DnsDown] = new("Route 53 fails"),
        [FaultKind.DnsSlow] = new("Route 53 answers late"),
        [FaultKind.DnsThrottles] = new("Route 53 throttles"),
        [FaultKind.KillSidecar] = new("SIGKILL to a redis-failover"),
        [FaultKind.PauseSidecar] = new("a redis-failover neither runs nor answers"),
        [FaultKind.BlockLog] = new("nobody reads the log of a container (sidecar, Redis with its bootstrap, Sentinel): its pipe is full")
        {
            HasStrength = true,
            Weight = Often,
        },
        [FaultKind.JumpClock] = new("a sidecar's clock jumps") { HasStrength = true, Needs = FaultNeeds.FakeTime },
        [FaultKind.RotatePasswords] = new(
            "every password is rotated: both valid, the new one, the old one dropped; a Redis' pod is lost in the first or the second half")
        {
            HasStrength = true,
            Weight = Often,
            Needs = FaultNeeds.Passwords,
        },
        [FaultKind.StepDown] = new("the preStop hook and SIGTERM") { StandsAlone = true },
        [FaultKind.ReplacePod] =
            new("a Redis' pod is deleted as a person does it, and another takes its place at another address") { StandsAlone = true },
        [FaultKind.LosePod] = new("a Redis' pod is gone at once, and another takes its place at another address"),
        [FaultKind.ScaleToZero] =
            new("every Redis' pod is deleted as a StatefulSet scaled to 0 does it, and scaled back") { StandsAlone = true },
        [FaultKind.EmptyVolumes] =
            new("every Redis' pod and volume is lost while the Sentinels live; a person allows an empty start") { StandsAlone = true },
        [FaultKind.RestoreVolumes] =
            new("the same; the winner of the election restores the backup") { StandsAlone = true, Needs = FaultNeeds.Backup },
        [FaultKind.AddressToMaster] =
            new("a Redis' pod is gone; another Redis' pod gets its address, and becomes master there") { StandsAlone = true },
        [FaultKind.AddressToTenant] =
            new("a Redis' pod is replaced, and another tenant's Redis gets its old address") { StandsAlone = true },
        [FaultKind.ReplaceAllSentinels] = new("every Sentinel's pod is gone, and others take their places"),
        [FaultKind.NamesDown] = new("the cluster's name server does not answer, and a Redis' pod is replaced meanwhile"),
        [FaultKind.NamesSlow] = new("it answers after longer than names are waited for, and the same"),
        [FaultKind.NamesPartly] =
            new("one of its two servers is gone: the same questions of some sockets are never answered, and the same"),
        [FaultKind.NamesFail] = new("it answers SERVFAIL at once, and the same"),
        [FaultKind.NamesStale] = new("every Sentinel's pod is replaced, and the names still lead to those that are gone"),
        [FaultKind.ServicesStale] = new("a Redis' pod is replaced, and its Service still leads to the one that is gone"),
        [FaultKind.StrayReplica] =
            new("every Sentinel's pod is lost at the moment of a promotion: those that come never hear of the other replicas")
            { StandsAlone = true },
    };

    /// <summary>All kinds.</summary>
    public static IReadOnlyList<FaultKind> All { get; } = Enum.GetValues<FaultKind>();

    /// <summary>What sets it apart.</summary>
    public static FaultTraits TraitsOf(FaultKind kind) => Traits[kind];

    /// <summary><c>kill-redis</c>.</summary>
    public static string Of(FaultKind kind)
    {
        var name = new StringBuilder();
        foreach (var c in kind.ToString())
        {
            if (char.IsUpper(c) && name.Length > 0) name.Append('-');
            name.Append(char.ToLowerInvariant(c));
        }

        return name.ToString();
    }

    /// <summary>The kind of a name, or null.</summary>
    public static FaultKind? Find(string name) => All.Where(kind => Of(kind) == name).Select(kind => (FaultKind?)kind).FirstOrDefault();
}
