namespace Sidecars.Core.Sentinel;

/// <summary>
/// What the flags of an instance mean (sentinel.c, <c>addReplySentinelRedisInstance</c>), for all who decide by them. They are a set: the
/// order differs, and every server may add some. An unknown one speaks neither for an instance nor against it; nor does <c>master_down</c>,
/// which is a peer's own opinion of the master, and stays after a failover by Valkey 9.1.
/// </summary>
public static class SentinelFlags
{
    /// <summary>This Sentinel does not reach it.</summary>
    public const string SubjectivelyDown = "s_down";

    /// <summary>The quorum agreed that it is down.</summary>
    public const string ObjectivelyDown = "o_down";

    /// <summary>This Sentinel fails the master over.</summary>
    public const string FailoverInProgress = "failover_in_progress";

    /// <summary>The failover was asked for (<c>SENTINEL FAILOVER</c>).</summary>
    public const string FailoverForced = "force_failover";

    /// <summary>A failover has chosen this replica.</summary>
    public const string Promoted = "promoted";

    // It has not reached it, or has no connection at this moment.
    private static readonly string[] Unreached = [SubjectivelyDown, ObjectivelyDown, "disconnected"];

    // A failover, or the configuration after it; a script that is to be killed; a process that is back with less data than before.
    private static readonly string[] Changing =
    [
        FailoverInProgress, FailoverForced, Promoted, "reconf_sent", "reconf_inprog", "reconf_done", "script_kill_sent", "master_reboot",
    ];

    /// <summary>True where this Sentinel can't reach the instance.</summary>
    public static bool IsDown(string flags) => Array.Exists(Unreached, flag => Has(flags, flag));

    /// <summary>
    /// True where it is of this kind (<c>master</c>, <c>slave</c>, <c>sentinel</c>), reached, and nothing is being done to it.
    /// </summary>
    public static bool IsAlive(string flags, string kind) =>
        Has(flags, kind) && !IsDown(flags) && !Array.Exists(Changing, flag => Has(flags, flag));

    /// <summary>Returns true if <paramref name="flags"/> holds exactly <paramref name="flag"/> as one of its items.</summary>
    public static bool Has(string flags, string flag)
    {
        foreach (var part in flags.AsSpan().Split(','))
            if (flags.AsSpan(part).SequenceEqual(flag)) return true;
        return false;
    }
}
