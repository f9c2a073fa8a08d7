using Sidecars.Core.Topology;

namespace Sidecars.Failover.Status;

/// <summary>What does not fit in the copies of the data. Pure.</summary>
internal static class CopyFindings
{
    // A flush a second while there are writes; an idle tenant's uploader renews its lease every 30 s.
    private static readonly TimeSpan OldTail = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan OldDrill = TimeSpan.FromDays(8); // a drill a week, and a day late

    public static IEnumerable<Fault> Of(StatusView v)
    {
        var (rescues, backup) = (v.Snapshot.Rescues, v.Snapshot.Backup);
        if (!rescues.IsEmpty)
            yield return new Fault(
                FindingCodes.Rescues, null, $"{rescues.Length} rescue copies of {Words.Size(rescues.Sum(r => r.Bytes))} on this node",
                "data that a master overwrote and may not have had: compare them, then delete their folders");
        if (backup is null) yield break;
        if (backup.NotLookedAt is { } unread)
            yield return new Fault(
                FindingCodes.BackupNotLookedAt, "backup", unread, "redis-backup list, in the container that has the store");
        else if (backup.Failure is { } why) yield return new Fault(FindingCodes.BackupUnreadable, "backup", why, "check BACKUP_STORE");
        else if (backup.LastId is null) yield return NoBackup(v);
        else if (backup.TailAge is null || backup.TailAge > OldTail)
            yield return new Fault(
                FindingCodes.BackupOld, "backup",
                backup.TailAge is null
                    ? "no uploader has shipped anything yet"
                    : $"the store holds what was written until {Words.Ago(Seconds(backup.TailAge))}",
                "see the log of redis-backup of every node: one of them uploads");
        if (backup is { NotLookedAt: null, Failure: null, LastId: not null }
            && (backup.VerifiedAge is null || backup.VerifiedAge > OldDrill))
            yield return new Fault(
                FindingCodes.DrillOld, "backup", backup.VerifiedAge is null
                    ? "no restore drill has passed yet"
                    : $"the last restore drill passed {Words.Ago(Seconds(backup.VerifiedAge))}",
                "redis-backup verify");
    }

    public static long? Seconds(TimeSpan? age) => age is { } some ? (long)some.TotalSeconds : null;

    // A group that nobody has written to has nothing to lose.
    private static Fault NoBackup(StatusView v)
    {
        const string toDo = "check that redis-backup run runs beside a replica";
        return v.Answering.Any(n => n.Look is { Role: NodeRole.Master, Keys: 0 })
            ? new Fault(
                FindingCodes.NoBackupYet, "backup", "there is no backup yet, and no key in the group",
                $"nothing, if the group is new; otherwise {toDo}")
            : new Fault(FindingCodes.NoBackup, "backup", "there is no backup", toDo);
    }
}
