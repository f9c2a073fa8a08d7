using System.Buffers.Binary;
using System.IO.Hashing;

namespace Sidecars.Backup.Store.S3;

/// <summary>CRC-32C, with which objects are stored and read. The SDK verifies it nowhere, and sums its own default, CRC-32.</summary>
internal static class Crc32C
{
    /// <summary>Begins a checksum.</summary>
    public static Crc32 Begin() => new(Crc32ParameterSet.Crc32C);

    /// <summary>As headers have it: base64 of the four bytes, the highest first.</summary>
    public static string Text(Crc32 sum)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, sum.GetCurrentHashAsUInt32());
        return Convert.ToBase64String(bytes);
    }

    /// <summary>Calculates the checksum of a whole content.</summary>
    /// <exception cref="IOException">It could not be read.</exception>
    public static string Of(ObjectContent content)
    {
        var sum = Begin();
        content.ReadAll(sum.Append);
        return Text(sum);
    }
}
