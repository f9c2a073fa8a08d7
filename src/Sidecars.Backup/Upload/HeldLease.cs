using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;

namespace Sidecars.Backup.Upload;

/// <summary>
/// The uploader's lease in the hands of this node. It is not given back at the end of the process: after a restart this node takes it up at
/// once, and others wait for its life.
/// </summary>
internal sealed class HeldLease
{
    private const int Tries = 5; // a request of 'now', or two
    private const string NoVersion = "\"00000000000000000000000000000000\""; // the form of S3's, and nobody's MD5
    private readonly BackupStore _store;
    private readonly UploaderOptions _options;
    private readonly TimeProvider _time;
    private UploaderLease _lease;
    private string _etag;
    private long _renewedAt;

    private HeldLease(
        BackupStore store, UploaderOptions options, TimeProvider time, UploaderLease lease, string etag, long ownGeneration) =>
        (_store, _options, _time, _lease, _etag, OwnGeneration, Reached, _renewedAt) =
            (store, options, time, lease, etag, ownGeneration, lease.Tip, time.GetTimestamp());

    /// <summary>This time with the lease.</summary>
    public long Session => _lease.Session;

    /// <summary>The generation that this node may go on with; 0 for none.</summary>
    public long OwnGeneration { get; }

    /// <summary>How far the tail of the last generation was, of whatever node; null: not known.</summary>
    public ChainMark? Reached { get; }

    /// <summary>See <see cref="UploaderLease.BaseWanted"/>.</summary>
    public DateTimeOffset? BaseWanted => _lease.BaseWanted;

    /// <summary>Time to renew.</summary>
    public bool IsDue => _time.GetElapsedTime(_renewedAt) >= _options.Renew;

    /// <summary>Takes it in place of what was read; null where another was faster.</summary>
    public static async Task<HeldLease?> TryTakeAsync(BackupStore store, UploaderOptions options, TimeProvider time,
        (UploaderLease Lease, string ETag)? current, CancellationToken cancellation)
    {
        var before = current?.Lease;
        var lease = new UploaderLease(
            options.Node, (before?.Session ?? 0) + 1, before?.Generation ?? 0, 0, before?.CoveredUntil ?? DateTimeOffset.UnixEpoch)
        {
            Writer = before?.Writer ?? "",
            Tip = before?.Tip,
            BaseWanted = before?.BaseWanted,
        };
        var etag = await store.WriteLeaseAsync(lease, current?.ETag, cancellation).ConfigureAwait(false);
        return etag is null ? null : new HeldLease(store, options, time, lease, etag, lease.Writer == options.Node ? lease.Generation : 0);
    }

    /// <summary>
    /// Proves, on the lease itself, that the store keeps the conditions on which everything rests: this lease is there, so that a write
    /// where there must be none is refused, and so is one over a version that it never had. An S3 look-alike that ignores either answers
    /// with success.
    /// </summary>
    /// <exception cref="StoreException">It does not: <see cref="StoreFailure.Unfit"/>.</exception>
    public async Task ProveConditionsAsync(CancellationToken cancellation)
    {
        if (await _store.WriteLeaseAsync(_lease, null, cancellation).ConfigureAwait(false) is { } over)
            throw Unfit("If-None-Match: *", over);
        if (await _store.WriteLeaseAsync(_lease, NoVersion, cancellation).ConfigureAwait(false) is { } other)
            throw Unfit("If-Match", other);
    }

    private StoreException Unfit(string header, string etag)
    {
        _etag = etag;
        return new StoreException(StoreFailure.Unfit, _store.Layout.Uploader,
            $"{_store.Objects.Description} ignores {header}: it overwrote an object despite it; two nodes would upload at once, "
            + "and such backups do not restore: use a store with conditional writes");
    }

    /// <summary>Writes it; adopts a request that <c>now</c> has put into it.</summary>
    /// <exception cref="IOException">Another node has it.</exception>
    public Task RenewAsync(IShipment shipment, CancellationToken cancellation) => WriteAsync(shipment, _options.Node, cancellation);

    /// <summary>Gives it back.</summary>
    /// <exception cref="IOException">Another node has it.</exception>
    public Task ReleaseAsync(IShipment shipment, CancellationToken cancellation) => WriteAsync(shipment, "", cancellation);

    private async Task WriteAsync(IShipment shipment, string holder, CancellationToken cancellation)
    {
        for (var tries = 0; tries < Tries; tries++)
        {
            var lease = _lease with
            {
                Holder = holder,
                Generation = shipment.Generation,
                Writer = _options.Node,
                Beat = _lease.Beat + 1,
                Tip = shipment.Tip,
                CoveredUntil = shipment.CoveredUntil > _lease.CoveredUntil ? shipment.CoveredUntil : _lease.CoveredUntil,
            };
            if (await _store.WriteLeaseAsync(lease, _etag, cancellation).ConfigureAwait(false) is { } etag)
            {
                (_lease, _etag, _renewedAt) = (lease, etag, _time.GetTimestamp());
                return;
            }

            var now = await _store.ReadLeaseAsync(cancellation).ConfigureAwait(false);
            // It is never deleted: this is another directory than it was, or somebody has cleared the store. Nothing is begun anew on that
            // ground.
            if (now is null)
                throw new StoreException(
                    StoreFailure.Unavailable, _store.Layout.Uploader, "the uploader's lease is gone: is the store what it was?");
            if (now.Value.Lease == lease)
            {
                (_lease, _etag, _renewedAt) = (lease, now.Value.ETag, _time.GetTimestamp()); // written, and the answer was lost
                return;
            }

            var there = now.Value.Lease;
            if (there.Session != _lease.Session) throw new IOException(Lost(there)); // each taking has one of its own
            (_lease, _etag) = (there, now.Value.ETag); // a request of 'now', or a write of this node whose answer was lost
        }

        throw new StoreException(
            StoreFailure.Unavailable, _store.Layout.Uploader, $"the lease changed at each of {Tries} tries, and is this node's still");
    }

    private string Lost(UploaderLease there)
    {
        var by = there.Holder == _options.Node ? "another process of this node"
            : there.Holder.Length > 0 ? there.Holder : "another node, which has given it back";
        return $"the uploader's lease was taken by {by} (session {there.Session}, this is {_lease.Session})";
    }
}
