using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Store;
using Sidecars.Backup.Tail;

namespace Sidecars.Backup.Base;

/// <summary>Which backup is taken, and where it belongs.</summary>
/// <param name="Id">See <see cref="BackupLayout.BaseId"/>.</param>
/// <param name="Node">This node.</param>
/// <param name="Generation">The generation that it belongs to.</param>
/// <param name="IsSnapshot">See <see cref="BackupManifest.IsSnapshot"/>.</param>
/// <param name="Before">See <see cref="BackupManifest.Before"/>.</param>
internal sealed record BaseOrigin(string Id, string Node, long Generation, bool IsSnapshot, ChainMark? Before);

/// <summary>How far the tail has been shipped.</summary>
/// <param name="Position">Its end.</param>
/// <param name="Digest">The chain's digest there.</param>
/// <param name="CoveredUntil">All that was acknowledged before is in it.</param>
internal sealed record TailTip(StreamPosition Position, ChainDigest Digest, DateTimeOffset CoveredUntil);

/// <summary>
/// One backup in the making: the base file goes up beside the tail; the manifest comes last, when the tail has all that it names.
/// </summary>
internal sealed class BaseUpload : IDisposable
{
    private readonly BackupStore _store;
    private readonly PinnedBase _pinned;
    private readonly CancellationTokenSource _stop;
    private readonly BaseOrigin _origin;

    private BaseUpload(BackupStore store, PinnedBase pinned, BaseOrigin origin, ChainDigest startDigest, CancellationTokenSource stop)
    {
        (_store, _pinned, _origin, StartDigest, _stop) = (store, pinned, origin, startDigest, stop);
        File = UploadAsync(stop.Token);
    }

    /// <summary>The chain's digest where the base starts.</summary>
    public ChainDigest StartDigest { get; }

    /// <summary>Done when the base file is in the store; its result is null where the AOF has no base.</summary>
    public Task<BaseFile?> File { get; }

    /// <summary>Where its part of the tail begins.</summary>
    public StreamPosition Start => _pinned.Start;

    /// <summary>Begins to upload a base.</summary>
    /// <param name="store">The store that it goes to.</param>
    /// <param name="pinned">The base file; disposed with this.</param>
    /// <param name="origin">Which backup it is.</param>
    /// <param name="startDigest">The chain's digest at the base's start.</param>
    /// <param name="cancellation">Ends it.</param>
    public static BaseUpload Begin(
        BackupStore store, PinnedBase pinned, BaseOrigin origin, ChainDigest startDigest, CancellationToken cancellation) =>
        new(store, pinned, origin, startDigest, CancellationTokenSource.CreateLinkedTokenSource(cancellation));

    /// <summary>Writes the manifest, after which the backup is listed.</summary>
    /// <param name="tip">The end of the tail, flushed after the base file was stored.</param>
    /// <param name="before">The server before that flush.</param>
    /// <param name="after">The server after it.</param>
    /// <param name="utcNow">The time of completion in the manifest.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StoreException">It was not written; try again.</exception>
    public async Task<BackupManifest> CompleteAsync(
        TailTip tip, NodeSnapshot before, NodeSnapshot after, DateTimeOffset utcNow, CancellationToken cancellation)
    {
        var manifest = new BackupManifest
        {
            Cluster = _store.Layout.Cluster,
            Id = _origin.Id,
            Generation = _origin.Generation,
            Node = _origin.Node,
            IsSnapshot = _origin.IsSnapshot,
            CompletedAt = utcNow,
            CoveredUntil = tip.CoveredUntil,
            ServerProduct = after.Product,
            ServerVersion = after.Version,
            Format = _pinned.Format,
            Before = _origin.Before,
            KeyId = _store.KeyId,
            Base = await File.ConfigureAwait(false),
            BaseSequence = _pinned.Sequence,
            BaseTime = _pinned.Time,
            Start = Start,
            StartDigest = StartDigest,
            End = tip.Position,
            EndDigest = tip.Digest,
            Databases = NodeSnapshot.Between(before, after),
        };
        var key = _store.Layout.Base(_origin.Generation, _origin.Id) + BackupLayout.ManifestName;
        if (await _store.Objects.PutAsync(
            key, ObjectContent.Of(BackupManifestDocument.Write(manifest)), PutCondition.Absent, cancellation).ConfigureAwait(false)
            is not null)
            return manifest;
        // Ours, of a try whose answer was lost; an id holds the session.
        var there = await _store.TryReadAsync(key, cancellation).ConfigureAwait(false) is var (bytes, _)
            ? BackupManifestDocument.Read(bytes)
            : default;
        return there is { IsKnown: true, Value: var written } && written.Id == _origin.Id && written.Node == _origin.Node
            && written.Base == manifest.Base
            ? written
            : throw new StoreException(StoreFailure.Damaged, key, "is there already, and is another's");
    }

    /// <summary>Stops the upload and closes the base file.</summary>
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
        // renamed into place complete: it does not grow
        var content = ObjectContent.Of(_pinned.File, 0, RandomAccess.GetLength(_pinned.File));
        // Both at once: the hash has one core, and the parts that are sent are read from memory a second time.
        var digest = Task.Run(() => Convert.ToHexStringLower(_store.Hash.Of([], content)), cancellation);
        var sent = _store.Objects.PutAsync(
            _store.Layout.Base(_origin.Generation, _origin.Id) + _pinned.Name, content, PutCondition.None, cancellation);
        await Task.WhenAll((Task)digest, sent).ConfigureAwait(false);
        return new BaseFile(_pinned.Name, content.Length, await digest.ConfigureAwait(false));
    }
}
