using System.Globalization;
using System.Text;

namespace Sidecars.Core.Lineage;

/// <summary>
/// Reads the manifest of a multi-part AOF: lines <c>file NAME seq N type b|h|i</c>, with quoted names and comments, as
/// aofLoadManifestFromFile in aof.c does. Other key-value pairs are skipped (Redis 8 adds <c>startoffset</c>, <c>endoffset</c>). What the
/// server would refuse to start on is a fault here too: the dataset is not intact.
/// </summary>
public static class AofManifestReader
{
    /// <summary>Bytes read at most, 1 MiB. A line is at most 1 KiB and usually 50 bytes; a live manifest holds a handful.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>MANIFEST_MAX_LINE in aof.c.</summary>
    private const int MaxLine = 1024;

    /// <summary>Words of a line at most: three pairs today, five in Redis 8.</summary>
    private const int MaxWords = 64;

    /// <summary>Reads a manifest; never throws.</summary>
    public static DiskFact<AofManifest> Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes) return Fault(FileFaultKind.TooLarge, $"more than {MaxBytes} bytes");
        if (bytes.IsEmpty) return Fault(FileFaultKind.Torn, "empty");
        AofManifestFile? @base = null;
        List<AofManifestFile> increments = [], history = [];
        for (var number = 1; !bytes.IsEmpty; number++)
        {
            var end = bytes.IndexOf((byte)'\n');
            if (end < 0) return Fault(FileFaultKind.Torn, $"line {number} has no end");
            if (end >= MaxLine) return Fault(FileFaultKind.WrongFormat, $"line {number} is too long");
            var line = bytes[..end].Trim(" \t\r"u8);
            bytes = bytes[(end + 1)..];
            if (line.IsEmpty || line[0] == '#') continue;
            if (ParseLine(line) is not { } file) return Fault(FileFaultKind.WrongFormat, $"line {number} is not a manifest line");
            switch (file.Type)
            {
                case AofFileType.Base when @base is not null: return Fault(FileFaultKind.WrongFormat, $"line {number}: a second base");
                case AofFileType.Base: @base = file; break;
                case AofFileType.Increment when increments.Count > 0 && increments[^1].Sequence >= file.Sequence:
                    return Fault(FileFaultKind.WrongFormat, $"line {number}: increments do not ascend");
                case AofFileType.Increment: increments.Add(file); break;
                default: history.Add(file); break;
            }
        }

        return @base is null && increments.Count == 0 && history.Count == 0
            ? Fault(FileFaultKind.WrongFormat, "names no file")
            : DiskFact<AofManifest>.Known(new AofManifest(@base, increments, history));
    }

    private static AofManifestFile? ParseLine(ReadOnlySpan<byte> line)
    {
        if (SplitWords(line) is not { } words || words.Count < 6 || words.Count % 2 != 0) return null;
        string? name = null;
        long? sequence = null, start = null, end = null;
        AofFileType? type = null;
        for (var i = 0; i < words.Count; i += 2)
        {
            var value = words[i + 1];
            switch (words[i].ToLowerInvariant())
            {
                case "file" when IsFileName(value): name = value; break;
                case "seq" when Number(value) is >= 0: sequence = Number(value); break;
                case "type" when value is "b" or "h" or "i":
                    type = value switch { "b" => AofFileType.Base, "i" => AofFileType.Increment, _ => AofFileType.History };
                    break;
                case "file" or "seq" or "type": return null;
                case "startoffset": start = Number(value); break;
                case "endoffset": end = Number(value); break;
            }
        }

        return name is null || sequence is null || type is null
            ? null
            : new AofManifestFile(name, sequence.Value, type.Value) { StartOffset = start, EndOffset = end };
    }

    /// <summary>A name that stays in its directory, and that a file can have.</summary>
    private static bool IsFileName(string name) =>
        name.Length is > 0 and <= 255 && name is not ("." or "..") && name.AsSpan().IndexOfAny('/', '\\', '\0') < 0;

    // long.TryParse takes NUL characters after the digits.
    private static long? Number(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n)
        && !text.Contains('\0', StringComparison.Ordinal)
            ? n
            : null;

    /// <summary>Words as sdssplitargs in sds.c splits them; null where a quote is not closed, or closed within a word.</summary>
    private static List<string>? SplitWords(ReadOnlySpan<byte> line)
    {
        var words = new List<string>();
        var word = new List<byte>();
        while (true)
        {
            line = line.TrimStart(" \t\r\0"u8);
            if (line.IsEmpty) return words;
            if (words.Count == MaxWords) return null;
            word.Clear();
            if (!TryWord(ref line, word)) return null;
            words.Add(Encoding.UTF8.GetString([.. word]));
        }
    }

    private static bool TryWord(ref ReadOnlySpan<byte> line, List<byte> word)
    {
        while (!line.IsEmpty && !IsSpace(line[0]))
        {
            var c = line[0];
            line = line[1..];
            if (c is not ((byte)'"' or (byte)'\''))
            {
                word.Add(c);
                continue;
            }

            if (!TryQuoted(ref line, c, word)) return false;
            return line.IsEmpty || IsSpace(line[0]);
        }

        return true;
    }

    private static bool TryQuoted(ref ReadOnlySpan<byte> line, byte quote, List<byte> word)
    {
        while (!line.IsEmpty)
        {
            var c = line[0];
            line = line[1..];
            if (c == quote) return true;
            if (c != '\\' || line.IsEmpty || (quote == '\'' && line[0] != '\''))
            {
                word.Add(c);
                continue;
            }

            var escaped = line[0];
            line = line[1..];
            if (quote == '"' && escaped == 'x' && line.Length >= 2 && char.IsAsciiHexDigit((char)line[0])
                && char.IsAsciiHexDigit((char)line[1]))
            {
                word.Add((byte)((Hex(line[0]) << 4) | Hex(line[1])));
                line = line[2..];
                continue;
            }

            word.Add((byte)((char)escaped switch { 'n' => '\n', 'r' => '\r', 't' => '\t', 'b' => '\b', 'a' => '\a', var other => other }));
        }

        return false;
    }

    private static bool IsSpace(byte c) => c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0;

    private static int Hex(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private static DiskFact<AofManifest> Fault(FileFaultKind kind, string detail) =>
        DiskFact<AofManifest>.Unreadable(new FileFault(kind, detail));
}
