using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Sidecars.Core.Lineage;

/// <summary>
/// Reads magic, version and the auxiliary fields (opcode 0xFA) of an RDB file and stops at the first other opcode. The format is that
/// of rdbSaveRio, rdbSaveInfoAuxFields, rdbLoadLenByRef and rdbGenericLoadStringObject in rdb.c.
/// </summary>
public static class RdbHeaderReader
{
    /// <summary>
    /// Bytes read at most. Servers write 81 to 165 bytes of auxiliary fields today (measured on 7.0.15); 4 KiB is one block of the disk
    /// and leaves room for twenty times as many. A header that does not end within it is <see cref="FileFaultKind.TooLarge"/>.
    /// </summary>
    public const int MaxBytes = 4096;

    private const int MagicLength = 9; // "REDIS" + 4 digits, "VALKEY" + 3 digits
    private const byte OpcodeAux = 0xFA;

    /// <summary>Reads the header from the first bytes of a file.</summary>
    /// <param name="head">The first bytes; more than <see cref="MaxBytes"/> are not looked at.</param>
    /// <param name="fileLength">Length of the whole file, to tell a torn file from a long header.</param>
    public static DiskFact<RdbHeader> Read(ReadOnlySpan<byte> head, long fileLength)
    {
        if (head.Length > MaxBytes) head = head[..MaxBytes];
        if (head.Length < MagicLength)
            return Fault(
                head.IsEmpty || "REDIS"u8.StartsWith(head[..Math.Min(head.Length, 5)]) ? FileFaultKind.Torn : FileFaultKind.WrongFormat,
                "no magic");
        if (!TryMagic(head[..MagicLength], out var header)) return Fault(FileFaultKind.WrongFormat, "no RDB magic");

        var cursor = new Cursor(head[MagicLength..]);
        ReplicationId? id = null;
        long? offset = null;
        while (true)
        {
            if (!cursor.TryByte(out var opcode)) return End(head.Length, fileLength);
            if (opcode != OpcodeAux)
                return DiskFact<RdbHeader>.Known(header with
                {
                    HasNoKeys = opcode == RdbTail.Eof,
                    Position = id is { } known && offset is >= 0 ? new ReplicationPosition(known, offset.Value) : null,
                });

            if (!cursor.TryString(out var name) || !cursor.TryString(out var value))
                return cursor.Unsupported
                    ? Fault(FileFaultKind.Unsupported, "compressed or unknown encoding of an auxiliary field")
                    : End(head.Length, fileLength);
            if (name.Is("redis-ver"u8) || name.Is("valkey-ver"u8)) header = header with { ServerVersion = value.Text() };
            else if (name.Is("ctime"u8)) header = header with { CreatedSeconds = value.Number() };
            else if (name.Is("used-mem"u8)) header = header with { UsedMemory = value.Number() };
            else if (name.Is("repl-stream-db"u8)) header = header with { ReplicationDatabase = value.Number() };
            else if (name.Is("aof-base"u8)) header = header with { IsAofBase = value.Number() is not (null or 0) };
            else if (name.Is("repl-offset"u8)) offset = value.Number();
            else if (name.Is("repl-id"u8)) id = ReplicationId.TryParse(value.Bytes, out var parsed) ? parsed : null;
        }
    }

    /// <summary>True where a file begins as a snapshot does: magic and version.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> head) => head.Length >= MagicLength && TryMagic(head[..MagicLength], out _);

    private static bool TryMagic(ReadOnlySpan<byte> magic, out RdbHeader header)
    {
        header = new RdbHeader("REDIS", 0);
        if (magic.StartsWith("VALKEY"u8)) header = new RdbHeader("VALKEY", 0);
        else if (!magic.StartsWith("REDIS"u8)) return false;
        var digits = magic[header.Product.Length..];
        if (digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false; // int.TryParse takes NUL bytes after digits
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var version) || version == 0) return false;
        header = header with { Version = version };
        return true;
    }

    private static DiskFact<RdbHeader> End(int read, long fileLength) => read < fileLength
        ? Fault(FileFaultKind.TooLarge, $"auxiliary fields go on past {read} bytes")
        : Fault(FileFaultKind.Torn, "ends within the auxiliary fields");

    private static DiskFact<RdbHeader> Fault(FileFaultKind kind, string detail) =>
        DiskFact<RdbHeader>.Unreadable(new FileFault(kind, detail));

    /// <summary>A string as the file holds it: bytes, or an integer.</summary>
    private readonly ref struct Value(ReadOnlySpan<byte> bytes, long? integer)
    {
        public ReadOnlySpan<byte> Bytes { get; } = bytes;

        public bool Is(ReadOnlySpan<byte> name) => integer is null && Bytes.SequenceEqual(name);

        public string Text() => integer?.ToString(CultureInfo.InvariantCulture) ?? Encoding.UTF8.GetString(Bytes);

        public long? Number()
        {
            if (integer is not null) return integer;
            return long.TryParse(Bytes, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && !Bytes.Contains((byte)0)
                ? number
                : null;
        }
    }

    private ref struct Cursor(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        /// <summary>The last failure was an encoding that is not read, rather than the end of the bytes.</summary>
        public bool Unsupported { get; private set; }

        public bool TryByte(out byte value)
        {
            value = 0;
            if (_rest.IsEmpty) return false;
            value = _rest[0];
            _rest = _rest[1..];
            return true;
        }

        public bool TryString(out Value value)
        {
            value = default;
            if (!TryByte(out var first)) return false;
            switch (first >> 6)
            {
                case 0: return TryTake(first, out value);
                case 1: return TryByte(out var low) && TryTake((long)(((first & 0x3F) << 8) | low), out value);
                case 2 when first == 0x80: return TryBytes(4, out var b32) && TryTake(BinaryPrimitives.ReadUInt32BigEndian(b32), out value);
                case 2 when first == 0x81: return TryBytes(8, out var b64) && TryTake(BinaryPrimitives.ReadInt64BigEndian(b64), out value);
                case 3 when (first & 0x3F) <= 2: return TryInteger(first & 0x3F, out value);
                default:
                    Unsupported = true; // LZF (0xC3), or an encoding of a later version
                    return false;
            }
        }

        private bool TryInteger(int encoding, out Value value)
        {
            value = default;
            if (!TryBytes(1 << encoding, out var bytes)) return false;
            value = new Value(default, encoding switch
            {
                0 => (sbyte)bytes[0],
                1 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
                _ => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            });
            return true;
        }

        private bool TryTake(long length, out Value value)
        {
            value = default;
            if (length < 0 || !TryBytes(length, out var bytes)) return false;
            value = new Value(bytes, null);
            return true;
        }

        private bool TryBytes(long count, out ReadOnlySpan<byte> bytes)
        {
            bytes = default;
            if (count > _rest.Length) return false;
            bytes = _rest[..(int)count];
            _rest = _rest[(int)count..];
            return true;
        }
    }
}

/// <summary>
/// A cheap hint that an RDB file is whole: since version 5 it ends in opcode EOF (0xFF) and eight bytes of CRC64 (zeros with
/// <c>rdbchecksum no</c>). Not proof (one random byte in 256 passes), and not the checksum, which would read the whole file; a file
/// cut at any other place nearly always fails it. Servers write to a temporary file and rename, so a cut file comes from elsewhere:
/// a crashed disk, a copied volume.
/// </summary>
public static class RdbTail
{
    /// <summary>Bytes that are looked at.</summary>
    public const int Length = 9;

    /// <summary>Opcode EOF, which the checksum follows.</summary>
    public const byte Eof = 0xFF;

    /// <summary>True where the last bytes of a file of <paramref name="version"/> can be its end.</summary>
    /// <param name="tail">The last <see cref="Length"/> bytes, or all of a shorter file.</param>
    /// <param name="version">From the header.</param>
    public static bool LooksWhole(ReadOnlySpan<byte> tail, int version) =>
        version < 5 ? tail.Length > 0 && tail[^1] == Eof : tail.Length >= Length && tail[^Length] == Eof;
}
