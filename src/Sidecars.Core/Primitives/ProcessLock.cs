using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Sidecars.Core.Primitives;

/// <summary>
/// A POSIX record lock (<c>fcntl(2)</c>) on a whole file. The kernel gives it up when the process ends, however it ends;
/// it survives <c>execve</c> as long as the descriptor stays open, and, unlike <c>flock</c>, a forked child (a Redis that
/// saves) does not hold it. So "the lock is held" means "that very process lives".
/// <para>A process loses the lock when it closes <em>any</em> descriptor of the file: nothing else may open it.</para>
/// </summary>
public sealed partial class ProcessLock : IDisposable
{
    private const int ReadWriteCreateCloseOnExec = 0x2 | 0x40 | 0x80000; // O_RDWR | O_CREAT | O_CLOEXEC (Linux, x64 and arm64)
    private const int SetLock = 6; // F_SETLK
    private const int GetLock = 5; // F_GETLK
    private const short WriteLock = 1; // F_WRLCK
    private const short Unlocked = 2; // F_UNLCK
    private const int AccessDenied = 13; // EACCES
    private const int TryAgain = 11; // EAGAIN
    private int _descriptor;

    private ProcessLock(int descriptor) => _descriptor = descriptor;

    /// <summary>The open file; keep it open over <c>execve</c> to hand the lock to the next program.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Opens the file (created if absent, mode 0660).</summary>
    /// <exception cref="IOException">It can't be opened.</exception>
    public static ProcessLock Open(string path)
    {
        var descriptor = NativeOpen(path, ReadWriteCreateCloseOnExec, 0b110_110_000);
        return descriptor >= 0 ? new ProcessLock(descriptor) : throw Failure("open", path);
    }

    /// <summary>Takes the lock if nobody else has it; true also where this process has it already.</summary>
    public bool TryAcquire()
    {
        var request = new Flock { Type = WriteLock };
        if (Fcntl(_descriptor, SetLock, ref request) == 0) return true;
        return Marshal.GetLastPInvokeError() is AccessDenied or TryAgain ? false : throw Failure("lock", "file");
    }

    /// <summary>Returns true while another process holds the lock.</summary>
    public bool IsHeldByAnother()
    {
        var request = new Flock { Type = WriteLock };
        if (Fcntl(_descriptor, GetLock, ref request) != 0) throw Failure("query", "file");
        return request.Type != Unlocked;
    }

    /// <summary>Closes the file and so gives the lock up.</summary>
    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = NativeClose(descriptor);
    }

    private static IOException Failure(string what, string path) =>
        new($"can't {what} {path}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeOpen(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int NativeClose(int descriptor);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(int descriptor, int command, ref Flock argument);

    // struct flock of 64-bit Linux: the same on x64 and arm64. Start 0 and length 0 mean the whole file.
    [StructLayout(LayoutKind.Sequential)]
    private struct Flock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Pid;
    }
}
