using System.Runtime.InteropServices;

#pragma warning disable CA1416 // the executables run on Linux only

namespace Sidecars.Core.Primitives;

/// <summary>Replaces a file as a whole: a reader, and a restart after a power loss, sees the old content or the new.</summary>
public static partial class AtomicFile
{
    /// <summary>Read and write for the owner alone: secrets, and configuration that holds them.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Also readable by the other containers of the pod, whatever user they run as.</summary>
    public const UnixFileMode ReadableByAll = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const int OpenDirectory = 0x10000 | 0x80000; // O_DIRECTORY | O_CLOEXEC on x86-64; the former is 0x4000 on arm64
    private const int OpenDirectoryArm = 0x4000 | 0x80000;
    private static int _counter;

    /// <summary>Writes a temporary file in the same directory, then renames it over <paramref name="path"/>.</summary>
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
        // Process id and counter start over with the container, so that leftovers of a crash are overwritten, not collected.
        var temporary = Path.Combine(directory, $".{Path.GetFileName(full)}.{Environment.ProcessId}-{Interlocked.Increment(ref _counter)}.tmp");
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

        if (durable) SyncDirectory(directory);
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

    // .NET opens no directories. A file system that cannot sync one (EINVAL) has done what it can.
    private static void SyncDirectory(string directory)
    {
        var flags = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? OpenDirectoryArm : OpenDirectory;
        var fd = Open(directory, flags);
        if (fd < 0) throw new IOException($"{directory} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            const int InvalidArgument = 22;
            if (Sync(fd) < 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
                throw new IOException($"{directory} cannot be synced: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(fd);
        }
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

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int fd);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);
}
