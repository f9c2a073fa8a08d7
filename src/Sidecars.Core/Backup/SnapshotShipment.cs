namespace Sidecars.Core.Backup;

/// <summary>
/// Snapshots of a server without AOF: BGSAVE when one is due, then the file, whole. There is no tail, and so no time between two of them
/// that could be restored.
/// </summary>
internal sealed class SnapshotShipment(BackupStore store, AofDirectory aof, NodeFacts node, UploaderOptions options, UploadCounters counters, long session, TimeProvider time) : IShipment
{
    // As a rewrite: tens of gigabytes take minutes.
    private static readonly TimeSpan SaveLimit = TimeSpan.FromMinutes(30);
    private readonly BaseClock _clock = new(options.BaseInterval, time);
    private readonly string _path = Path.Combine(aof.DataDirectory, aof.Layout.RdbFile);
    private (NodeSnapshot Before, long Since)? _save;
    private (BaseUpload Upload, NodeSnapshot Before, NodeSnapshot After, DateTimeOffset Covered)? _upload;

    public long Generation { get; private set; }

    public string Place => aof.Layout.RdbFile;

    public DateTimeOffset CoveredUntil { get; private set; }

    public Task<TailDecision.NewGeneration?> BeginAsync(long previous, CancellationToken cancellation)
    {
        Generation = previous > 0 ? previous : session;
        if (previous > 0) return Task.FromResult<TailDecision.NewGeneration?>(null);
        counters.Generations++;
        return Task.FromResult<TailDecision.NewGeneration?>(new("first", "there is no earlier generation of this node to go on with"));
    }

    public async Task<Catalogue> LoadLastAsync(CancellationToken cancellation)
    {
        var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
        // Whoever took it: each is whole by itself.
        if (catalogue.Backups.Where(b => b.Manifest.IsSnapshot).MaxBy(b => b.Manifest.CompletedAt) is { Manifest: var last }) _clock.Know(last.CompletedAt);
        return catalogue;
    }

    public void Look()
    {
    }

    public Task FlushAsync(DateTimeOffset currentUntil, CancellationToken cancellation) => Task.CompletedTask;

    public void Wanted(DateTimeOffset? since)
    {
        if (_upload is null) _clock.Wanted(since);
    }

    public async Task<BackupManifest?> TickAsync(DateTimeOffset currentUntil, CancellationToken cancellation)
    {
        if (_upload is { Upload.File.IsCompleted: true } ready) return await CompleteAsync(ready, cancellation).ConfigureAwait(false);
        if (_upload is not null || !_clock.IsDue) return null;
        if (options.Rewrite && !await IsSavedAsync(cancellation).ConfigureAwait(false)) return null;
        var pinned = aof.PinSnapshot();
        var after = options.Rewrite ? await node.LookAsync(cancellation).ConfigureAwait(false) : NodeSnapshot.Unknown;
        var before = _save?.Before ?? NodeSnapshot.Unknown;
        var upload = BaseUpload.Begin(store, pinned, new BaseOrigin(BackupLayout.BaseId(time.GetUtcNow(), session), options.Node, Generation, IsSnapshot: true), ChainDigest.Start, cancellation);
        (_upload, _save) = ((upload, before, after, DateTimeOffset.FromUnixTimeSeconds(pinned.Time) - before.HeardAgo), null);
        return null;
    }

    public Task ShipRestAsync(CancellationToken cancellation) => Task.CompletedTask;

    public void Dispose() => _upload?.Upload.Dispose();

    private async Task<bool> IsSavedAsync(CancellationToken cancellation)
    {
        if (_save is not { } asked)
        {
            var before = await node.LookAsync(cancellation).ConfigureAwait(false);
            // Refused while another save runs: asked again at the next step.
            if (before.IsCurrent && await node.SaveAsync(cancellation).ConfigureAwait(false)) _save = (before, time.GetTimestamp());
            return false;
        }

        var succeeded = await node.LastSaveSucceededAsync(cancellation).ConfigureAwait(false);
        if (succeeded == true) return true;
        if (succeeded is null && time.GetElapsedTime(asked.Since) < SaveLimit) return false;
        _save = null;
        throw new IOException(succeeded is null ? "BGSAVE does not come to an end" : "BGSAVE failed: the server's log says why");
    }

    private async Task<BackupManifest> CompleteAsync((BaseUpload Upload, NodeSnapshot Before, NodeSnapshot After, DateTimeOffset Covered) ready, CancellationToken cancellation)
    {
        using var upload = ready.Upload;
        _upload = null;
        var tip = new TailTip(upload.Start, ChainDigest.Start, ready.Covered);
        var manifest = await upload.CompleteAsync(tip, ready.Before, ready.After, time.GetUtcNow(), cancellation).ConfigureAwait(false);
        if (ready.Covered > CoveredUntil) CoveredUntil = ready.Covered;
        counters.CoveredUntilMilliseconds = CoveredUntil.ToUnixTimeMilliseconds();
        _clock.Completed(manifest.CompletedAt);
        return manifest;
    }
}
