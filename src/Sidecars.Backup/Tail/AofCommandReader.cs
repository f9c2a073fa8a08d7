using System.Globalization;
using System.Text;

namespace Sidecars.Backup.Tail;

/// <summary>What <see cref="AofCommandReader.Read"/> came to.</summary>
public enum AofScan
{
    /// <summary>All bytes were taken in; more may follow.</summary>
    NeedsMore,

    /// <summary>A limit was reached: <see cref="AofCommandReader.Boundary"/> is where to cut.</summary>
    Stopped,

    /// <summary>No AOF: <see cref="AofCommandReader.Problem"/> says what was found.</summary>
    Malformed,
}

/// <summary>A place between two commands, outside any MULTI.</summary>
/// <param name="Offset">Bytes from where the reader began.</param>
/// <param name="Time">Highest <c>#TS:</c> up to here, seconds since 1970; 0 for none.</param>
/// <param name="Commands">Commands up to here.</param>
public readonly record struct AofBoundary(long Offset, long Time, long Commands);

/// <summary>
/// Finds where an AOF may be cut: after whole commands, never within MULTI … EXEC, which the server would drop. Takes bytes in any
/// pieces and keeps only the line that it is in (at most 1 KiB), so that a value of 512 MB costs nothing. The format is that of
/// feedAppendOnlyFile and loadSingleAppendOnlyFile in aof.c: arrays of bulk strings, and lines that begin with <c>#</c> between
/// them, of which <c>#TS:</c> is the time of what follows. An annotation belongs to the command after it.
/// </summary>
public sealed class AofCommandReader
{
    private const int MaxLine = 1024; // AOF_ANNOTATION_LINE_MAX_LEN; a header has at most 12
    private const int LongestName = 5; // MULTI
    private readonly byte[] _line = new byte[MaxLine];
    private readonly byte[] _name = new byte[LongestName];
    private Expect _expect;
    private int _lineLength;
    private long _arguments;
    private long _payload;
    private long _payloadLength;
    private bool _first;
    private long _nameLength;
    private bool _inTransaction;
    private long _time;
    private long _commands;

    /// <summary>Begins at a boundary.</summary>
    /// <param name="time"><see cref="AofBoundary.Time"/> in force there; 0 for none.</param>
    public AofCommandReader(long time = 0)
    {
        _time = time;
        Boundary = new AofBoundary(0, time, 0);
    }

    private enum Expect
    {
        Unit,
        ArgumentHeader,
        Payload,
        PayloadEnd,
    }

    /// <summary>Stop at the first boundary at or after this offset; default: never.</summary>
    public long StopAtOffset { get; set; } = long.MaxValue;

    /// <summary>Stop before the first command that is later than this second; default: never.</summary>
    public long StopAfterTime { get; init; } = long.MaxValue;

    /// <summary>The last boundary.</summary>
    public AofBoundary Boundary { get; private set; }

    /// <summary>Bytes taken in.</summary>
    public long Offset { get; private set; }

    /// <summary>What is wrong, without content of the dataset; "" if nothing.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Takes bytes in.</summary>
    /// <param name="bytes">The next ones.</param>
    /// <param name="consumed">How many were taken; fewer than all only where it stopped at an offset, and it goes on from there.</param>
    public AofScan Read(ReadOnlySpan<byte> bytes, out int consumed)
    {
        consumed = 0;
        if (Problem.Length > 0) return AofScan.Malformed;
        var rest = bytes;
        while (!rest.IsEmpty)
        {
            var before = rest.Length;
            var result = TakeWhole(ref rest) ? StepResult.CommandEnded : Step(ref rest);
            Offset += before - rest.Length;
            consumed = bytes.Length - rest.Length;
            if (result == StepResult.Malformed) return AofScan.Malformed;
            if (result == StepResult.TooLate) return AofScan.Stopped;
            if (result == StepResult.CommandEnded && EndCommand() && Boundary.Offset >= StopAtOffset) return AofScan.Stopped;
        }

        return AofScan.NeedsMore;
    }

    private enum StepResult
    {
        More,
        CommandEnded,
        TooLate,
        Malformed,
    }

    private bool TakeWhole(ref ReadOnlySpan<byte> rest)
    {
        if (_expect != Expect.Unit || _lineLength > 0) return false;
        var length = AofWholeCommand.LengthOf(rest, out var name);
        if (length == 0) return false;
        _nameLength = name.Length;
        if (name.Length <= LongestName) name.CopyTo(_name);
        rest = rest[length..];
        return true;
    }

    private StepResult Step(ref ReadOnlySpan<byte> rest)
    {
        switch (_expect)
        {
            case Expect.Payload:
                TakePayload(ref rest);
                return StepResult.More;
            case Expect.PayloadEnd:
                if (rest[0] != (_payload == 2 ? '\r' : '\n')) return Malformed("a value has not the length that it claims");
                rest = rest[1..];
                if (--_payload > 0) return StepResult.More;
                _first = false;
                _expect = --_arguments > 0 ? Expect.ArgumentHeader : Expect.Unit;
                return _expect == Expect.Unit ? StepResult.CommandEnded : StepResult.More;
            default:
                return TakeLine(ref rest) ? ReadLine() : _lineLength < MaxLine ? StepResult.More : Malformed("a line without end");
        }
    }

    private void TakePayload(ref ReadOnlySpan<byte> rest)
    {
        var count = (int)Math.Min(rest.Length, _payload);
        if (_first && _payloadLength <= LongestName) rest[..count].CopyTo(_name.AsSpan((int)(_payloadLength - _payload)));
        rest = rest[count..];
        _payload -= count;
        if (_payload > 0) return;
        _payload = 2; // CR LF
        _expect = Expect.PayloadEnd;
    }

    /// <summary>Collects up to the line feed; true with the whole line in <see cref="_line"/>.</summary>
    private bool TakeLine(ref ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf((byte)'\n');
        var count = Math.Min(end < 0 ? rest.Length : end + 1, MaxLine - _lineLength);
        rest[..count].CopyTo(_line.AsSpan(_lineLength));
        _lineLength += count;
        rest = rest[count..];
        return _lineLength > 0 && _line[_lineLength - 1] == '\n';
    }

    private StepResult ReadLine()
    {
        var line = _line.AsSpan(0, _lineLength);
        _lineLength = 0;
        if (line is not [.. var text, (byte)'\r', (byte)'\n'] || text.IsEmpty) return Malformed("a line that does not end in CR LF");
        if (_expect == Expect.Unit && text[0] == '#') return ReadAnnotation(text);
        var mark = _expect == Expect.Unit ? '*' : '$';
        if (text[0] != mark || !TryNumber(text[1..], out var number)) return Malformed($"no {mark} and number");
        if (_expect == Expect.Unit)
        {
            if (number == 0) return Malformed("a command without a name");
            (_arguments, _first, _expect) = (number, true, Expect.ArgumentHeader);
            return StepResult.More;
        }

        (_payload, _payloadLength, _expect) = (number, number, Expect.Payload);
        if (number == 0) (_payload, _expect) = (2, Expect.PayloadEnd);
        if (_first) _nameLength = number;
        return StepResult.More;
    }

    // Any other annotation is for the future: the server skips them too.
    private StepResult ReadAnnotation(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith("#TS:"u8) || !TryNumber(text[4..], out var seconds)) return StepResult.More;
        if (seconds > StopAfterTime) return StepResult.TooLate;
        _time = Math.Max(_time, seconds); // a clock that was set back does not make earlier what came later
        return StepResult.More;
    }

    /// <summary>True where a boundary came of it.</summary>
    private bool EndCommand()
    {
        _commands++;
        var name = _nameLength <= LongestName ? _name.AsSpan(0, (int)_nameLength) : default;
        if (Ascii.EqualsIgnoreCase(name, "MULTI"u8)) _inTransaction = true;
        else if (Ascii.EqualsIgnoreCase(name, "EXEC"u8)) _inTransaction = false;
        if (_inTransaction) return false;
        Boundary = new AofBoundary(Offset, _time, _commands);
        return true;
    }

    private StepResult Malformed(string problem)
    {
        Problem = string.Create(CultureInfo.InvariantCulture, $"{problem}, near byte {Offset}");
        return StepResult.Malformed;
    }

    // Ten digits: 2^31 and more, as the server's own limits; no sign, no white space.
    private static bool TryNumber(ReadOnlySpan<byte> digits, out long number)
    {
        number = 0;
        if (digits.Length is 0 or > 10) return false;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            number = (number * 10) + (digit - '0');
        }

        return true;
    }
}
