using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Disk;

/// <summary>
/// Facts of a disk → what they mean. Pure. File times decide only between files of one disk; the clock that a marker or a master
/// wrote is never compared with another machine's.
/// </summary>
public static class DiskEvidencePolicy
{
    /// <summary>A marker is written about every second; ten missed writes are a sidecar that was not there to see a full sync.</summary>
    private static readonly long FreshTicks = TimeSpan.FromSeconds(10).Ticks;

    private static readonly long TicksAt1970 = DateTimeOffset.UnixEpoch.UtcTicks;

    /// <summary>Concludes.</summary>
    public static DiskEvidence Conclude(DiskFacts facts)
    {
        var (state, reason, detail) = Judge(facts);
        var versus = Compare(facts);
        var filled = state is DataState.Present or DataState.Empty ? FilledBy(facts) : null;
        return new DiskEvidence(facts, state, reason, detail)
        {
            VersusMarker = versus,
            AofLength = facts.SingleAof.Value is { } single && !facts.Manifest.IsKnown
                ? single.Length
                : facts.AofFiles.Sum(f => f.Stat.Value?.Length ?? 0),
            Filled = filled,
            // What a marker or a dump says here is of the data that lay here before.
            Position = state is DataState.Present or DataState.Empty && filled is null ? Locate(facts, versus) : null,
        };
    }

    private static FilledBy? FilledBy(DiskFacts facts)
    {
        if (facts.Filled.Value is not { } mark) return null;
        var written = facts.AofFiles.Select(f => f.Stat).Append(facts.ManifestFile).Append(facts.SingleAof).Append(facts.RdbFile)
            .Any(f => f.Value is { } file && file.ChangedTicks > mark.ChangedTicks);
        var noted = facts.Marker is { IsKnown: true, Value.Position: not null } && facts.MarkerFile.Value is { } marker
            && marker.ChangedTicks > mark.ChangedTicks;
        return written || noted ? null : mark.By;
    }

    private static (DataState State, SuspectReason Reason, string Detail) Judge(DiskFacts facts)
    {
        if (!facts.Directory.IsKnown) return Suspect(SuspectReason.DirectoryUnreadable, $"data directory: {facts.Directory}");
        return facts.Durability == Durability.Aof ? JudgeAof(facts, facts.Directory.Value) : JudgeRdb(facts, facts.Directory.Value);
    }

    private static (DataState, SuspectReason, string) JudgeRdb(DiskFacts facts, DirectoryFacts directory)
    {
        if (facts.RdbFile.State == FactState.Absent)
        {
            var aof = facts.Manifest.State != FactState.Absent || facts.SingleAof.State != FactState.Absent || directory.AofFiles > 0;
            return aof && facts.Durability == Durability.Rdb
                ? Suspect(SuspectReason.AofWithoutRdb, "an AOF lies there, which a server with snapshots only does not load")
                : (DataState.Absent, SuspectReason.None, "");
        }

        if (!facts.Rdb.IsKnown) return Suspect(SuspectReason.RdbUnreadable, $"dump: {facts.Rdb}");
        if (!facts.RdbLooksWhole) return Suspect(SuspectReason.RdbCut, "dump does not end as a snapshot does");
        // With the AOF on no dump is saved at the shutdown: after DURABILITY was changed, this one may be of a full sync months ago.
        if (facts.Durability == Durability.Rdb && facts.RdbFile.Value is { } dump
            && facts.AofFiles.Select(f => f.Stat).Append(facts.SingleAof)
                .Any(f => f.Value is { } file && file.ChangedTicks > dump.ChangedTicks))
            return Suspect(SuspectReason.AofWithoutRdb, "the dump is older than an AOF, which a server with snapshots only does not load");
        return (facts.Rdb.Value.HasNoKeys ? DataState.Empty : DataState.Present, SuspectReason.None, "");
    }

    private static (DataState, SuspectReason, string) JudgeAof(DiskFacts facts, DirectoryFacts directory)
    {
        if (facts.Manifest.State == FactState.Unreadable)
            return Suspect(SuspectReason.ManifestUnreadable, $"manifest: {facts.Manifest.Fault}");
        if (!facts.Manifest.IsKnown) return JudgeWithoutManifest(facts, directory);
        if (facts.AofFiles.FirstOrDefault(f => !f.Stat.IsKnown) is { } missing)
            return Suspect(SuspectReason.AofFileMissing, $"{missing.Entry.Name}: {missing.Stat}");
        if (facts.AofBase.State == FactState.Unreadable) return Suspect(SuspectReason.AofBaseUnreadable, $"base: {facts.AofBase.Fault}");
        if (!facts.AofBaseLooksWhole) return Suspect(SuspectReason.AofBaseUnreadable, "base does not end as it should");
        if (Garbled(facts.AofTail) is { } garbled) return Suspect(SuspectReason.AofGarbled, garbled);
        if (Stale(facts, directory.Unfinished) is { } stale) return stale;
        var baseIsEmpty = (facts.AofBase.Value is { } header && !facts.AofBaseEndsInCommands)
            ? header.HasNoKeys
            : facts.AofFiles.Where(f => f.Entry.Type == AofFileType.Base).All(f => f.Stat.Value!.Length == 0);
        var increments = facts.AofFiles.Where(f => f.Entry.Type == AofFileType.Increment).Sum(f => f.Stat.Value!.Length);
        return (baseIsEmpty && increments == 0 ? DataState.Empty : DataState.Present, SuspectReason.None, "");
    }

    private static (DataState, SuspectReason, string) JudgeWithoutManifest(DiskFacts facts, DirectoryFacts directory)
    {
        if (facts.SingleAof.State == FactState.Unreadable) return Suspect(SuspectReason.AofFileMissing, $"AOF: {facts.SingleAof.Fault}");
        if (facts.SingleAof.Value is { } single)
            return Garbled(facts.AofTail) is { } garbled
                ? Suspect(SuspectReason.AofGarbled, garbled)
                : (single.Length == 0 ? DataState.Empty : DataState.Present, SuspectReason.None, "");
        if (directory.AofFiles > 0) return Suspect(SuspectReason.ManifestMissing, $"{directory.AofFiles} AOF files and no manifest");
        return facts.RdbFile.State == FactState.Absent
            ? (DataState.Absent, SuspectReason.None, "")
            : Suspect(
                SuspectReason.RdbWithoutAof, "a dump and no AOF: with the AOF on, the server would start empty and overwrite the dump");
    }

    private static string? Garbled(DiskFact<AofTail> tail) => tail.State switch
    {
        FactState.Unreadable => $"end of the AOF: {tail.Fault}",
        FactState.Known when tail.Value is { End: AofEnd.Unrecognised, FromStart: true } => "bytes that are not a command",
        _ => null, // unrecognised within a window may be one large value
    };

    /// <summary>The AOF is whole, but is it of the dataset that was in memory?</summary>
    private static (DataState, SuspectReason, string)? Stale(DiskFacts facts, UnfinishedWork unfinished)
    {
        if (facts.ManifestFile.Value is not { } manifest) return null;
        if (unfinished.AofStart is { } started && started > manifest.ChangedTicks && !Vouches(facts, started))
            return Suspect(
                SuspectReason.StaleAof, "an AOF was being started anew when the server died; the manifest names the one before it");
        if (facts.Marker is { IsKnown: true, Value.FullSyncInProgress: true } && facts.MarkerFile.Value is { } mark
            && mark.ChangedTicks >= manifest.ChangedTicks)
            return Suspect(
                SuspectReason.FullSyncInterrupted, "a full sync was under way when the marker was written, and the manifest is older");

        // A dump that came with a full sync always tells its position; a dump newer than all of the AOF may be one, or an own save.
        var newest = facts.AofFiles.Select(f => f.Stat.Value!.ChangedTicks).Append(manifest.ChangedTicks).Max();
        if (facts.RdbFile.Value is { } dump && facts.Rdb.Value is { Position: { } position } header && dump.ChangedTicks > newest
            && !Vouches(facts, dump.ChangedTicks) && !IsShutdownSave(facts, header, position))
            return Suspect(SuspectReason.StaleAof, "the dump is newer than the AOF, and no marker shows that it is the node's own save");
        return null;
    }

    /// <summary>
    /// A marker written after <paramref name="changedTicks"/> saw no sync and no rewrite, and knows an AOF that the manifest names.
    /// </summary>
    private static bool Vouches(DiskFacts facts, long changedTicks) =>
        facts.Marker is { IsKnown: true, Value: { FullSyncInProgress: false, AofRewriteInProgress: false, Aof: { } aof } }
        && facts.MarkerFile.Value is { } file && file.ChangedTicks >= changedTicks
        && facts.AofFiles.Any(f => f.Entry.Name == aof.File);

    /// <summary>
    /// The dump continues the stream that the marker saw seconds before: a save at shutdown, for which the AOF was flushed first
    /// (finishShutdown in server.c). A marker from a sidecar that has not run for long shows nothing of the kind.
    /// </summary>
    private static bool IsShutdownSave(DiskFacts facts, RdbHeader header, ReplicationPosition position) =>
        facts.Marker is { IsKnown: true, Value: { FullSyncInProgress: false, Position: { } noted, Aof: { } aof } }
        && noted.Id == position.Id && noted.Offset <= position.Offset
        && facts.AofFiles.Any(f => f.Entry.Name == aof.File)
        && header.CreatedSeconds is > 0 and < 100_000_000_000 && facts.MarkerFile.Value is { } file
        && TicksAt1970 + (header.CreatedSeconds.Value * TimeSpan.TicksPerSecond) <= file.ChangedTicks + FreshTicks;

    private static DiskVersusMarker Compare(DiskFacts facts)
    {
        if (!facts.Marker.IsKnown || facts.MarkerFile.Value is not { } markerFile) return DiskVersusMarker.Unknown;
        if (facts.Durability != Durability.Aof)
            return facts.RdbFile.Value is not { } dump ? DiskVersusMarker.Unknown
                : dump.ChangedTicks > markerFile.ChangedTicks ? DiskVersusMarker.DiskNewer : DiskVersusMarker.Unknown;
        if (facts.Marker.Value.Aof is not { } mark || facts.Manifest.Value?.Newest is not { } newest) return DiskVersusMarker.Unknown;
        // The total is of the moment of the offset; the length was taken a little later, and may count twice what was buffered.
        if (facts.AofGrowth is { } growth)
            return growth > 0 ? DiskVersusMarker.DiskNewer : growth < 0 ? DiskVersusMarker.DiskOlder : DiskVersusMarker.Same;
        if (newest.Name == mark.File)
            return facts.AofFiles[^1].Stat.Value is not { } file ? DiskVersusMarker.Unknown
                : file.Length > mark.Length ? DiskVersusMarker.DiskNewer
                : file.Length < mark.Length ? DiskVersusMarker.DiskOlder
                : DiskVersusMarker.Same;

        // A rewrite has begun another file since the marker, or an old volume came back under a newer marker.
        return facts.ManifestFile.Value is { } manifest && manifest.ChangedTicks > markerFile.ChangedTicks
            ? DiskVersusMarker.DiskNewer
            : DiskVersusMarker.Unknown;
    }

    private static DiskPosition? Locate(DiskFacts facts, DiskVersusMarker versus)
    {
        var inDump = facts.Rdb.Value?.Position;
        var noted = facts.Marker is { IsKnown: true, Value: { FullSyncInProgress: false, Position: { } position } }
            ? position
            : (ReplicationPosition?)null;
        if (facts.Durability != Durability.Aof)
        {
            // The dump is the dataset, whatever was in memory: its own position is exact, a marker's is at most a promise.
            if (inDump is { } exact) return Position(exact, PositionBound.Exact, PositionSource.RdbHeader);
            return noted is { } claimed
                ? Position(
                    claimed, versus == DiskVersusMarker.DiskNewer ? PositionBound.Unclear : PositionBound.AtMost, PositionSource.Marker)
                : null;
        }

        var dumpIsNewer = facts.RdbFile.Value is { } dump && facts.MarkerFile.Value is { } file && dump.ChangedTicks > file.ChangedTicks;
        if (inDump is { } saved && (noted is null || (dumpIsNewer && (noted.Value.Id != saved.Id || noted.Value.Offset < saved.Offset))))
            // the AOF holds what an own save held, and what came after it
            return Position(saved, PositionBound.AtLeast, PositionSource.RdbHeader);
        return noted is { } at ? AgainstAof(facts, versus, at) : null;
    }

    private static DiskPosition AgainstAof(DiskFacts facts, DiskVersusMarker versus, ReplicationPosition at)
    {
        var mark = facts.Marker.Value!.Aof;
        var isExact = facts.AofGrowth is not null || mark is { Exact: true };
        var bound = versus switch
        {
            DiskVersusMarker.Same => isExact ? PositionBound.Exact : PositionBound.AtLeast,
            DiskVersusMarker.DiskNewer => PositionBound.AtLeast,
            DiskVersusMarker.DiskOlder => isExact ? PositionBound.AtMost : PositionBound.Unclear,
            _ => PositionBound.Unclear,
        };
        // An AOF holds at least a byte for each byte of the stream (time stamps come on top, pings of the master are left out):
        // good enough to rank what a power cut took, never to prove anything.
        var missing = versus != DiskVersusMarker.DiskOlder ? at.Offset
            : facts.AofGrowth is { } growth ? -growth
            : facts.AofFiles.Count > 0 && facts.AofFiles[^1].Stat.Value is { } file ? mark!.Length - file.Length
            : at.Offset;
        var position = Position(at, bound, PositionSource.Marker, missing);
        // What the disk has grown by, less what the stream has not: time stamps and a torn end. A command of a write takes at least 20
        // bytes, and a ping 14, so two replicas with markers of the same seconds are told apart to the command.
        return facts.AofGrowth is >= 0 and { } grown && versus == DiskVersusMarker.DiskNewer
            ? position with { Estimate = at.Offset + Math.Max(0, grown - (facts.AofTail.Value?.Overhead ?? 0)) }
            : position;
    }

    private static DiskPosition Position(ReplicationPosition at, PositionBound bound, PositionSource source, long? missing = null) =>
        new(at, bound, source)
        {
            Lower = bound is PositionBound.Exact or PositionBound.AtLeast ? at.Offset : Math.Max(0, at.Offset - (missing ?? at.Offset)),
            Upper = bound is PositionBound.Exact or PositionBound.AtMost ? at.Offset : null,
            Estimate = bound is PositionBound.Exact or PositionBound.AtLeast ? at.Offset : Math.Max(0, at.Offset - (missing ?? at.Offset)),
        };

    private static (DataState State, SuspectReason Reason, string Detail) Suspect(SuspectReason reason, string detail) =>
        (DataState.Suspect, reason, detail);
}
