using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Store.Directories;

/// <summary>
/// Objects as files below a directory, on a local disk or a shared volume with hard links. A file is written under
/// <c>.partial/</c>, synced, and then linked (create once) or renamed to its name, so that a name always has its whole content. What a
/// crash leaves in <c>.partial</c> is for <see cref="RemoveUnfinishedAsync"/>.
/// <para>
/// The directory is never created here: where a volume is not mounted, a new one in its place would take backups that nobody finds again.
/// The first write leaves an identity in it (<c>.store</c>), and a process that has seen one uses no other: a volume that is unmounted or
/// moved away under a running process ends in an error, not in a second store.
/// </para>
/// </summary>
public sealed class DirectoryStore : IObjectStore
{
    private const string PartialName = ".partial";
    private const string LockName = "lock";
    private const string IdentityName = ".store";
    private const int IdentityBytes = 64; // a GUID and a line end
    private const int GateTries = 2000; // it is held for the time of a rename
    private static int _counter;
    private readonly string _root;
    private readonly string _partial;
    private string? _identity;

    /// <summary>Uses a directory, which must exist at the first call.</summary>
    public DirectoryStore(string root)
    {
        _root = Path.GetFullPath(root);
        _partial = Path.Combine(_root, PartialName);
    }

    /// <inheritdoc/>
    public string Description => _root;

    /// <inheritdoc/>
    public Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation) =>
        GuardAsync(key, async () =>
        {
            var target = PathOf(key);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            var temporary = await WritePartialAsync(content, cancellation).ConfigureAwait(false);
            try
            {
                var etag = content.Length <= ObjectLimits.MaxComparedBytes ? ETagOf(temporary) : "";
                var written = condition.Kind switch
                {
                    PutConditionKind.Absent => PosixFiles.TryLinkIfAbsent(temporary, target),
                    PutConditionKind.Matches => TryReplace(temporary, target, condition.ETag),
                    _ => Replace(temporary, target),
                };
                if (!written) return null;
                PosixFiles.SyncDirectory(Path.GetDirectoryName(target)!);
                return etag;
            }
            finally
            {
                File.Delete(temporary);
            }
        }, isWrite: true);

    /// <inheritdoc/>
    public Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation) =>
        GuardAsync(key, () =>
        {
            var stream = new FileStream(
                PathOf(key), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1, useAsync: false);
            if (stream.Length > ObjectLimits.MaxComparedBytes) return Task.FromResult(new ObjectDownload(stream, stream.Length, ""));
            var etag = Convert.ToHexStringLower(SHA256.HashData(stream));
            stream.Position = 0;
            return Task.FromResult(new ObjectDownload(stream, stream.Length, etag));
        });

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectEntry> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var folder = await GuardAsync(prefix, () => Task.FromResult(FolderOf(prefix))).ConfigureAwait(false);
        foreach (var entry in Walk(prefix, folder, startAfter))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return entry;
        }

        _ = await AssertPresentAsync(prefix).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation)
    {
        var folder = await GuardAsync(prefix, () => Task.FromResult(FolderOf(prefix))).ConfigureAwait(false);
        string[] names = [.. EntriesOf(prefix, new DirectoryInfo(folder)).OfType<DirectoryInfo>()
            .Where(d => ObjectKey.IsPart(d.Name) && HasFiles(prefix, d)).Select(d => d.Name).Order(StringComparer.Ordinal)];
        _ = await AssertPresentAsync(prefix).ConfigureAwait(false);
        return names;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellation) =>
        GuardAsync(key, () =>
        {
            var path = PathOf(key);
            if (Directory.Exists(Path.GetDirectoryName(path))) File.Delete(path);
            return Task.FromResult(true);
        });

    /// <inheritdoc/>
    public Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation) =>
        GuardAsync(PartialName, () =>
        {
            var old = Partials().Where(f => f.LastWriteTimeUtc < before.UtcDateTime).ToList();
            if (!dryRun) old.ForEach(f => f.Delete());
            return Task.FromResult(old.Count);
        });

    private static IEnumerable<ObjectEntry> Walk(string prefix, string folder, string? startAfter)
    {
        var directory = new DirectoryInfo(folder);
        // A folder sorts as its name with a slash: so keys come in ordinal order, as from S3.
        var entries = EntriesOf(prefix, directory)
            .Where(e => ObjectKey.IsPart(e.Name))
            .Select(e => (Name: e is DirectoryInfo ? e.Name + "/" : e.Name, Entry: e))
            .OrderBy(e => e.Name, StringComparer.Ordinal);
        foreach (var (name, entry) in entries)
        {
            var key = prefix + name;
            if (entry is FileInfo file)
            {
                if (file.Exists && string.CompareOrdinal(key, startAfter) > 0) yield return new ObjectEntry(key, file.Length);
            }
            else if (startAfter is null || string.CompareOrdinal(key, startAfter) > 0
                || startAfter.StartsWith(key, StringComparison.Ordinal))
            {
                foreach (var below in Walk(key, entry.FullName, startAfter)) yield return below;
            }
        }
    }

    // A folder that is gone is an empty one: another process may remove it while this one walks.
    private static FileSystemInfo[] EntriesOf(string prefix, DirectoryInfo directory)
    {
        try
        {
            return directory.GetFileSystemInfos();
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StoreException(StoreFailure.Denied, prefix, e.Message, e);
        }
        catch (IOException e)
        {
            throw new StoreException(StoreFailure.Unavailable, prefix, e.Message, e);
        }
    }

    private static bool HasFiles(string prefix, DirectoryInfo folder) =>
        EntriesOf(prefix, folder).Any(e => e is DirectoryInfo below ? HasFiles(prefix, below) : e.Exists);

    // A store that goes away under a list leaves a part of it, which must not pass for the whole.
    private Task<bool> AssertPresentAsync(string prefix) => GuardAsync(prefix, () => Task.FromResult(true));

    // A write that finds no directory is no missing object: a volume is gone, or something else stands where the store should be.
    private async Task<T> GuardAsync<T>(string key, Func<Task<T>> action, bool isWrite = false)
    {
        try
        {
            if (IdentityProblem(isWrite) is { } problem) throw new StoreException(StoreFailure.Unavailable, key, problem);
            return await action().ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && !isWrite)
        {
            // Or the whole store went away since it was looked at.
            _ = await AssertPresentAsync(key).ConfigureAwait(false);
            throw new StoreException(StoreFailure.NotFound, key, "there is no such object", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StoreException(StoreFailure.Denied, key, e.Message, e);
        }
        catch (IOException e) when (e is not StoreException)
        {
            throw new StoreException(StoreFailure.Unavailable, key, e.Message, e);
        }
    }

    private string? IdentityProblem(bool isWrite)
    {
        if (!Directory.Exists(_root))
            return $"the store {_root} is not a directory: is its volume mounted? "
                + "The directory of a new store has to be made once (mkdir).";
        var path = Path.Combine(_root, IdentityName);
        var found = File.Exists(path) ? Encoding.ASCII.GetString(BoundedFile.Read(path, IdentityBytes)).Trim() : null;
        if (found is null && Volatile.Read(ref _identity) is null && isWrite)
        {
            Directory.CreateDirectory(_partial);
            var temporary = Path.Combine(_partial, "store-" + Guid.NewGuid().ToString("n"));
            AtomicFile.Write(temporary, Encoding.ASCII.GetBytes(Guid.NewGuid().ToString() + "\n"));
            _ = PosixFiles.TryLinkIfAbsent(temporary, path); // another node may have been faster: its identity counts
            File.Delete(temporary);
            PosixFiles.SyncDirectory(_root);
            found = Encoding.ASCII.GetString(BoundedFile.Read(path, IdentityBytes)).Trim();
        }

        var known = found is null ? Volatile.Read(ref _identity) : Interlocked.CompareExchange(ref _identity, found, null) ?? found;
        return known == found ? null : $"another directory lies at {_root} than before: is its volume still mounted?";
    }

    private static string ETagOf(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static bool Replace(string temporary, string target)
    {
        File.Move(temporary, target, overwrite: true);
        return true;
    }

    // Only documents are replaced this way, by writers that all come through here: an exclusive file orders them.
    private bool TryReplace(string temporary, string target, string etag)
    {
        using var gate = FileLock.Take(Path.Combine(_partial, LockName), GateTries);
        return File.Exists(target) && ETagOf(target) == etag && Replace(temporary, target);
    }

    private async Task<string> WritePartialAsync(ObjectContent content, CancellationToken cancellation)
    {
        Directory.CreateDirectory(_partial);
        var id = Interlocked.Increment(ref _counter);
        var temporary = Path.Combine(_partial, $"{Environment.MachineName}-{Environment.ProcessId}-{id}-{Guid.NewGuid():n}");
        try
        {
            var options =
                new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, PreallocationSize = 0 };
            await using var file = new FileStream(temporary, options);
            await using var source = content.Open();
            await source.CopyToAsync(file, 256 * 1024, cancellation).ConfigureAwait(false);
            if (file.Length != content.Length) throw new IOException("the content changed its length while it was read");
            file.Flush(flushToDisk: true);
            return temporary;
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private List<FileInfo> Partials()
    {
        var folder = new DirectoryInfo(_partial);
        return folder.Exists ? [.. folder.EnumerateFiles().Where(f => f.Name != LockName)] : [];
    }

    private string PathOf(string key) =>
        ObjectKey.IsValid(key) ? Path.Combine(_root, key) : throw new ArgumentException($"'{key}' is not an object key.", nameof(key));

    private string FolderOf(string prefix) => prefix.Length == 0 ? _root : PathOf(prefix.TrimEnd('/'));
}
