namespace Sidecars.Core.Backup;

/// <summary>One backup in the making: the base file goes up beside the tail; the manifest comes last, when the tail has all that it names.</summary>
public sealed class BaseUpload : IDisposable
{
    private readonly BackupStore _store;
    private readonly PinnedBase _pinned;
    private readonly CancellationTokenSource _stop;
    private readonly string _node;

    private BaseUpload(BackupStore store, PinnedBase pinned, string node, string id, long generation, ChainDigest startDigest, CancellationTokenSource stop)
    {
        (_store, _pinned, _node, Id, Generation, StartDigest, _stop) = (store, pinned, node, id, generation, startDigest, stop);
        File = UploadAsync(stop.Token);
    }

    /// <summary>Of the backup.</summary>
    public string Id { get; }

    /// <summary>Of the stream.</summary>
    public long Generation { get; }

    /// <summary>Of the chain where the base starts.</summary>
    public ChainDigest StartDigest { get; }

    /// <summary>Done when the base file is in the store; its result is null where the AOF has no base.</summary>
    public Task<BaseFile?> File { get; }

    /// <summary>Where its part of the tail begins.</summary>
    public StreamPosition Start => _pinned.Start;

    /// <summary>Begins.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="pinned">What; disposed with this.</param>
    /// <param name="node">This node.</param>
    /// <param name="session">The upload's session, whose chain holds the base's start.</param>
    /// <param name="startDigest">Of the chain there.</param>
    /// <param name="utcNow">For the id.</param>
    /// <param name="cancellation">Ends it.</param>
    public static BaseUpload Begin(BackupStore store, PinnedBase pinned, string node, UploadSession session, ChainDigest startDigest, DateTimeOffset utcNow, CancellationToken cancellation) =>
        new(store, pinned, node, BackupLayout.BaseId(utcNow, session.Session), session.Generation, startDigest, CancellationTokenSource.CreateLinkedTokenSource(cancellation));

    /// <summary>Writes the manifest, after which the backup is listed.</summary>
    /// <param name="session">Whose tail has been flushed since the file was up.</param>
    /// <param name="before">The server before that flush.</param>
    /// <param name="after">The server after it.</param>
    /// <param name="utcNow">For the manifest.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StoreException">It was not written; try again.</exception>
    public async Task<BackupManifest> CompleteAsync(UploadSession session, NodeSnapshot before, NodeSnapshot after, DateTimeOffset utcNow, CancellationToken cancellation)
    {
        var manifest = new BackupManifest
        {
            Cluster = _store.Layout.Cluster,
            Id = Id,
            Generation = Generation,
            Node = _node,
            CompletedAt = utcNow,
            CoveredUntil = session.CoveredUntil,
            ServerVersion = after.Version,
            KeyId = _store.KeyId,
            Base = await File.ConfigureAwait(false),
            BaseSequence = _pinned.Sequence,
            BaseTime = _pinned.Time,
            Start = Start,
            StartDigest = StartDigest,
            End = session.Position > Start ? session.Position : Start,
            EndDigest = session.Position > Start ? session.Digest : StartDigest,
            Databases = NodeSnapshot.Between(before, after),
        };
        var key = _store.Layout.Base(Generation, Id) + BackupLayout.ManifestName;
        if (await _store.Objects.PutAsync(key, ObjectContent.Of(BackupManifestDocument.Write(manifest)), PutCondition.Absent, cancellation).ConfigureAwait(false) is not null) return manifest;
        // Ours, of a try whose answer was lost; an id holds the session.
        var there = await _store.TryReadAsync(key, cancellation).ConfigureAwait(false) is var (bytes, _) ? BackupManifestDocument.Read(bytes) : default;
        return there is { IsKnown: true, Value: var written } && written.Id == Id && written.Node == _node && written.Base == manifest.Base
            ? written
            : throw new StoreException(StoreFailure.Damaged, key, "is there already, and is another's");
    }

    /// <summary>Stops it and lets the base go.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        // The handle must outlive a write that still reads it.
        _ = File.ContinueWith(
            (done, state) =>
            {
                _ = done.Exception;
                ((PinnedBase)state!).Dispose();
            },
            _pinned, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        _stop.Dispose();
    }

    private async Task<BaseFile?> UploadAsync(CancellationToken cancellation)
    {
        if (_pinned.File is null) return null;
        var content = ObjectContent.Of(_pinned.File, 0, RandomAccess.GetLength(_pinned.File)); // renamed into place complete: it does not grow
        var digest = await Task.Run(() => Convert.ToHexStringLower(_store.Hash.Of([], content)), cancellation).ConfigureAwait(false);
        await _store.Objects.PutAsync(_store.Layout.Base(Generation, Id) + _pinned.Name, content, PutCondition.None, cancellation).ConfigureAwait(false);
        return new BaseFile(_pinned.Name, content.Length, digest);
    }
}
