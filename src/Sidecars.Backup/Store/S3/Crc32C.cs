using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Sidecars.Backup.Store.S3;

/// <summary>
/// CRC-32C, by the processor's own instruction where it has one (x86-64 since SSE 4.2, Arm64). S3 takes several checksums; the SDK computes its
/// default, CRC-32, a byte at a time, which cost a quarter of an upload's processor time.
/// </summary>
internal struct Crc32C()
{
    private uint _state = uint.MaxValue;

    /// <summary>Takes bytes in.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        var state = _state;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes)) state = BitOperations.Crc32C(state, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        foreach (var rest in bytes[(bytes.Length & ~7)..]) state = BitOperations.Crc32C(state, rest);
        _state = state;
    }

    /// <summary>As headers have it: base64 of the four bytes, the highest first.</summary>
    public override readonly string ToString()
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, ~_state);
        return Convert.ToBase64String(bytes);
    }

    /// <summary>Of a whole content.</summary>
    /// <exception cref="IOException">It could not be read.</exception>
    public static string Of(ObjectContent content)
    {
        var sum = new Crc32C();
        content.ReadAll(bytes => sum.Append(bytes));
        return sum.ToString();
    }
}
