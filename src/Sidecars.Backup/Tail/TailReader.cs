using Microsoft.Win32.SafeHandles;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Encryption;
using Sidecars.Core.Lineage;

namespace Sidecars.Backup.Tail;

/// <summary>A piece of the stream that is ready to be shipped.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Content">Its bytes.</param>
public sealed record TailSegment(SegmentName Name, ObjectContent Content);

/// <summary>
/// Reads the increment files of one generation in order and cuts them into segments. Holds the files open, so that a rewrite takes none
/// away before it is shipped. Not safe for concurrent use.
/// </summary>
/// <param name="directory">Where the files are.</param>
/// <param name="session">The session in the segments' names.</param>
/// <param name="hash">The hash of the chain.</param>
public sealed class TailReader(AofDirectory directory, long session, ContentHash hash) : IDisposable
{
    private readonly Queue<(AofManifestFile Entry, SafeFileHandle Handle)> _files = new();
    private readonly byte[] _buffer = new byte[256 * 1024];
    private AofCommandReader _scan = new();
    private long _scanBase; // offset in the file where the reader began

    /// <summary>Where the next segment begins.</summary>
    public StreamPosition Position { get; private set; }

    /// <summary>The chain's digest at <see cref="Position"/>.</summary>
    public ChainDigest Digest { get; private set; }

    /// <summary>Highest <c>#TS:</c> so far; 0 for none.</summary>
    public long Time { get; private set; }

    /// <summary>Sequence of the last file that was added.</summary>
    public long LastSequence { get; private set; }

    /// <summary>The end of what is on disk now.</summary>
    public StreamPosition End =>
        _files.Count > 0 ? new StreamPosition(LastSequence, RandomAccess.GetLength(_files.Last().Handle)) : Position;

    /// <summary>Bytes on disk that are not shipped.</summary>
    public long Pending => _files.Sum(f => RandomAccess.GetLength(f.Handle))
        - (_files.Count > 0 && _files.Peek().Entry.Sequence == Position.Sequence ? Position.Offset : 0);

    /// <summary>Goes on from a place that was reached before.</summary>
    /// <param name="at">The place.</param>
    /// <param name="digest">The chain's digest there.</param>
    /// <param name="time">Highest annotation up to there.</param>
    public void Begin(StreamPosition at, ChainDigest digest, long time)
    {
        (Position, Digest, Time) = (at, digest, time);
        Restart();
    }

    /// <summary>Appends a file; the first one holds <see cref="Position"/>.</summary>
    /// <returns>False where it is gone already: the stream has a hole, and the generation ends.</returns>
    /// <exception cref="IOException">It can't be read.</exception>
    public bool TryAdd(AofManifestFile entry)
    {
        if (directory.TryOpen(entry.Name) is not { } handle) return false;
        _files.Enqueue((entry, handle));
        LastSequence = entry.Sequence;
        return true;
    }

    /// <summary>The next segment; null where no whole command is left.</summary>
    /// <param name="target">Bytes after which to cut at the next command.</param>
    /// <param name="until">
    /// An <see cref="End"/> of before, behind which nothing is looked at: who follows a server that writes would never come to an end.
    /// </param>
    /// <exception cref="InvalidDataException">
    /// The stream is broken: a file shrank, is not an AOF, or ends within a command though another follows.
    /// </exception>
    public TailSegment? Next(long target, StreamPosition until)
    {
        while (_files.TryPeek(out var file))
        {
            var end = file.Entry.Sequence < until.Sequence ? long.MaxValue : file.Entry.Sequence == until.Sequence ? until.Offset : 0;
            if (Cut(file.Handle, target, end) is { } boundary) return Segment(file.Handle, boundary);
            if (_files.Count == 1 || file.Entry.Sequence >= until.Sequence) return null;
            if (RandomAccess.GetLength(file.Handle) != Position.Offset)
                throw new InvalidDataException($"{file.Entry.Name} ends within a command, and another file follows it");
            _files.Dequeue().Handle.Dispose();
            Position = new StreamPosition(_files.Peek().Entry.Sequence, 0);
            Restart();
        }

        return null;
    }

    /// <summary>The segment is in the store: go on behind it.</summary>
    public void Advance(SegmentName shipped)
    {
        (Position, Digest, Time) = (shipped.To, shipped.Digest, shipped.Time);
        _scan.StopAtOffset = long.MaxValue;
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        while (_files.TryDequeue(out var file)) file.Handle.Dispose();
    }

    private void Restart() => (_scan, _scanBase) = (new AofCommandReader(Time), Position.Offset);

    // Goes on reading where it stopped; what lies behind the last boundary is not read again with the next segment.
    private AofBoundary? Cut(SafeFileHandle file, long target, long end)
    {
        if (RandomAccess.GetLength(file) < _scanBase + _scan.Offset)
            throw new InvalidDataException($"increment {Position.Sequence} became shorter than what was read of it");
        _scan.StopAtOffset = Position.Offset - _scanBase + target;
        while (_scanBase + _scan.Boundary.Offset < Position.Offset + target)
        {
            var left = end - _scanBase - _scan.Offset;
            if (left <= 0) break;
            var read = RandomAccess.Read(file, _buffer.AsSpan(0, (int)Math.Min(left, _buffer.Length)), _scanBase + _scan.Offset);
            if (read == 0) break;
            if (_scan.Read(_buffer.AsSpan(0, read), out _) == AofScan.Malformed)
                throw new InvalidDataException($"increment {Position.Sequence} is not an AOF: {_scan.Problem}");
        }

        return _scanBase + _scan.Boundary.Offset > Position.Offset ? _scan.Boundary : null;
    }

    private TailSegment Segment(SafeFileHandle file, AofBoundary boundary)
    {
        var end = _scanBase + boundary.Offset;
        var content = ObjectContent.Of(file, Position.Offset, end - Position.Offset);
        var name = new SegmentName(
            Position.Sequence, Position.Offset, end, boundary.Time, session, Digest.Short, Digest.Append(content, hash));
        return new TailSegment(name, content);
    }
}
