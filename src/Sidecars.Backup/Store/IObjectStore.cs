namespace Sidecars.Backup.Store;

/// <summary>What must hold for a write to take place.</summary>
/// <param name="Kind">The condition.</param>
/// <param name="ETag">For <see cref="PutConditionKind.Matches"/>: the version that is replaced.</param>
public readonly record struct PutCondition(PutConditionKind Kind, string ETag)
{
    /// <summary>Overwrites whatever is there.</summary>
    public static PutCondition None => new(PutConditionKind.None, "");

    /// <summary>Only where no object has this key (S3: <c>If-None-Match: *</c>): of many writers one succeeds.</summary>
    public static PutCondition Absent => new(PutConditionKind.Absent, "");

    /// <summary>
    /// Replaces only this very version (S3: <c>If-Match</c>). For documents of at most <see cref="ObjectLimits.MaxComparedBytes"/>.
    /// </summary>
    public static PutCondition Matches(string etag) => new(PutConditionKind.Matches, etag);
}

/// <summary>See <see cref="PutCondition"/>.</summary>
public enum PutConditionKind
{
    /// <summary>No condition.</summary>
    None,

    /// <summary>The key is free.</summary>
    Absent,

    /// <summary>The object is the version named.</summary>
    Matches,
}

/// <summary>Bounds that every store keeps.</summary>
public static class ObjectLimits
{
    /// <summary>Largest JSON document that is read or compared, 1 MiB: a manifest has a few hundred bytes and a line a database.</summary>
    public const int MaxDocumentBytes = 1 << 20;

    /// <summary>
    /// Largest object that every store has an ETag of, 64 KiB: a lease, which is what is compared, has a few hundred bytes.
    /// </summary>
    public const int MaxComparedBytes = 64 * 1024;
}

/// <summary>One object of a listing.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Length">Bytes.</param>
public sealed record ObjectEntry(string Key, long Length);

/// <summary>An object that is being read; dispose it.</summary>
/// <param name="Content">Read once, from the first byte to the last.</param>
/// <param name="Length">Bytes that the store promises.</param>
/// <param name="ETag">For <see cref="PutCondition.Matches"/>; "" where the object is too large to be compared.</param>
public sealed record ObjectDownload(Stream Content, long Length, string ETag) : IDisposable
{
    /// <summary>Closes the stream.</summary>
    public void Dispose() => Content.Dispose();
}

/// <summary>
/// Where backups are kept. Objects appear whole or not at all; a listing shows every object whose write has returned. Every
/// implementation passes the same suite (tests/Sidecars.Contract.Tests). All members throw <see cref="StoreException"/>, whose kind
/// says whether trying again makes sense, and none retries by itself for long.
/// </summary>
public interface IObjectStore
{
    /// <summary>For messages; no secrets.</summary>
    string Description { get; }

    /// <summary>Writes an object.</summary>
    /// <returns>
    /// Its ETag ("" where it is too large to be compared), or null where the condition did not hold: nothing was written then.
    /// </returns>
    Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation);

    /// <summary>Opens an object.</summary>
    /// <exception cref="StoreException"><see cref="StoreFailure.NotFound"/> where there is none.</exception>
    Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation);

    /// <summary>Keys that begin with <paramref name="prefix"/>, in ordinal order.</summary>
    /// <param name="prefix">Ends in a slash.</param>
    /// <param name="startAfter">Only keys that are ordinally greater; null: all.</param>
    /// <param name="cancellation">Ends it.</param>
    IAsyncEnumerable<ObjectEntry> ListAsync(string prefix, string? startAfter, CancellationToken cancellation);

    /// <summary>
    /// Names directly below <paramref name="prefix"/> that have objects below them (S3: common prefixes), in ordinal order.
    /// </summary>
    Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation);

    /// <summary>Deletes an object; deleting one that is not there is no error.</summary>
    Task DeleteAsync(string key, CancellationToken cancellation);

    /// <summary>
    /// Uploads that were begun before a time and never completed: what a killed process leaves. They are in no listing, and take room (S3:
    /// multipart uploads, which are paid for).
    /// </summary>
    /// <param name="prefix">Ends in a slash. A store that does not know the keys of what is unfinished takes no notice of it.</param>
    /// <param name="before">By the store's own clock; far enough back that nobody is still at it.</param>
    /// <param name="dryRun">Count, and remove nothing.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The number of uploads found.</returns>
    Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation);
}
