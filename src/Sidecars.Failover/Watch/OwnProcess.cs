using Microsoft.Win32.SafeHandles;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Watch;

/// <summary>The process behind the own server.</summary>
public interface IOwnProcess : IDisposable
{
    /// <summary>Whether it is being taken down, or has ended. False where that can't be told.</summary>
    bool IsEnding { get; }
}

/// <summary>
/// The process behind the own server, as the kernel shows it within its PID namespace. A killed process' connections end last:
/// its memory is freed before them (0.2 s a GB and more), and a child of a BGSAVE holds them for as long as it lives. IO only.
/// </summary>
public sealed class OwnProcess : IOwnProcess
{
    private const int Gone = 3; // ESRCH of include/uapi/asm-generic/errno-base.h
    private const int MostBytes = 1024; // of stat: 52 numbers and a name of 15 characters

    // Stays with this process, even if its number is reused.
    private readonly SafeFileHandle _stat;

    private OwnProcess(SafeFileHandle stat) => _stat = stat;

    /// <inheritdoc/>
    public bool IsEnding
    {
        get
        {
            Span<byte> bytes = stackalloc byte[MostBytes];
            try
            {
                return ProcessStat.Read(bytes[..RandomAccess.Read(_stat, bytes, 0)]) is { IsEnding: true };
            }
            catch (IOException e)
            {
                return e.HResult == Gone;
            }
        }
    }

    /// <summary>
    /// The process of that number, where it holds a socket that listens on that port: a number alone may be another's in our own namespace.
    /// Null: it does not, or is not seen from here.
    /// </summary>
    public static OwnProcess? Find(int processId, int port)
    {
        SafeFileHandle? stat = null;
        try
        {
            stat = File.OpenHandle(FormattableString.Invariant($"/proc/{processId}/stat"), share: FileShare.ReadWrite | FileShare.Delete);
            if (Listens(processId, port)) return new OwnProcess(Interlocked.Exchange(ref stat, null));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another namespace, another user, or it has just ended.
        }
        finally
        {
            stat?.Dispose();
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _stat.Dispose();

    // The kernel lists who listens before all connections, of which there may be many: read is only up to the one that is sought.
    private static bool Listens(int processId, int port)
    {
        var held = new DirectoryInfo(FormattableString.Invariant($"/proc/{processId}/fd")).EnumerateFiles()
            .Select(file => file.LinkTarget ?? "").ToHashSet(StringComparer.Ordinal);
        return ((string[])["/proc/net/tcp", "/proc/net/tcp6"]).Where(File.Exists)
            .Any(file => ListeningSockets.Read(File.ReadLines(file), port).Any(socket => held.Contains(socket.Name)));
    }
}
