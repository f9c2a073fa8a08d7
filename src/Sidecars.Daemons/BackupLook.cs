using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Directories;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Status;

namespace Sidecars.Daemons;

/// <summary>
/// What <c>redis-failover status</c> shows of the backups, read by the code of <c>redis-backup</c>: only this file has both. A directory
/// alone is read; for a bucket the container has neither credentials nor settings.
/// </summary>
internal static class BackupLook
{
    public static async Task<BackupReading> ReadAsync(
        string store, ClusterId cluster, TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        if (!Path.IsPathRooted(store)) return BackupReading.Unread($"{store} is not a directory, and this command reads no other store");
        if (!Directory.Exists(store)) return BackupReading.Unread($"{store} is not mounted in this container");
        try
        {
            var archive = new BackupStore(new DirectoryStore(store), new BackupLayout(cluster));
            var catalogue = await archive.ReadCatalogueAsync(cancellation).WaitAsync(patience, time, cancellation).ConfigureAwait(false);
            var now = time.GetUtcNow();
            var last = catalogue.Backups.LastOrDefault();
            var verified = catalogue.Backups.Select(b => b.Verification?.VerifiedAt).Max();
            return new BackupReading(
                catalogue.Backups.Length, last?.Id, now - last?.Manifest.CompletedAt, now - verified, now - catalogue.Uploader?.Covered);
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException or TimeoutException)
        {
            return new BackupReading(0, null, null, null, null, e.Message);
        }
    }
}
