using System.Numerics;

#pragma warning disable CA1416 // the executables run on Linux only

namespace Sidecars.Core.Primitives;

/// <summary>Replaces a file as a whole: a reader, and a restart after a power loss, sees the old content or the new.</summary>
public static class AtomicFile
{
    /// <summary>Read and write for the owner alone: secrets, and configuration that holds them.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Also readable by the other containers of the pod, whatever user they run as.</summary>
    public const UnixFileMode ReadableByAll = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // Two containers of a pod may write the same file in the same second, each with process id 1: the executable tells them apart.
    private static readonly string Writer = Path.GetFileName(Environment.ProcessPath) ?? "sidecars";
    private static long _slots; // bit n: a write of this process has temporary name n

    /// <summary>
    /// Writes a temporary file in the same directory, then renames it over <paramref name="path"/>; the last of two writers wins whole.
    /// </summary>
    /// <param name="path">The file; its directory must exist.</param>
    /// <param name="content">The whole content.</param>
    /// <param name="mode">Permissions of the new file, whatever the umask and the old file's.</param>
    /// <param name="durable">
    /// True (default): file and directory are synced to disk, which may take as long as the disk is busy. False for what a
    /// restart of the node may forget.
    /// </param>
    /// <exception cref="IOException">The directory is missing, full or read-only; the old file is untouched.</exception>
    /// <exception cref="UnauthorizedAccessException">No right to write there; the old file is untouched.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = ReadableByAll, bool durable = true)
    {
        var full = Path.GetFullPath(path);
        var directory = Path.GetDirectoryName(full) ?? throw new IOException($"{path} is a directory");
        var slot = TakeSlot();
        // The names of an executable repeat, so that what a crash leaves is overwritten, not collected.
        var temporary = Path.Combine(directory, $".{Path.GetFileName(full)}.{Writer}-{Environment.ProcessId}-{slot}.tmp");
        try
        {
            WriteNew(temporary, content, mode, durable);
            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
        finally
        {
            Interlocked.And(ref _slots, ~(1L << slot));
        }

        if (durable) PosixFiles.SyncDirectory(directory);
    }

    private static int TakeSlot()
    {
        while (true)
        {
            var taken = Interlocked.Read(ref _slots);
            var slot = BitOperations.TrailingZeroCount(~taken);
            if (slot == 64) throw new IOException("64 files are being replaced already: the disk does not take them");
            if (Interlocked.CompareExchange(ref _slots, taken | (1L << slot), taken) == taken) return slot;
        }
    }

    private static void WriteNew(string path, ReadOnlySpan<byte> content, UnixFileMode mode, bool durable)
    {
        TryDelete(path); // a leftover keeps its own permissions when it is only truncated
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = mode };
        using var file = new FileStream(path, options);
        File.SetUnixFileMode(file.SafeFileHandle, mode); // the umask took some away
        file.Write(content);
        if (durable) file.Flush(flushToDisk: true);
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first error is the one that matters to the caller.
        }
    }
}
