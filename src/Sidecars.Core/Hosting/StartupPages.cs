using System.Globalization;
using System.Runtime.InteropServices;

namespace Sidecars.Core.Hosting;

/// <summary>
/// Gives the pages of this executable's file that only its start needed back to the kernel: they count as its resident memory, while
/// a process that wakes a few times a second needs a fraction of them. What is needed again is mapped again from the page cache
/// (a minor fault of a microsecond). Linux; nothing happens elsewhere.
/// </summary>
public static partial class StartupPages
{
    private const int DontNeed = 4; // MADV_DONTNEED: for a mapping of a file without changes of ours, its content stays the file's

    /// <summary>A minute's work is done once by then: connections, the first looks, the first scrape.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(20);

    /// <summary>Once, 20 s from now; then it ends.</summary>
    public static async Task ReleaseOnceSettledAsync(TimeProvider time, CancellationToken cancellation)
    {
        await Task.Delay(Settled, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!cancellation.IsCancellationRequested) Release();
    }

    /// <summary>Now. Returns the bytes of the mappings that were given back; 0 where there are none.</summary>
    public static long Release()
    {
        if (!OperatingSystem.IsLinux() || Environment.ProcessPath is not { } executable) return 0;
        long released = 0;
        try
        {
            foreach (var (start, length) in Unchanged(File.ReadLines("/proc/self/smaps"), executable))
                if (Advise((nint)start, (nint)length, DontNeed) == 0) released += length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It stays as large as it is.
        }

        return released;
    }

    /// <summary>
    /// The mappings of <paramref name="file"/> that can't be written and hold no page of our own (proc(5), smaps). One relocated page
    /// would be lost with its relocations, so a mapping with any is left alone.
    /// </summary>
    /// <param name="smaps">Lines of <c>/proc/self/smaps</c>.</param>
    /// <param name="file">Path as it stands there.</param>
    public static IReadOnlyList<(long Start, long Length)> Unchanged(IEnumerable<string> smaps, string file)
    {
        var found = new List<(long, long)>();
        (long Start, long Length)? mapping = null;
        foreach (var line in smaps)
        {
            if (Header(line) is { } header)
            {
                mapping = header.Path == file && header.Rights is "r-xp" or "r--p" ? (header.Start, header.End - header.Start) : null;
            }
            else if (mapping is { } candidate && line.StartsWith("Anonymous:", StringComparison.Ordinal))
            {
                if (line.AsSpan("Anonymous:".Length).Trim().SequenceEqual("0 kB")) found.Add(candidate);
                mapping = null;
            }
        }

        return found;
    }

    // "55d0c8a00000-55d0c9b00000 r-xp 00400000 fe:00 1234    /usr/local/bin/redis-failover"
    private static (long Start, long End, string Rights, string Path)? Header(string line)
    {
        var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        var dash = parts.Length >= 5 ? parts[0].IndexOf('-', StringComparison.Ordinal) : -1;
        if (dash < 0 || parts[0].EndsWith(':')) return null;
        return long.TryParse(parts[0].AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var start)
            && long.TryParse(parts[0].AsSpan(dash + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var end)
            ? (start, end, parts[1], parts.Length == 6 ? parts[5].Trim() : "")
            : null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nint length, int advice);
}
