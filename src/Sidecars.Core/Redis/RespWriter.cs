using System.Buffers;
using System.Buffers.Text;

namespace Sidecars.Core.Redis;

/// <summary>
/// RESP onto a buffer. Commands are arrays of bulk strings, in RESP2 and RESP3 alike; whole values are written in RESP3's forms.
/// </summary>
public static class RespWriter
{
    /// <summary>Writes the header of an array of <paramref name="count"/> items.</summary>
    public static void WriteArrayHeader(IBufferWriter<byte> output, int count) => WriteNumber(output, (byte)'*', count);

    /// <summary>Writes a bulk string of any bytes.</summary>
    public static void WriteBulk(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes) => WriteBulk(output, (byte)'$', bytes);

    /// <summary>
    /// A value as RESP3 (for tests and fakes; nulls as <c>_</c>, verbatim strings as <c>txt</c>). Recursion is as deep as the value,
    /// which <see cref="RespLimits.MaxDepth"/> bounds for values that were read.
    /// </summary>
    /// <exception cref="ArgumentException">A simple string holds CR or LF.</exception>
    public static void WriteValue(IBufferWriter<byte> output, RespValue value)
    {
        var bytes = value.Bytes.Span;
        switch (value.Kind)
        {
            case RespKind.Null: output.Write("_\r\n"u8); break;
            case RespKind.SimpleString when bytes.IndexOfAny((byte)'\r', (byte)'\n') >= 0:
                throw new ArgumentException("A simple string holds no CR or LF.", nameof(value));
            case RespKind.SimpleString: WriteLine(output, (byte)'+', bytes); break;
            case RespKind.Error when bytes.IndexOfAny((byte)'\r', (byte)'\n') >= 0: WriteBulk(output, (byte)'!', bytes); break;
            case RespKind.Error: WriteLine(output, (byte)'-', bytes); break;
            case RespKind.Integer: WriteNumber(output, (byte)':', value.Integer); break;
            case RespKind.Boolean: output.Write(value.Integer != 0 ? "#t\r\n"u8 : "#f\r\n"u8); break;
            case RespKind.Double: WriteLine(output, (byte)',', bytes); break;
            case RespKind.BigNumber: WriteLine(output, (byte)'(', bytes); break;
            case RespKind.BulkString: WriteBulk(output, (byte)'$', bytes); break;
            case RespKind.VerbatimString: WriteBulk(output, (byte)'=', (byte[])[.. "txt:"u8, .. bytes]); break;
            case RespKind.Map: WriteItems(output, (byte)'%', value.Items.Count / 2, value); break;
            case RespKind.Set: WriteItems(output, (byte)'~', value.Items.Count, value); break;
            case RespKind.Push: WriteItems(output, (byte)'>', value.Items.Count, value); break;
            default: WriteItems(output, (byte)'*', value.Items.Count, value); break;
        }
    }

    private static void WriteItems(IBufferWriter<byte> output, byte type, int count, RespValue value)
    {
        WriteNumber(output, type, count);
        foreach (var item in value.Items) WriteValue(output, item);
    }

    private static void WriteBulk(IBufferWriter<byte> output, byte type, ReadOnlySpan<byte> bytes)
    {
        WriteNumber(output, type, bytes.Length);
        output.Write(bytes);
        output.Write("\r\n"u8);
    }

    private static void WriteLine(IBufferWriter<byte> output, byte type, ReadOnlySpan<byte> text)
    {
        output.Write([type]);
        output.Write(text);
        output.Write("\r\n"u8);
    }

    private static void WriteNumber(IBufferWriter<byte> output, byte type, long number)
    {
        var span = output.GetSpan(23); // type, sign, 19 digits, CRLF
        span[0] = type;
        _ = Utf8Formatter.TryFormat(number, span[1..], out var digits);
        "\r\n"u8.CopyTo(span[(1 + digits)..]);
        output.Advance(digits + 3);
    }
}
