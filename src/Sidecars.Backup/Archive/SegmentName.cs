using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Sidecars.Backup.Archive;

/// <summary>
/// One object of the tail: whole commands of one increment file, byte for byte, so that the objects of a file in the order of their
/// names are that file. All that is needed to plan a restore is in the name, so that a listing is enough:
/// <c>START-END-TIME-SESSION-PREVIOUS-DIGEST.aof</c>.
/// </summary>
/// <param name="Sequence">The increment file.</param>
/// <param name="Start">Its first byte in the file.</param>
/// <param name="End">The byte after its last.</param>
/// <param name="Time">Highest <c>#TS:</c> in force up to its end, seconds since 1970; 0 where none has been seen.</param>
/// <param name="Session">Of the uploader (see <see cref="UploaderLease"/>). Where two overlap, the higher one counts.</param>
/// <param name="Previous"><see cref="ChainDigest.Short"/> of the segment before.</param>
/// <param name="Digest">Of the chain after this segment.</param>
public sealed record SegmentName(long Sequence, long Start, long End, long Time, long Session, string Previous, ChainDigest Digest)
{
    private const string Suffix = ".aof";

    /// <summary>Where it begins.</summary>
    public StreamPosition From => new(Sequence, Start);

    /// <summary>Where it ends.</summary>
    public StreamPosition To => new(Sequence, End);

    /// <summary>Bytes.</summary>
    public long Length => End - Start;

    /// <summary>Reads the last two parts of a key.</summary>
    /// <param name="folder">Ten digits.</param>
    /// <param name="file">The name.</param>
    /// <param name="name">The result.</param>
    public static bool TryParse(string folder, string file, [NotNullWhen(true)] out SegmentName? name)
    {
        name = null;
        if (!file.EndsWith(Suffix, StringComparison.Ordinal)) return false;
        var parts = file[..^Suffix.Length].Split('-');
        if (parts.Length != 6
            || !TryNumber(folder, 10, out var sequence) || !TryNumber(parts[0], 15, out var start) || !TryNumber(parts[1], 15, out var end)
            || !TryNumber(parts[2], 10, out var time) || !TryNumber(parts[3], 10, out var session)
            || parts[4].Length != 16 || !ChainDigest.IsHex(parts[4]) || !ChainDigest.TryParse(parts[5], out var digest) || end <= start)
        {
            return false;
        }

        name = new SegmentName(sequence, start, end, time, session, parts[4], digest);
        return true;
    }

    /// <summary><c>SEQUENCE/NAME</c>, the end of the key.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Sequence:D10}/{Start:D15}-{End:D15}-{Time:D10}-{Session:D10}-{Previous}-{Digest}{Suffix}");

    /// <summary>Exactly so many digits: text order is number order, and one number has one text.</summary>
    internal static bool TryNumber(string text, int digits, out long value)
    {
        value = 0;
        return text.Length == digits && text.All(char.IsAsciiDigit)
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
