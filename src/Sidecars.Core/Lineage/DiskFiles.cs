namespace Sidecars.Core.Lineage;

/// <summary>Length and time of last change of a file.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="ChangedTicks">UTC ticks by the filesystem's clock; compared only with other files of the same filesystem.</param>
public sealed record FileStat(long Length, long ChangedTicks);

/// <summary>Reads heads and tails of files as facts, never more than asked for, and counts what it read.</summary>
public sealed class DiskFiles
{
    /// <summary>Bytes read from files so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Length and time; a directory in place of the file is unreadable.</summary>
    public static DiskFact<FileStat> Stat(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (info.Exists) return DiskFact<FileStat>.Known(new FileStat(info.Length, info.LastWriteTimeUtc.Ticks));
            return Directory.Exists(path)
                ? DiskFact<FileStat>.Unreadable(new FileFault(FileFaultKind.Io, "a directory where a file should be"))
                : DiskFact<FileStat>.Absent;
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return DiskFact<FileStat>.Unreadable(FileFault.Of(e));
        }
    }

    /// <summary>Reads the whole file; <see cref="FileFaultKind.TooLarge"/> if it holds more than <paramref name="max"/> bytes.</summary>
    public DiskFact<byte[]> ReadAll(string path, int max) => Read(path, (length, _) => length > max ? null : (0, (int)length), max);

    /// <summary>Reads the first bytes, at most <paramref name="max"/>.</summary>
    public DiskFact<byte[]> ReadHead(string path, int max) => Read(path, (length, _) => (0, (int)Math.Min(length, max)), max);

    /// <summary>Reads the last bytes, at most <paramref name="max"/>.</summary>
    public DiskFact<byte[]> ReadTail(string path, int max) =>
        Read(path, (length, _) => (Math.Max(0, length - max), (int)Math.Min(length, max)), max);

    private DiskFact<byte[]> Read(string path, Func<long, int, (long Start, int Count)?> window, int max)
    {
        try
        {
            // Sharing everything: the server may be writing, and reading must never stand in its way.
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (window(RandomAccess.GetLength(file), max) is not { } range)
                return DiskFact<byte[]>.Unreadable(new FileFault(FileFaultKind.TooLarge, $"more than {max} bytes"));
            var bytes = new byte[range.Count];
            var filled = 0;
            while (filled < bytes.Length)
            {
                var got = RandomAccess.Read(file, bytes.AsSpan(filled), range.Start + filled);
                if (got == 0) break; // truncated while it was read
                filled += got;
            }

            BytesRead += filled;
            return DiskFact<byte[]>.Known(filled == bytes.Length ? bytes : bytes[..filled]);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return DiskFact<byte[]>.Absent;
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return DiskFact<byte[]>.Unreadable(FileFault.Of(e));
        }
    }
}
