using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Store;
using Sidecars.Core.Hosting;

namespace Sidecars.Backup.Upload;

/// <summary>Waits until this node should upload, and takes the lease then.</summary>
internal sealed class LeaseQueue(BackupStore store, NodeFacts node, UploaderOptions options, JsonLineLog log, TimeProvider time)
{
    private static readonly TimeSpan SoonAgain = TimeSpan.FromSeconds(1); // a server that is only starting
    private string _told = "";

    /// <summary>Takes it, sooner or later.</summary>
    /// <exception cref="StoreException">It can't be read or written.</exception>
    public async Task<HeldLease> TakeAsync(UploadCounters counters, CancellationToken cancellation)
    {
        (string, long, long)? seen = null;
        for (var since = time.GetTimestamp(); ;)
        {
            counters.SteppedAt = time.GetTimestamp();
            var standing = await node.LookAsync(cancellation).ConfigureAwait(false);
            var current = await store.ReadLeaseAsync(cancellation).ConfigureAwait(false);
            // Not the ETag: a request of 'now' is no sign of life.
            var there = current is { Lease: var lease } ? (lease.Holder, lease.Session, lease.Beat) : ("", 0L, 0L);
            if (seen != there) (seen, since) = (there, time.GetTimestamp());
            var decision = UploaderPolicy.Decide(
                options.Node, standing.Standing, current?.Lease, time.GetElapsedTime(since), options.LeaseLife);
            if (decision.Take)
            {
                // another was faster
                if (await HeldLease.TryTakeAsync(store, options, time, current, cancellation).ConfigureAwait(false) is not { } held)
                    continue;
                log.Info("lease_taken", decision.Reason, LogField.Of("session", held.Session),
                    LogField.Of("generation", current?.Lease.Generation ?? 0));
                _told = "";
                return held;
            }

            if (_told != decision.Code) log.Info("waiting", decision.Reason, LogField.Of("code", decision.Code));
            _told = decision.Code;
            // The store is asked a tenth of a lease's life apart.
            await Task.Delay(decision.Code is "server_unknown" or "not_in_sync" ? SoonAgain : options.LeaseLife / 10, time,
                cancellation).ConfigureAwait(false);
        }
    }
}
