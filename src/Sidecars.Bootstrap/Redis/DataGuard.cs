using Sidecars.Bootstrap.Disk;
using Sidecars.Bootstrap.Options;
using Sidecars.Core.Election;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Redis;

/// <summary>
/// What happens to the data directory before a server starts on it: evidence, a rescue where data are given up, the first marker.
/// </summary>
internal sealed class DataGuard(BootstrapOptions options, RedisEndpoint announce, DataLayout layout, JsonLineLog log, TimeProvider time)
{
    private readonly NodeIdentity _node = new(options.Group.NodeName, options.NodeUid);
    private readonly string _incarnation = Guid.NewGuid().ToString("N");
    private readonly MarkerStore _markers = new(options.Group.DataDirectory);
    private readonly StartRecord _starts = new(options.Group.DataDirectory);
    private bool _removed;

    /// <summary>What this node brings to an election, read from its disk now.</summary>
    public CandidateEvidence Evidence() => CandidateEvidence.Of(_node, _incarnation, announce, ReadDisk(), options.Group.RedisCount);

    /// <summary>The group whose data these are, where its marker names another than this one; null otherwise.</summary>
    public ClusterId? ForeignOwner() =>
        _markers.Read() is { IsKnown: true, Value: { } marker } && marker.Cluster != options.Group.Cluster ? marker.Cluster : null;

    /// <summary>What this node announced at its last start; null where its marker does not say.</summary>
    public static AnnouncedAddress? LastAnnounced(BootstrapOptions options) =>
        new MarkerStore(options.Group.DataDirectory).Read() is { IsKnown: true, Value: { } marker } ? marker.Announced : null;

    /// <summary>Whether a server is to be started on these data.</summary>
    public LoadDecision Load(bool follows)
    {
        var disk = ReadDisk();
        return LoadPolicy.Decide(disk, _starts.FailedStarts(disk.Facts), follows);
    }

    /// <summary>
    /// Removes data that a server would not load, after <see cref="Rescue"/>; null where that is done, else why it can't be.
    /// </summary>
    public string? Remove(string reason)
    {
        try
        {
            Rescues().Remove();
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return e.Message;
        }

        _removed = true;
        log.Warning("data-put-aside", $"the server starts without the data that were here, and a master fills it: {reason}");
        return null;
    }

    /// <summary>Gives the data a second name before a master's replace them; null where that is done, else why it can't be.</summary>
    public string? Rescue(string reason, FencingToken token)
    {
        if (options.RescueMaxCount == 0)
        {
            log.Warning("rescue-off", $"RESCUE_MAX_COUNT is 0: data are given up without a copy, though {reason}");
            return null;
        }

        switch (Rescues().Preserve(ReadDisk(), reason, token, _node, time.GetUtcNow()))
        {
            case RescueOutcome.Refused refused: return refused.Reason;
            case RescueOutcome.Kept kept:
                log.Warning("rescued", $"{kept.Rescue.Name} keeps {kept.Rescue.Bytes} bytes, since {reason}",
                    LogField.Of("rescue", kept.Rescue.Name), LogField.Of("deleted", kept.Deleted.Count));
                return null;
            default: return null;
        }
    }

    /// <summary>
    /// The marker that the failover sidecar takes over. It claims no more of the data than the last one did, and of data that were filled
    /// in nothing. Its token rises only where this node was elected: a follower's does once it is linked, with the replication id that
    /// was served under it. The start is counted beside it. A disk that takes no marker is told, and does not keep a server from starting.
    /// </summary>
    public void WriteFirstMarker(RedisStart start)
    {
        var last = _markers.Read() is { IsKnown: true, Value: { } read } ? read : null;
        var token = start.Token;
        var highest = !start.Elected ? last?.Token ?? FencingToken.None : last is null || token > last.Token ? token : last.Token;
        var disk = ReadDisk();
        if (_starts.Note(disk.Facts) is { } problem) log.Warning("start-not-noted", problem);
        if ((disk.Filled is not null || _removed) && last is not null)
            last = last with { Position = null, EarlierOffset = null, Aof = null };
        if (!start.Elected) ForgetFilled();
        var next = (last ?? new Marker(
            options.Group.Cluster, _node, BootId.Read(options.NodeUid), highest, LineageHistory.Empty, MarkerRole.Unknown, 0)) with
        {
            Cluster = options.Group.Cluster,
            Node = _node,
            BootId = BootId.Read(options.NodeUid),
            Token = highest,
            HighestEpoch = Math.Max(last?.HighestEpoch ?? 0, token.Epoch),
            RunId = null,
            MasterLinkUp = false,
            Announced = options.Group.AnnounceHost is { } setting ? new AnnouncedAddress(setting, announce) : null,
        };
        if (last is { IsNewer: true }) return; // a newer sidecar's: it knows more than is written here
        if (!_markers.TryWrite(next, out var fault)) log.Warning("marker-not-written", $"{_markers.MarkerPath}: {fault}");
    }

    // A master's data are about to replace these: if it dies before that, they must not win by what once filled this disk.
    private void ForgetFilled()
    {
        try
        {
            FilledMark.Remove(options.Group.DataDirectory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warning("mark-not-removed", e.Message);
        }
    }

    private RescueStore Rescues() =>
        new(options.Group.DataDirectory,
            new RescueLimits(Math.Max(1, options.RescueMaxCount), options.RescueMaxBytes ?? HalfOfVolume()), layout);

    private DiskEvidence ReadDisk() => DiskEvidenceReader.Read(options.Group.DataDirectory, options.Group.Durability, layout);

    // A rescue takes space only from when the server replaces its files; half leaves room for the copy that replaces them.
    private long HalfOfVolume()
    {
        try
        {
            return Math.Max(1, new DriveInfo(options.Group.DataDirectory).TotalSize / 2);
        }
        catch (IOException)
        {
            return long.MaxValue;
        }
    }
}
