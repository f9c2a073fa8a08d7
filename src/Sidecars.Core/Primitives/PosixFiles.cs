using System.Runtime.InteropServices;

namespace Sidecars.Core.Primitives;

/// <summary>The two calls that .NET has no counterpart for: link(2), and fsync(2) of a directory.</summary>
public static partial class PosixFiles
{
    private const int CrossDevice = 18; // EXDEV
    private const int TooManyLinks = 31; // EMLINK
    private const int NotPermitted = 1; // EPERM: the filesystem has no hard links
    private const int Exists = 17; // EEXIST
    private const int InvalidArgument = 22; // EINVAL: the filesystem cannot sync a directory
    private const int OpenDirectory = 0x10000 | 0x80000; // O_DIRECTORY | O_CLOEXEC on x86-64; the former is 0x4000 on arm64
    private const int OpenDirectoryArm = 0x4000 | 0x80000;

    /// <summary>
    /// A second name for a file. False where this filesystem can't link the two; the caller must not copy gigabytes instead.
    /// </summary>
    /// <exception cref="IOException">Any other error (the file has gone, no space, a name that exists).</exception>
    public static bool TryLink(string existing, string added)
    {
        var error = LinkError(existing, added);
        return error is CrossDevice or TooManyLinks or NotPermitted ? false : error == 0 ? true : throw LinkFailed(existing, error);
    }

    /// <summary>
    /// A second name for a file, where nothing has that name: of many callers one succeeds. False where something has it.
    /// </summary>
    /// <exception cref="IOException">Any other error.</exception>
    public static bool TryLinkIfAbsent(string existing, string added)
    {
        var error = LinkError(existing, added);
        return error == Exists ? false : error == 0 ? true : throw LinkFailed(existing, error);
    }

    /// <summary>Makes names in a directory durable: without it a rename may be lost with the power.</summary>
    /// <exception cref="IOException">
    /// The directory can't be opened or synced. A filesystem that syncs no directories has done what it can.
    /// </exception>
    public static void SyncDirectory(string path)
    {
        var flags = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? OpenDirectoryArm : OpenDirectory;
        var fd = Open(path, flags); // .NET opens no directories
        if (fd < 0) throw new IOException($"open {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (Sync(fd) < 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
                throw new IOException($"fsync {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(fd);
        }
    }

    private static int LinkError(string existing, string added) => Link(existing, added) == 0 ? 0 : Marshal.GetLastPInvokeError();

    private static IOException LinkFailed(string existing, int error) =>
        new($"link {Path.GetFileName(existing)}: {Marshal.GetPInvokeErrorMessage(error)}");

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string added);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int fd);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);
}
