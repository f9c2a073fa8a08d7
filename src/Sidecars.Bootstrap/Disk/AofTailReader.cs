using System.Buffers.Text;
using Sidecars.Core.Lineage;

namespace Sidecars.Bootstrap.Disk;

/// <summary>
/// Reads the end of an AOF file: RESP arrays of bulk strings, and annotations <c>#TS:seconds</c> between them
/// (feedAppendOnlyFile, genAofTimestampAnnotationIfNeeded in aof.c; loadSingleAppendOnlyFile for what a server accepts).
/// <para>
/// A window begins anywhere, perhaps within a value that holds text such as <c>#TS:</c>. So text is not searched for it: the reader
/// looks for a place (after CR LF) from which whole commands follow one another to the end of the file, and values are then stepped
/// over by their lengths. The earliest such place wins, since a place within a value comes to grief where the value ends, unless the
/// value was written to deceive and the window begins within it. That can't be excluded without reading the file from its start; the
/// timestamp only ranks nodes of equal lineage, offset and length, and <see cref="AofTail.FromStart"/> says when it is certain.
/// </para>
/// <para>
/// A file may begin with a snapshot, and commands follow it: <c>aof-use-rdb-preamble</c> of Redis 4 to 6, whose file a server of 7 takes
/// over as its base (aofUpgradePrepare). The snapshot's length is nowhere noted; commands begin behind its end, opcode EOF and eight
/// bytes of checksum.
/// </para>
/// </summary>
public static class AofTailReader
{
    /// <summary>The first window, 64 KiB: at an annotation a second it holds one unless more than 64 KiB/s are written.</summary>
    public const int FirstWindow = 64 * 1024;

    /// <summary>The second and last window, 1 MiB, taken where the first shows no timestamp.</summary>
    public const int LastWindow = 1024 * 1024;

    /// <summary>Places tried. The first one or two succeed in a real file; values full of CR LF * must not cost more than this.</summary>
    private const int MaxAnchors = 64;

    /// <summary>
    /// Places tried behind a snapshot: one byte in 256 looks like its end, one in 128 of those is followed by what begins a command.
    /// </summary>
    private const int MaxSnapshotEnds = 4096;

    /// <summary>
    /// Arguments of a command and bytes of an argument that a server takes (PROTO_MAX: 1024*1024 and 512 MB by default; wider here, as
    /// aof.c is).
    /// </summary>
    private const long MaxNumber = int.MaxValue;

    /// <summary>Reads the last bytes of a file.</summary>
    /// <param name="tail">The last bytes.</param>
    /// <param name="fromStart">They are the whole file.</param>
    /// <param name="recent">How many of them <see cref="AofTail.Overhead"/> is about.</param>
    public static AofTail Read(ReadOnlySpan<byte> tail, bool fromStart, long recent = 0)
    {
        if (tail.IsEmpty) return new AofTail(AofEnd.Empty, null, fromStart);
        if (fromStart && RdbHeaderReader.HasMagic(tail)) return BehindSnapshot(tail, recent);
        if (fromStart)
        {
            var whole = Parse(tail, recent);
            return new AofTail(whole.End, whole.LastTimestamp, true) { Overhead = whole.Overhead };
        }

        var best = new Run(AofEnd.Unrecognised, null, 0, 0);
        var at = 0;
        for (var tried = 0; tried < MaxAnchors && TryAnchor(tail, ref at); tried++)
        {
            var run = Parse(tail[at..], recent);
            if (run.End == AofEnd.Complete) return new AofTail(run.End, run.LastTimestamp, false) { Overhead = run.Overhead };

            // A false place may claim a huge argument and look torn at once; the true one has whole commands behind it.
            if (run.End == AofEnd.Torn && (best.End != AofEnd.Torn || run.Commands > best.Commands)) best = run;
        }

        return new AofTail(best.End, best.LastTimestamp, false) { Overhead = best.Overhead };
    }

    /// <summary>
    /// A whole file that begins with a snapshot: complete where that ends the file, or where whole commands lead from its end to the
    /// file's.
    /// </summary>
    private static AofTail BehindSnapshot(ReadOnlySpan<byte> file, long recent)
    {
        Run? torn = null;
        var tried = 0;
        for (var at = RdbTail.Length; at <= file.Length; at++)
        {
            if (file[at - RdbTail.Length] != RdbTail.Eof || (at < file.Length && file[at] is not ((byte)'*' or (byte)'#'))) continue;
            if (++tried > MaxSnapshotEnds) return new AofTail(AofEnd.Unrecognised, null, false);
            var run = Parse(file[at..], recent);
            if (run.End == AofEnd.Complete) return new AofTail(run.End, run.LastTimestamp, true) { Overhead = run.Overhead };
            if (run.End == AofEnd.Torn && (torn is null || run.Commands > torn.Value.Commands)) torn = run;
        }

        return torn is { } best
            ? new AofTail(best.End, best.LastTimestamp, true) { Overhead = best.Overhead }
            : new AofTail(AofEnd.Unrecognised, null, true);
    }

    /// <summary>
    /// Reads the end of a file: one window, and a larger one where the first shows no timestamp or not all that is asked about.
    /// </summary>
    internal static DiskFact<AofTail> Read(DiskFiles files, string path, long length, long recent = 0)
    {
        var first = ReadWindow(files, path, FirstWindow, length, recent);
        var isEnough = first is not { IsKnown: true, Value: { FromStart: false } tail }
            || (tail.LastTimestamp is not null && recent <= FirstWindow);
        return isEnough ? first : ReadWindow(files, path, LastWindow, length, recent);
    }

    private static DiskFact<AofTail> ReadWindow(DiskFiles files, string path, int window, long length, long recent) =>
        files.ReadTail(path, window).Then(bytes => DiskFact<AofTail>.Known(Read(bytes, bytes.Length >= length, recent)));

    /// <summary>The next place after CR LF where a command or an annotation may begin.</summary>
    private static bool TryAnchor(ReadOnlySpan<byte> tail, ref int at)
    {
        while (true)
        {
            var next = tail[at..].IndexOf("\r\n"u8);
            if (next < 0) return false;
            at += next + 2;
            if (at + 1 < tail.Length && ((tail[at] == '*' && char.IsAsciiDigit((char)tail[at + 1])) || tail[at..].StartsWith("#TS:"u8)))
                return true;
        }
    }

    private readonly record struct Run(AofEnd End, long? LastTimestamp, int Commands, long Overhead);

    private static Run Parse(ReadOnlySpan<byte> rest, long recent)
    {
        long? timestamp = null;
        long overhead = 0;
        for (var commands = 0; ; commands++)
        {
            while (!rest.IsEmpty && rest[0] == '#')
            {
                var end = rest.IndexOf("\r\n"u8);
                if (end < 0) return new Run(AofEnd.Torn, timestamp, commands, overhead + rest.Length);
                if (rest.Length <= recent) overhead += end + 2;
                if (rest.StartsWith("#TS:"u8) && Utf8Parser.TryParse(rest[4..end], out long seconds, out var used) && used == end - 4
                    && seconds >= 0)
                    timestamp = seconds;
                rest = rest[(end + 2)..];
            }

            if (rest.IsEmpty) return new Run(AofEnd.Complete, timestamp, commands, overhead);
            var command = rest.Length;
            switch (Command(ref rest))
            {
                case Step.Torn: return new Run(AofEnd.Torn, timestamp, commands, overhead + Math.Min(command, recent));
                case Step.Garbage: return new Run(AofEnd.Unrecognised, timestamp, commands, overhead);
            }
        }
    }

    private enum Step
    {
        Whole,
        Torn,
        Garbage,
    }

    private static Step Command(ref ReadOnlySpan<byte> rest)
    {
        if (Header(ref rest, (byte)'*', out var arguments) is var step and not Step.Whole) return step;
        if (arguments < 1) return Step.Garbage;
        for (; arguments > 0; arguments--)
        {
            if (Header(ref rest, (byte)'$', out var length) is var header and not Step.Whole) return header;
            if (length + 2 > rest.Length)
                return length >= rest.Length || rest[(int)length] == '\r' ? Step.Torn : Step.Garbage;
            if (!rest.Slice((int)length, 2).SequenceEqual("\r\n"u8)) return Step.Garbage;
            rest = rest[((int)length + 2)..];
        }

        return Step.Whole;
    }

    private static Step Header(ref ReadOnlySpan<byte> rest, byte mark, out long number)
    {
        number = 0;
        if (rest.IsEmpty) return Step.Torn;
        if (rest[0] != mark) return Step.Garbage;
        var digits = 0;
        while (1 + digits < rest.Length && char.IsAsciiDigit((char)rest[1 + digits]))
        {
            number = (number * 10) + (rest[1 + digits] - '0');
            digits++;
            if (number > MaxNumber) return Step.Garbage;
        }

        var after = rest[(1 + digits)..];
        if (after.IsEmpty || (after.Length == 1 && after[0] == '\r' && digits > 0)) return Step.Torn;
        if (digits == 0 || !after.StartsWith("\r\n"u8)) return Step.Garbage;
        rest = after[2..];
        return Step.Whole;
    }
}
