using System.Text;

namespace Sidecars.Core.Lineage;

/// <summary>
/// A Redis replication id: 40 lower-case hex digits, new at each promotion and at each start that does not continue the old
/// one (CONFIG_RUN_ID_SIZE and changeReplicationId in replication.c). Offsets compare only within one id.
/// </summary>
public readonly record struct ReplicationId
{
    /// <summary>Length of the text.</summary>
    public const int Length = 40;

    private readonly string? _text;

    private ReplicationId(string text) => _text = text;

    /// <summary>The first eight digits, for names and logs.</summary>
    public string Short => ToString()[..8];

    /// <summary>Reads an id. All zeros is refused: Redis uses it for "no second id".</summary>
    public static bool TryParse(string? text, out ReplicationId id)
    {
        id = default;
        if (text is not { Length: Length } || !text.All(c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f') || text.All(c => c == '0'))
            return false;
        id = new ReplicationId(text);
        return true;
    }

    /// <summary>Reads an id from ASCII bytes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ReplicationId id)
    {
        id = default;
        return bytes.Length == Length && TryParse(Encoding.ASCII.GetString(bytes), out id);
    }

    /// <summary>The 40 digits (zeros for the default value, which names no history).</summary>
    public override string ToString() => _text ?? new string('0', Length);
}

/// <summary>A point in a replication stream.</summary>
/// <param name="Id">The stream.</param>
/// <param name="Offset">Bytes of the stream, 0 or more.</param>
public readonly record struct ReplicationPosition(ReplicationId Id, long Offset)
{
    /// <summary><c>id8:offset</c>.</summary>
    public override string ToString() => $"{Id.Short}:{Offset}";
}
