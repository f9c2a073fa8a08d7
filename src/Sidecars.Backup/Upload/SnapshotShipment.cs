using Sidecars.Backup.Archive;
using Sidecars.Backup.Base;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Tail;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Upload;

/// <summary>
/// Snapshots of a server without AOF: BGSAVE when one is due, then the file, whole. There is no tail, and so no time between two of them
/// that could be restored.
/// </summary>
internal sealed class SnapshotShipment(
    BackupStore store, AofDirectory aof, NodeFacts node, UploaderOptions options, UploadCounters counters, long session, TimeProvider time)
    : IShipment
{
    // As a rewrite: tens of gigabytes take minutes.
    private static readonly TimeSpan SaveLimit = TimeSpan.FromMinutes(30);
    private readonly BaseClock _clock = new(options.BaseInterval, time);
    private (NodeSnapshot Before, long Since)? _save;
    private (string Reason, long Since)? _refused;
    private Taken? _taken; // saved, and not in the store yet: a store that is away costs no second fork
    private (BaseUpload Upload, Taken Taken)? _upload;

    private sealed record Taken(long Time, NodeSnapshot Before, NodeSnapshot After);

    public long Generation { get; private set; }

    public ChainMark? Tip => null;

    public string Place => aof.Layout.RdbFile;

    public string? WaitsFor =>
        _upload is not null ? null
        : _save is not null ? "BGSAVE has not come to an end"
        : _refused is { } refused ? $"BGSAVE is refused: {refused.Reason}"
        : "the server beside it is not up, or not in sync";

    public string? Refusal => _refused?.Reason;

    public DateTimeOffset CoveredUntil { get; private set; }

    public async Task<TailDecision.NewGeneration?> BeginAsync(long previous, ChainMark? reached, CancellationToken cancellation)
    {
        // Not into the generation of a stream, from before the AOF was switched off.
        var goesOn = previous > 0
            && (await store.Objects.ListFoldersAsync(store.Layout.Tail(previous), cancellation).ConfigureAwait(false)).Count == 0;
        Generation = goesOn ? previous : session;
        if (goesOn) return null;
        counters.Generations++;
        return new("first", "there is no earlier generation of this node to go on with");
    }

    public async Task<Catalogue> LoadLastAsync(CancellationToken cancellation)
    {
        var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
        // Of whatever node: each is whole by itself.
        var whole = catalogue.Backups.Where(b => b.Manifest.IsSnapshot && b.BaseProblem is null);
        if (whole.MaxBy(b => b.Manifest.CompletedAt) is { Manifest: var last }) _clock.Know(last.CompletedAt);
        else _clock.Want();
        return catalogue;
    }

    public void KnowTail(long bytes)
    {
    }

    public void Look()
    {
    }

    public Task FlushAsync(DateTimeOffset currentUntil, CancellationToken cancellation) => Task.CompletedTask;

    public void Wanted(DateTimeOffset? since)
    {
        if (_upload is null) _clock.Wanted(since);
    }

    public void WantNow() => _clock.Want();

    public async Task<BackupManifest?> TickAsync(DateTimeOffset currentUntil, CancellationToken cancellation)
    {
        if (_upload is { Upload.File.IsCompleted: true } ready) return await CompleteAsync(ready, cancellation).ConfigureAwait(false);
        if (_upload is not null || !_clock.IsDue) return null;
        if (options.Rewrite && _taken is null && !await IsSavedAsync(cancellation).ConfigureAwait(false)) return null;
        var pinned = aof.PinSnapshot();
        if (_save is { } saved)
            (_taken, _save) = (new Taken(pinned.Time, saved.Before, await node.LookAsync(cancellation).ConfigureAwait(false)), null);
        // another save's: nobody counted
        var taken = _taken?.Time == pinned.Time ? _taken : new Taken(pinned.Time, NodeSnapshot.Unknown, NodeSnapshot.Unknown);
        var origin = new BaseOrigin(
            BackupLayout.BaseId(time.GetUtcNow(), session), options.Node, Generation, IsSnapshot: true, Before: null);
        _upload = (BaseUpload.Begin(store, pinned, origin, ChainDigest.Start, cancellation), taken);
        return null;
    }

    public Task ShipRestAsync(CancellationToken cancellation) => Task.CompletedTask;

    public void Dispose() => _upload?.Upload.Dispose();

    private async Task<bool> IsSavedAsync(CancellationToken cancellation)
    {
        if (_save is not { } asked)
        {
            var before = await node.LookAsync(cancellation).ConfigureAwait(false);
            if (!before.IsCurrent) return false;
            var refusal = await node.SaveAsync(cancellation).ConfigureAwait(false);
            if (refusal is null)
            {
                (_save, _refused) = ((before, time.GetTimestamp()), null);
                return false;
            }

            // As while another save runs: asked again at the next step, and said aloud where that does not help.
            var since = _refused?.Since ?? time.GetTimestamp();
            _refused = (refusal, since);
            if (time.GetElapsedTime(since) < SaveLimit) return false;
            _refused = null;
            throw new IOException($"BGSAVE is refused for {DurationText.Of(SaveLimit)}: {refusal}");
        }

        var succeeded = await node.LastSaveSucceededAsync(cancellation).ConfigureAwait(false);
        if (succeeded == true) return true;
        if (succeeded is null && time.GetElapsedTime(asked.Since) < SaveLimit) return false;
        _save = null;
        throw new IOException(succeeded is null ? "BGSAVE does not come to an end" : "BGSAVE failed: the server's log says why");
    }

    private async Task<BackupManifest> CompleteAsync((BaseUpload Upload, Taken Taken) ready, CancellationToken cancellation)
    {
        using var upload = ready.Upload;
        _upload = null;
        var covered = DateTimeOffset.FromUnixTimeSeconds(ready.Taken.Time) - ready.Taken.Before.HeardAgo;
        var manifest = await upload.CompleteAsync(new TailTip(upload.Start, ChainDigest.Start, covered), ready.Taken.Before,
            ready.Taken.After, time.GetUtcNow(), cancellation).ConfigureAwait(false);
        if (covered > CoveredUntil) CoveredUntil = covered;
        counters.CoveredUntilMilliseconds = CoveredUntil.ToUnixTimeMilliseconds();
        _taken = null;
        _clock.Completed(manifest.CompletedAt);
        return manifest;
    }
}
