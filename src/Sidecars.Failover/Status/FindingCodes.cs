using System.Collections.Immutable;

namespace Sidecars.Failover.Status;

/// <summary>What a finding is called, and how much it matters.</summary>
/// <param name="Name">Stable, for scripts and tests.</param>
/// <param name="Kind">Kind.</param>
internal sealed record FindingCode(string Name, FindingKind Kind);

/// <summary>
/// Every finding that there is, in the order in which they are shown: a cause comes before what it causes.
/// <c>manifests/docs/status.md</c> says what each means; a test keeps both equal.
/// </summary>
internal static class FindingCodes
{
    private static readonly List<FindingCode> Declared = []; // filled by the fields below, in their order

    public static readonly FindingCode RedisUnreachable = Bad("redis-unreachable");
    public static readonly FindingCode RedisTimedOut = Bad("redis-timed-out");
    public static readonly FindingCode RedisLoginRefused = Bad("redis-login-refused");
    public static readonly FindingCode RedisUnusable = Bad("redis-unusable");
    public static readonly FindingCode RedisMissing = Bad("redis-missing");
    public static readonly FindingCode SentinelUnreachable = Bad("sentinel-unreachable");
    public static readonly FindingCode SentinelTimedOut = Bad("sentinel-timed-out");
    public static readonly FindingCode SentinelLoginRefused = Bad("sentinel-login-refused");
    public static readonly FindingCode SentinelUnusable = Bad("sentinel-unusable");
    public static readonly FindingCode SentinelsMissing = Bad("sentinels-missing");
    public static readonly FindingCode RedisWaiting = Bad("redis-waiting");
    public static readonly FindingCode Loading = Bad("loading");
    public static readonly FindingCode RecordUnreadable = Bad("record-unreadable");
    public static readonly FindingCode NoMajority = Bad("no-majority");
    public static readonly FindingCode NoMaster = Bad("no-master");
    public static readonly FindingCode SentinelsSplit = Bad("sentinels-split");
    public static readonly FindingCode EpochSpreading = Bad("epoch-spreading");
    public static readonly FindingCode FailoverInProgress = Bad("failover-in-progress");
    public static readonly FindingCode MasterDown = Bad("master-down");
    public static readonly FindingCode SentinelWithoutMaster = Bad("sentinel-without-master");
    public static readonly FindingCode SentinelTilt = Bad("sentinel-tilt");
    public static readonly FindingCode LedAway = Bad("led-away");
    public static readonly FindingCode ForeignReplica = Bad("foreign-replica");
    public static readonly FindingCode SeveralMasters = Bad("several-masters");
    public static readonly FindingCode NamedIsReplica = Bad("named-is-replica");
    public static readonly FindingCode AnotherProcess = Bad("another-process");
    public static readonly FindingCode Syncing = Bad("syncing");
    public static readonly FindingCode LinkDown = Bad("link-down");
    public static readonly FindingCode FollowsAnother = Bad("follows-another");
    public static readonly FindingCode StrayReplica = Bad("stray-replica");
    public static readonly FindingCode Fenced = Bad("fenced");
    public static readonly FindingCode FencedByHand = Bad("fenced-by-hand");
    public static readonly FindingCode HandOverFence = Bad("hand-over-fence");
    public static readonly FindingCode FenceOff = Bad("fence-off");
    public static readonly FindingCode WritesRefused = Bad("writes-refused");
    public static readonly FindingCode RequirementLow = Bad("requirement-low");
    public static readonly FindingCode GhostReplicas = Bad("ghost-replicas");
    public static readonly FindingCode GhostSentinels = Bad("ghost-sentinels");
    public static readonly FindingCode SentinelsNotMet = Bad("sentinels-not-met");
    public static readonly FindingCode ReplicasNotSeen = Bad("replicas-not-seen");
    public static readonly FindingCode PlaceUnreadable = Bad("place-unreadable");
    public static readonly FindingCode SliceNamesNoPod = Bad("slice-names-no-pod");
    public static readonly FindingCode EpochWentBack = Bad("epoch-went-back");
    public static readonly FindingCode PublishedAnother = Bad("published-another");
    public static readonly FindingCode PublishedOld = Bad("published-old");
    public static readonly FindingCode PlaceEmpty = Bad("place-empty");
    public static readonly FindingCode RecordNamesAnother = Bad("record-names-another");
    public static readonly FindingCode RecordOld = Bad("record-old");
    public static readonly FindingCode BackupUnreadable = Bad("backup-unreadable");
    public static readonly FindingCode NoBackup = Bad("no-backup");
    public static readonly FindingCode BackupOld = Bad("backup-old");

    public static readonly FindingCode SteppingDown = Note("stepping-down");
    public static readonly FindingCode NeverPromoted = Note("never-promoted");
    public static readonly FindingCode AddressSilent = Note("address-silent");
    public static readonly FindingCode PublishedUnknown = Note("published-unknown");
    public static readonly FindingCode RecordWithoutMaster = Note("record-without-master");
    public static readonly FindingCode Rescues = Note("rescues");
    public static readonly FindingCode NoBackupYet = Note("no-backup-yet");
    public static readonly FindingCode BackupNotLookedAt = Note("backup-not-looked-at");
    public static readonly FindingCode DrillOld = Note("drill-old");

    /// <summary>All of them, in that order.</summary>
    public static ImmutableArray<FindingCode> All { get; } = [.. Declared];

    private static FindingCode Bad(string name) => Declare(name, FindingKind.Disagreement);

    private static FindingCode Note(string name) => Declare(name, FindingKind.Note);

    private static FindingCode Declare(string name, FindingKind kind)
    {
        var code = new FindingCode(name, kind);
        Declared.Add(code);
        return code;
    }
}
