using Sidecars.Backup.Archive;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Upload;

/// <summary>
/// A backup on demand: asked of the node that uploads, through the lease, or taken here where none does or the one that did is silent.
/// </summary>
internal sealed class NowCommand(BackupStore store, UploaderLoop loop, UploaderOptions options, Action<string> progress, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    // A replica's sidecar takes a silent one's lease after its life, a master's after twice that: after this none is left to do so.
    private readonly TimeSpan _silence = (options.LeaseLife * 2) + options.Renew;
    private (string Holder, long Session, long Beat)? _seen;
    private long _changedAt;

    /// <summary>Returns the id of the new backup.</summary>
    /// <exception cref="IOException">None came in time.</exception>
    public async Task<string> RunAsync(TimeSpan wait, CancellationToken cancellation)
    {
        var asked = time.GetUtcNow();
        var started = _changedAt = time.GetTimestamp();
        while (time.GetElapsedTime(started) < wait)
        {
            var current = await store.ReadLeaseAsync(cancellation).ConfigureAwait(false);
            // Not the ETag: a request, of this process or of another 'now', is no sign of life.
            (string, long, long)? seen = current is { Lease: var there } ? (there.Holder, there.Session, there.Beat) : null;
            if (seen != _seen) (_seen, _changedAt) = (seen, time.GetTimestamp());
            var silent = current is { Lease.Holder: { Length: > 0 } holder } && time.GetElapsedTime(_changedAt) >= _silence ? holder : null;
            if (silent is not null || current is not { Lease.Holder.Length: > 0 })
            {
                progress(silent is null
                    ? "no node uploads: taking the backup here"
                    : $"{silent} has not renewed its lease for {DurationText.Of(_silence)}: taking the backup here");
                var left = wait - time.GetElapsedTime(started);
                var done = await loop.BackUpOnceAsync(left, silent is null ? null : current?.ETag, cancellation).ConfigureAwait(false);
                if (done is not null) return done.Id;
                continue; // an uploader came up meanwhile
            }

            var lease = current.Value.Lease;
            progress(time.GetElapsedTime(_changedAt) < options.LeaseLife
                ? $"waiting for the backup of {lease.Holder}, which uploads"
                : $"{lease.Holder} does not renew its lease: the backup is taken here after {DurationText.Of(_silence)}");
            if (lease.BaseWanted is not { } wanted || wanted < asked)
                await store.WriteLeaseAsync(lease with { BaseWanted = asked }, current.Value.ETag, cancellation).ConfigureAwait(false);
            var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
            if (catalogue.Backups.Where(b => b.Manifest.CompletedAt >= asked).MaxBy(b => b.Manifest.CompletedAt) is { } newest)
                return newest.Id;
            await Task.Delay(Poll, time, cancellation).ConfigureAwait(false);
        }

        throw new IOException($"no backup was completed within {DurationText.Of(wait)}: does the uploader run? It sees the request within "
            + $"{DurationText.Of(options.Renew)}; without a sign of life the backup is taken here after {DurationText.Of(_silence)}");
    }
}
