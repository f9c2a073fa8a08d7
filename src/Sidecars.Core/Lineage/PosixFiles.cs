using System.Runtime.InteropServices;

namespace Sidecars.Core.Lineage;

/// <summary>The two calls that .NET has no counterpart for: link(2), and fsync(2) of a directory.</summary>
internal static partial class PosixFiles
{
    private const int CrossDevice = 18; // EXDEV
    private const int TooManyLinks = 31; // EMLINK
    private const int NotPermitted = 1; // EPERM: the filesystem has no hard links

    /// <summary>What <see cref="TryLink"/> came to.</summary>
    public enum LinkResult
    {
        /// <summary>Linked.</summary>
        Linked,

        /// <summary>This filesystem cannot link the two: the caller must not fall back to copying gigabytes.</summary>
        NotLinkable,
    }

    /// <summary>A second name for a file.</summary>
    /// <exception cref="IOException">Any other error (the file has gone, no space, a name that exists).</exception>
    public static LinkResult TryLink(string existing, string added)
    {
        if (Link(existing, added) == 0) return LinkResult.Linked;
        var error = Marshal.GetLastPInvokeError();
        return error is CrossDevice or TooManyLinks or NotPermitted
            ? LinkResult.NotLinkable
            : throw new IOException($"link {Path.GetFileName(existing)}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Makes names in a directory durable: without it a rename may be lost with the power.</summary>
    /// <exception cref="IOException">The directory cannot be opened or synced.</exception>
    public static void SyncDirectory(string path)
    {
        var fd = Open(path, 0);
        if (fd < 0) throw new IOException($"open {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        try
        {
            if (Fsync(fd) != 0) throw new IOException($"fsync {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
        finally
        {
            _ = Close(fd);
        }
    }

    /// <summary>
    /// Replaces a file so that a reader, and the disk after a crash, holds either the old content or the new one: written beside it,
    /// synced, renamed, directory synced.
    /// </summary>
    /// <exception cref="IOException">The old content stays.</exception>
    /// <exception cref="UnauthorizedAccessException">The old content stays.</exception>
    public static void ReplaceDurably(string path, string temporary, ReadOnlySpan<byte> content)
    {
        try
        {
            using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(file, content, 0);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            TryDelete(temporary);
            throw;
        }

        SyncDirectory(Path.GetDirectoryName(path)!);
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            // The next write takes the same name; the first error is the one to report.
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string added);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int fd);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);
}
