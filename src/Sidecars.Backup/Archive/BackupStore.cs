using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Encryption;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Archive;

/// <summary>One tenant's backups in a store: documents, listings, the lease.</summary>
/// <param name="store">The objects.</param>
/// <param name="layout">Their names.</param>
/// <param name="keys">
/// Encrypts bases and segments with the first of them; null: nothing is encrypted, and encrypted objects can't be read.
/// </param>
public sealed class BackupStore(IObjectStore store, BackupLayout layout, KeyRing? keys = null)
{
    /// <summary>The objects, decrypted.</summary>
    public IObjectStore Objects { get; } = keys is null ? store : new EncryptedStore(store, keys);

    /// <summary>Id of the key for what is written; null: none.</summary>
    public string? KeyId => keys?.Current.Id;

    /// <summary>The hash of what is written.</summary>
    public ContentHash Hash { get; } = ContentHash.With(keys?.Current);

    /// <summary>The object keys.</summary>
    public BackupLayout Layout { get; } = layout;

    /// <summary>The hash that a backup's content was written with.</summary>
    /// <exception cref="StoreException">It was encrypted with a key that is not configured.</exception>
    public ContentHash HashOf(BackupManifest manifest)
    {
        if (manifest.KeyId is not { } id) return ContentHash.Plain;
        if (keys?.Find(id) is { } key) return ContentHash.With(key);
        var configured = keys is null ? "no key is configured" : $"configured: {keys.Ids}";
        throw new StoreException(StoreFailure.Denied, Layout.Base(manifest.Generation, manifest.Id),
            $"backup {manifest.Id} is encrypted with key {id}; {configured}");
    }

    /// <summary>A small object, whole; null where there is none.</summary>
    /// <exception cref="StoreException">It can't be read, or is no document.</exception>
    public async Task<(byte[] Bytes, string ETag)?> TryReadAsync(string key, CancellationToken cancellation)
    {
        try
        {
            using var download = await Objects.OpenAsync(key, cancellation).ConfigureAwait(false);
            if (download.Length > ObjectLimits.MaxDocumentBytes)
                throw new StoreException(StoreFailure.Damaged, key, "is too large for what it should be");
            var bytes = new byte[download.Length];
            var read = await download.Content.ReadAtLeastAsync(
                bytes, bytes.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
            return read == bytes.Length
                ? (bytes, download.ETag)
                : throw new StoreException(StoreFailure.Damaged, key, "is shorter than the store says");
        }
        catch (StoreException e) when (e.Failure == StoreFailure.NotFound)
        {
            return null;
        }
    }

    /// <summary>The lease and its version; null where there has never been one.</summary>
    /// <exception cref="StoreException">It can't be read, or is no lease.</exception>
    public async Task<(UploaderLease Lease, string ETag)?> ReadLeaseAsync(CancellationToken cancellation)
    {
        if (await TryReadAsync(Layout.Uploader, cancellation).ConfigureAwait(false) is not var (bytes, etag)) return null;
        var lease = UploaderLeaseDocument.Read(bytes);
        return lease.IsKnown ? (lease.Value, etag) : throw new StoreException(StoreFailure.Damaged, Layout.Uploader, lease.ToString());
    }

    /// <summary>Replaces the lease; null where another was faster.</summary>
    /// <param name="lease">The new one.</param>
    /// <param name="etag">Of the one that is replaced; null: there must be none.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<string?> WriteLeaseAsync(UploaderLease lease, string? etag, CancellationToken cancellation) =>
        Objects.PutAsync(Layout.Uploader, ObjectContent.Of(UploaderLeaseDocument.Write(lease)),
            etag is null ? PutCondition.Absent : PutCondition.Matches(etag), cancellation);

    /// <summary>Everything that is listed, and what should not be there.</summary>
    public async Task<Catalogue> ReadCatalogueAsync(CancellationToken cancellation)
    {
        var backups = new List<BackupEntry>();
        var oddities = ImmutableArray.CreateBuilder<Oddity>();
        var remnants = ImmutableArray.CreateBuilder<Remnant>();
        foreach (var folder in await Objects.ListFoldersAsync(Layout.Root, cancellation).ConfigureAwait(false))
        {
            if (!BackupLayout.TryGeneration(folder, out var generation))
            {
                oddities.Add(new Oddity(Layout.Root + folder + "/", "is no generation"));
                continue;
            }

            foreach (var (id, objects) in await ListBasesAsync(generation, cancellation).ConfigureAwait(false))
                await ReadBackupAsync(generation, id, objects, backups, oddities, remnants, cancellation).ConfigureAwait(false);
        }

        var lease = await ReadLeaseAsync(cancellation).ConfigureAwait(false);
        return new Catalogue(
            [.. backups.OrderBy(b => b.Manifest.Generation).ThenBy(b => b.Manifest.CompletedAt)], lease?.Lease, oddities.ToImmutable())
        {
            Remnants = remnants.ToImmutable(),
        };
    }

    /// <summary>The first object of this tenant, of whatever kind; null where there is none.</summary>
    public async Task<string?> FirstObjectAsync(CancellationToken cancellation)
    {
        await foreach (var entry in Objects.ListAsync(Layout.Root, null, cancellation).ConfigureAwait(false)) return entry.Key;
        return null;
    }

    /// <summary>Opens another tenant's backups in the same store.</summary>
    public BackupStore Of(ClusterId cluster) => new(store, new BackupLayout(cluster), keys);

    /// <summary>
    /// Segments of a generation from a file on, in the order of their places: a request for each 1,000; what is no segment goes to
    /// <paramref name="odd"/>.
    /// </summary>
    public async IAsyncEnumerable<SegmentName> SegmentsAsync(
        long generation, long fromSequence, Action<Oddity> odd, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var prefix = Layout.Tail(generation);
        // '-' sorts before all digits, so this is just before the first object of the file.
        var after = fromSequence <= 0 ? null : Layout.Tail(generation, fromSequence) + "-";
        await foreach (var entry in Objects.ListAsync(prefix, after, cancellation).ConfigureAwait(false))
        {
            var parts = entry.Key[prefix.Length..].Split('/');
            if (parts.Length != 2 || !SegmentName.TryParse(parts[0], parts[1], out var name)) odd(new Oddity(entry.Key, "is no segment"));
            else if (entry.Length != name.Length && entry.Length != ObjectCipher.StoredLength(name.Length))
                odd(new Oddity(entry.Key, $"has {entry.Length} bytes, and its name says {name.Length}"));
            else yield return name;
        }
    }

    /// <summary>Lists all segments of a generation at once.</summary>
    public async Task<List<SegmentName>> ListSegmentsAsync(
        long generation, long fromSequence, List<Oddity> oddities, CancellationToken cancellation)
    {
        var segments = new List<SegmentName>();
        await foreach (var segment in SegmentsAsync(generation, fromSequence, oddities.Add, cancellation).ConfigureAwait(false))
            segments.Add(segment);
        return segments;
    }

    /// <summary>How far a tail has come since a place that it is known to have reached.</summary>
    public async Task<ChainMark> FindEndAsync(ChainMark known, CancellationToken cancellation)
    {
        var linker = new ChainLinker(known.At, known.Digest);
        await foreach (var segment in SegmentsAsync(known.Generation, known.At.Sequence, _ => { }, cancellation).ConfigureAwait(false))
            linker.Add(segment);
        linker.Settle();
        return known with { At = linker.At, Digest = linker.Digest };
    }

    // One listing for all bases of a generation: it tells what is missing, and has the lengths.
    private async Task<SortedDictionary<string, List<ObjectEntry>>> ListBasesAsync(long generation, CancellationToken cancellation)
    {
        var bases = new SortedDictionary<string, List<ObjectEntry>>(StringComparer.Ordinal);
        var prefix = Layout.Bases(generation);
        await foreach (var entry in Objects.ListAsync(prefix, null, cancellation).ConfigureAwait(false))
        {
            var id = entry.Key[prefix.Length..].Split('/')[0];
            if (!bases.TryGetValue(id, out var objects)) bases[id] = objects = [];
            objects.Add(entry);
        }

        return bases;
    }

    private async Task ReadBackupAsync(
        long generation, string id, List<ObjectEntry> objects, List<BackupEntry> backups, ImmutableArray<Oddity>.Builder oddities,
        ImmutableArray<Remnant>.Builder remnants, CancellationToken cancellation)
    {
        var folder = Layout.Base(generation, id);
        var key = folder + BackupLayout.ManifestName;
        if (!BackupLayout.IsBaseId(id))
        {
            oddities.Add(new Oddity(folder, "is no backup"));
            return;
        }

        var isVerified = objects.Exists(o => o.Key == folder + BackupLayout.VerifiedName);
        if (!objects.Exists(o => o.Key == key))
        {
            // Only a backup that had a manifest was verified.
            if (isVerified) oddities.Add(new Oddity(key, "was deleted: the backup was verified, and can't be restored without it"));
            else remnants.Add(new Remnant(id, [.. objects]));
            return;
        }

        if (await TryReadAsync(key, cancellation).ConfigureAwait(false) is not var (bytes, _)) return; // deleted meanwhile
        var manifest = BackupManifestDocument.Read(bytes);
        if (!manifest.IsKnown) oddities.Add(new Oddity(key, manifest.ToString()));
        else if (manifest.Value.Cluster != Layout.Cluster || manifest.Value.Generation != generation || manifest.Value.Id != id)
            oddities.Add(new Oddity(key, $"is of {manifest.Value.Cluster}, generation {manifest.Value.Generation}, id {manifest.Value.Id}: "
                + "it does not belong here"));
        else
        {
            var verification = isVerified ? await ReadVerificationAsync(folder, oddities, cancellation).ConfigureAwait(false) : null;
            backups.Add(new BackupEntry(manifest.Value, verification) { BaseProblem = BaseProblem(manifest.Value, folder, objects) });
        }
    }

    private static Oddity? BaseProblem(BackupManifest manifest, string folder, List<ObjectEntry> objects)
    {
        if (manifest.Base is not { } file) return null;
        var key = folder + file.Name;
        var length = manifest.KeyId is null ? file.Length : ObjectCipher.StoredLength(file.Length);
        if (objects.Find(o => o.Key == key) is not { } there) return new Oddity(key, "is missing: the base of a backup");
        return there.Length == length ? null : new Oddity(key, $"has {there.Length} bytes, and its manifest says {length}");
    }

    private async Task<Verification?> ReadVerificationAsync(
        string folder, ImmutableArray<Oddity>.Builder oddities, CancellationToken cancellation)
    {
        if (await TryReadAsync(folder + BackupLayout.VerifiedName, cancellation).ConfigureAwait(false) is not var (bytes, _)) return null;
        var verification = VerificationDocument.Read(bytes);
        if (!verification.IsKnown) oddities.Add(new Oddity(folder + BackupLayout.VerifiedName, verification.ToString()));
        return verification.Value;
    }
}
