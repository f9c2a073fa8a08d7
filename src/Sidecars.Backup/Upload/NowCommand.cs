using Sidecars.Backup.Archive;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Upload;

/// <summary>A backup on demand: asked of the node that uploads, through the lease, or taken here.</summary>
internal sealed class NowCommand(BackupStore store, UploaderLoop loop, UploaderOptions options, Action<string> progress, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    /// <summary>Returns the id of the new backup.</summary>
    /// <exception cref="IOException">None came in time.</exception>
    public async Task<string> RunAsync(TimeSpan wait, CancellationToken cancellation)
    {
        var asked = time.GetUtcNow();
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < wait)
        {
            var current = await store.ReadLeaseAsync(cancellation).ConfigureAwait(false);
            if (current is not { Lease.Holder.Length: > 0 })
            {
                progress("no node uploads: taking the backup here");
                if (await loop.BackUpOnceAsync(wait - time.GetElapsedTime(started), cancellation).ConfigureAwait(false) is { } done)
                    return done.Id;
                continue; // an uploader came up meanwhile
            }

            var lease = current.Value.Lease;
            progress($"waiting for the backup of {lease.Holder}, which uploads");
            if (lease.BaseWanted is not { } wanted || wanted < asked)
                await store.WriteLeaseAsync(
                    lease with { BaseWanted = asked, Beat = lease.Beat + 1 }, current.Value.ETag, cancellation).ConfigureAwait(false);
            var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
            if (catalogue.Backups.Where(b => b.Manifest.CompletedAt >= asked).MaxBy(b => b.Manifest.CompletedAt) is { } newest)
                return newest.Id;
            await Task.Delay(Poll, time, cancellation).ConfigureAwait(false);
        }

        throw new IOException($"no backup was completed within {DurationText.Of(wait)}: does the uploader run? It sees the request within "
            + $"{DurationText.Of(options.Renew)}");
    }
}
