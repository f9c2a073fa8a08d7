using Sidecars.Backup.Archive;
using Sidecars.Backup.Store.Directories;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Tenant;

/// <summary>What a folder of backups says of itself.</summary>
internal static class StoreLook
{
    /// <summary>
    /// The moment until which the store has everything that was written; <see cref="DateTimeOffset.MinValue"/> before the first backup of
    /// the node that uploads now.
    /// </summary>
    public static async Task<DateTimeOffset> CoveredUntilAsync(LocalGroup group, string folder, CancellationToken cancellation)
    {
        if (!ClusterId.TryParse(group.Options.ClusterId, out var cluster)) throw new InvalidOperationException(group.Options.ClusterId);
        var catalogue = await new BackupStore(new DirectoryStore(folder), new BackupLayout(cluster)).ReadCatalogueAsync(cancellation);
        return catalogue is { Uploader: { } lease } && catalogue.Backups.Any(backup => backup.Manifest.Generation == lease.Generation)
            ? lease.CoveredUntil
            : DateTimeOffset.MinValue;
    }
}
