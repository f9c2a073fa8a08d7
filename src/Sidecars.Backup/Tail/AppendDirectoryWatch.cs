using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Sidecars.Backup.Tail;

/// <summary>
/// inotify(7) on the AOF directory: whether an increment file was created under its own name or renamed to it is all that tells a rewrite
/// from a new dataset, and nothing on the disk shows it afterwards. The kernel queues events, so nothing is missed between two looks
/// (16,384 of them by default; more are an overflow, after which everything is unknown).
/// </summary>
public sealed partial class AppendDirectoryWatch : IDisposable
{
    private const uint Create = 0x100; // IN_CREATE
    private const uint MovedTo = 0x80; // IN_MOVED_TO
    private const uint Overflow = 0x4000; // IN_Q_OVERFLOW
    private const int NonBlockingCloseOnExec = 0x800 | 0x80000; // IN_NONBLOCK | IN_CLOEXEC (Linux, x64 and arm64)
    private const int HeaderLength = 16; // struct inotify_event before its name
    private readonly Dictionary<long, IncrementOrigin> _origins = [];
    private readonly byte[] _buffer = new byte[16 * 1024];
    private readonly string _appendFile;
    private int _descriptor;

    private AppendDirectoryWatch(int descriptor, string appendFile) => (_descriptor, _appendFile) = (descriptor, appendFile);

    /// <summary>Begins to watch.</summary>
    /// <param name="directory">The AOF directory; it must exist.</param>
    /// <param name="appendFile">Setting <c>appendfilename</c>.</param>
    /// <exception cref="IOException">It can't be watched.</exception>
    public static AppendDirectoryWatch Open(string directory, string appendFile)
    {
        var descriptor = Init(NonBlockingCloseOnExec);
        if (descriptor < 0) throw new IOException($"inotify: {Marshal.GetLastPInvokeErrorMessage()}");
        if (AddWatch(descriptor, directory, Create | MovedTo) >= 0) return new AppendDirectoryWatch(descriptor, appendFile);
        var message = Marshal.GetLastPInvokeErrorMessage();
        _ = Close(descriptor);
        throw new IOException($"inotify: {directory}: {message}");
    }

    /// <summary>Takes in what has happened since the last call.</summary>
    public void Drain()
    {
        while (_descriptor >= 0)
        {
            var length = (int)Read(_descriptor, _buffer, _buffer.Length);
            if (length <= 0) return; // EAGAIN: nothing more
            var events = _buffer.AsSpan(0, length);
            while (events.Length >= HeaderLength)
            {
                var mask = BinaryPrimitives.ReadUInt32LittleEndian(events[4..]);
                var nameLength = (int)BinaryPrimitives.ReadUInt32LittleEndian(events[12..]);
                Note(mask, Encoding.UTF8.GetString(events.Slice(HeaderLength, nameLength)).TrimEnd('\0'));
                events = events[(HeaderLength + nameLength)..];
            }
        }
    }

    /// <summary>What was seen of an increment file, up to the last <see cref="Drain"/>.</summary>
    public IncrementOrigin OriginOf(long sequence) => _origins.GetValueOrDefault(sequence);

    /// <summary>Forgets files before this one.</summary>
    public void Forget(long before)
    {
        foreach (var sequence in _origins.Keys.Where(s => s < before).ToList()) _origins.Remove(sequence);
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = Close(descriptor);
    }

    private void Note(uint mask, string name)
    {
        if ((mask & Overflow) != 0) _origins.Clear();
        if (!TrySequence(name, out var sequence)) return;
        if ((mask & Create) != 0) _origins[sequence] = IncrementOrigin.Created;
        if ((mask & MovedTo) != 0) _origins[sequence] = IncrementOrigin.Renamed;
    }

    // appendonly.aof.12.incr.aof
    private bool TrySequence(string name, out long sequence)
    {
        sequence = 0;
        const string Suffix = ".incr.aof";
        return name.StartsWith(_appendFile + ".", StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
            && name.Length > _appendFile.Length + 1 + Suffix.Length
            && long.TryParse(name.AsSpan(_appendFile.Length + 1, name.Length - _appendFile.Length - 1 - Suffix.Length), NumberStyles.None,
                CultureInfo.InvariantCulture, out sequence);
    }

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int Init(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddWatch(int descriptor, string path, uint mask);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, [Out] byte[] buffer, nint length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
