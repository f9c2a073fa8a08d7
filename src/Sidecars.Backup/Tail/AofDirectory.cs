using Microsoft.Win32.SafeHandles;
using Sidecars.Backup.Archive;
using Sidecars.Core.Lineage;

namespace Sidecars.Backup.Tail;

/// <summary>A base that will not go away while it is uploaded.</summary>
/// <param name="File">An open handle of the base file; null where the AOF has no base.</param>
/// <param name="Name">Its name.</param>
/// <param name="Sequence">Its sequence number.</param>
/// <param name="Time">Second at which it was begun (RDB <c>ctime</c>), else its last change.</param>
/// <param name="Start">First byte of the stream that is not in it.</param>
public sealed record PinnedBase(SafeFileHandle? File, string Name, long Sequence, long Time, StreamPosition Start) : IDisposable
{
    /// <summary>Its format; null where it is commands.</summary>
    public RdbFormat? Format { get; init; }

    /// <summary>Gives the space back.</summary>
    public void Dispose() => File?.Dispose();
}

/// <summary>
/// The multi-part AOF of a server that may be running. A base is pinned by an open handle, which, as a hard link would, keeps its content
/// after the server has deleted the name, takes no space of its own until then, and leaves nothing behind when this process is killed.
/// </summary>
/// <param name="dataDirectory">The server's working directory.</param>
/// <param name="layout">File names.</param>
public sealed class AofDirectory(string dataDirectory, DataLayout layout)
{
    private const int PinTries = 20; // a rewrite takes two renames; more than a few misses in a row mean something else
    private readonly DiskFiles _files = new();

    /// <summary>The server's working directory.</summary>
    public string DataDirectory { get; } = dataDirectory;

    /// <summary>The directory of the AOF.</summary>
    public string Folder { get; } = Path.Combine(dataDirectory, layout.AppendDirectory);

    /// <summary>Names.</summary>
    public DataLayout Layout { get; } = layout;

    /// <summary>The manifest as it is now.</summary>
    public DiskFact<AofManifest> ReadManifest() =>
        _files.ReadAll(Path.Combine(Folder, Layout.ManifestFile), AofManifestReader.MaxBytes).Then(bytes => AofManifestReader.Read(bytes));

    /// <summary>
    /// True while the files hold an older dataset than the server: after a full sync, or <c>appendonly yes</c> at run time, commands go to
    /// a temporary increment until the first rewrite ends (startAppendOnly in aof.c). One older than the manifest is a crash's leftover.
    /// </summary>
    public bool IsBehindServer =>
        DiskFiles.Stat(Path.Combine(Folder, $"temp-{Layout.AppendFile}.incr")) is { IsKnown: true, Value: var temporary }
        && DiskFiles.Stat(Path.Combine(Folder, Layout.ManifestFile)) is { IsKnown: true, Value: var manifest }
        && temporary.ChangedTicks >= manifest.ChangedTicks;

    /// <summary>Opens an increment file for reading; null where it is gone.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    public SafeFileHandle? TryOpen(string name)
    {
        try
        {
            return File.OpenHandle(Path.Combine(Folder, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{name}: {e.Message}", e);
        }
    }

    /// <summary>Pins the base: reads the manifest, opens, reads it again, and tries once more where it changed in between.</summary>
    /// <exception cref="IOException">There is no AOF, or it changed at every try.</exception>
    public PinnedBase PinBase()
    {
        for (var tries = 0; tries < PinTries; tries++)
        {
            var before = ReadManifest();
            if (!before.IsKnown) throw new IOException($"{Layout.ManifestFile}: {before}");
            if (before.Value.Increments.Count == 0)
                throw new IOException($"{Layout.ManifestFile} names no increment file: nothing is appended to");
            var start = new StreamPosition(before.Value.Increments[0].Sequence, 0);
            if (before.Value.Base is not { } entry) return new PinnedBase(null, "", 0, 0, start);
            if (TryOpen(entry.Name) is not { } handle) continue;
            var after = ReadManifest();
            if (after.IsKnown && after.Value.Base == entry && after.Value.Increments[0].Sequence == start.Sequence)
            {
                var header = Header(handle);
                return new PinnedBase(handle, entry.Name, entry.Sequence, BaseTime(handle, header), start)
                { Format = header.IsKnown ? RdbFormat.Of(header.Value) : null };
            }

            handle.Dispose();
        }

        throw new IOException($"{Layout.ManifestFile} changed at each of {PinTries} tries");
    }

    /// <summary>Pins the snapshot, which the server renames into place whole.</summary>
    /// <exception cref="IOException">There is none, or it is no RDB file.</exception>
    public PinnedBase PinSnapshot()
    {
        var handle = TryOpen(Path.Combine(DataDirectory, Layout.RdbFile))
            ?? throw new IOException($"{Layout.RdbFile} is not there: the server has not saved yet");
        if (Header(handle) is { IsKnown: true, Value: { CreatedSeconds: { } created } header })
            return new PinnedBase(handle, Layout.RdbFile, 0, created, default) { Format = RdbFormat.Of(header) };
        handle.Dispose();
        throw new IOException($"{Layout.RdbFile} is not a snapshot");
    }

    private static DiskFact<RdbHeader> Header(SafeFileHandle handle)
    {
        var head = new byte[RdbHeaderReader.MaxBytes];
        return RdbHeaderReader.Read(head.AsSpan(0, RandomAccess.Read(handle, head, 0)), RandomAccess.GetLength(handle));
    }

    // A base of commands has no header; it was renamed into place after it was begun, and its last change is later than that.
    private static long BaseTime(SafeFileHandle handle, DiskFact<RdbHeader> header) =>
        header is { IsKnown: true, Value.CreatedSeconds: { } created }
            ? created
            : new DateTimeOffset(File.GetLastWriteTimeUtc(handle)).ToUnixTimeSeconds();
}
