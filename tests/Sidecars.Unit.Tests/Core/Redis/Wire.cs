using System.Buffers;
using System.Text;
using Sidecars.Core.Redis;

namespace Sidecars.Unit.Tests.Core.Redis;

/// <summary>Wire text to values and back. Latin-1, so that every byte can be written in a literal.</summary>
internal static class Wire
{
    public static byte[] Bytes(string wire) => Encoding.Latin1.GetBytes(wire);

    public static RespValue Read(string wire, RespLimits? limits = null) => ReadAll(Bytes(wire), limits).Single();

    public static List<RespValue> ReadAll(byte[] wire, RespLimits? limits = null) => ReadPieces(limits, wire);

    public static List<RespValue> ReadPieces(RespLimits? limits, params byte[][] pieces)
    {
        var reader = new RespReader(limits);
        var values = new List<RespValue>();
        foreach (var piece in pieces)
        {
            reader.Append(piece);
            while (reader.TryRead(out var value)) values.Add(value);
        }

        return values;
    }

    public static string Write(RespValue value)
    {
        var output = new ArrayBufferWriter<byte>();
        RespWriter.WriteValue(output, value);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }

    public static string Write(IEnumerable<RespValue> values) => string.Concat(values.Select(Write));

    public static string Write(RespCommand command)
    {
        var output = new ArrayBufferWriter<byte>();
        command.WriteTo(output);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }
}
