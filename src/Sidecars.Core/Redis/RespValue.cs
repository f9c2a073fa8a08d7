using System.Globalization;
using System.Text;

namespace Sidecars.Core.Redis;

/// <summary>The type of a RESP2 or RESP3 value; the comment of each member is its first byte on the wire.</summary>
public enum RespKind
{
    /// <summary><c>_</c>, and RESP2's <c>$-1</c> and <c>*-1</c>.</summary>
    Null,

    /// <summary><c>+</c>.</summary>
    SimpleString,

    /// <summary><c>-</c>, and RESP3's <c>!</c>.</summary>
    Error,

    /// <summary><c>:</c>.</summary>
    Integer,

    /// <summary><c>$</c>.</summary>
    BulkString,

    /// <summary><c>*</c>.</summary>
    Array,

    /// <summary><c>%</c>; items are key, value, key, value.</summary>
    Map,

    /// <summary><c>~</c>.</summary>
    Set,

    /// <summary><c>&gt;</c>: out of band, never a reply.</summary>
    Push,

    /// <summary><c>,</c>.</summary>
    Double,

    /// <summary><c>#</c>.</summary>
    Boolean,

    /// <summary><c>(</c>.</summary>
    BigNumber,

    /// <summary><c>=</c>; the bytes are those after the three-letter format and its colon.</summary>
    VerbatimString,
}

/// <summary>One parsed RESP value; immutable, and independent of the buffer it was read from.</summary>
public sealed class RespValue
{
    private static readonly RespValue[] NoItems = [];
    private readonly byte[] _bytes;

    private RespValue(RespKind kind, byte[] bytes, long integer, RespValue[] items)
    {
        Kind = kind;
        _bytes = bytes;
        Integer = integer;
        Items = items;
    }

    /// <summary>The null of RESP2 and RESP3.</summary>
    public static RespValue Null { get; } = new(RespKind.Null, [], 0, NoItems);

    /// <summary>The wire type.</summary>
    public RespKind Kind { get; }

    /// <summary>Bytes of a string, error, double or big number as sent; empty for the others.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The value of an <see cref="RespKind.Integer"/>, 1 or 0 of a <see cref="RespKind.Boolean"/>; 0 for the others.</summary>
    public long Integer { get; }

    /// <summary>Items of an array, set, push or map (key, value, key, value); empty for the others.</summary>
    public IReadOnlyList<RespValue> Items { get; }

    /// <summary>True for RESP2's and RESP3's null.</summary>
    public bool IsNull => Kind == RespKind.Null;

    /// <summary>True for an error reply.</summary>
    public bool IsError => Kind == RespKind.Error;

    /// <summary>True where <see cref="Items"/> holds the value.</summary>
    public bool IsAggregate => Kind is RespKind.Array or RespKind.Set or RespKind.Push or RespKind.Map;

    /// <summary>The value as text: bytes read as UTF-8 (bad bytes replaced), an integer in digits, "" for null and aggregates.</summary>
    public string Text => Kind switch
    {
        RespKind.Integer => Integer.ToString(CultureInfo.InvariantCulture),
        RespKind.Boolean => Integer != 0 ? "true" : "false",
        _ => Encoding.UTF8.GetString(_bytes),
    };

    /// <summary>The first word of an error (<c>NOAUTH</c>, <c>LOADING</c>, <c>ERR</c> …); "" for what is no error.</summary>
    public string ErrorCode
    {
        get
        {
            if (!IsError) return "";
            var text = Text;
            var space = text.IndexOf(' ', StringComparison.Ordinal);
            return space < 0 ? text : text[..space];
        }
    }

    /// <summary>Creates a string, error, double, big number or verbatim string.</summary>
    public static RespValue Scalar(RespKind kind, byte[] bytes) => new(kind, bytes, 0, NoItems);

    /// <summary>Creates an integer or (0/1) a boolean.</summary>
    public static RespValue Number(RespKind kind, long value) => new(kind, [], value, NoItems);

    /// <summary>Creates an array, set, push or map.</summary>
    public static RespValue Aggregate(RespKind kind, RespValue[] items) => new(kind, [], 0, items);

    /// <summary>For messages and test output: kind and value, shortened to some 200 characters whatever its size.</summary>
    public override string ToString()
    {
        var output = new StringBuilder();
        Describe(output);
        return output.ToString();
    }

    // Every level writes its kind, so that the bound on the length bounds the depth too.
    private void Describe(StringBuilder output)
    {
        const int MaxLength = 200;
        if (IsNull)
        {
            output.Append("null");
            return;
        }

        if (!IsAggregate)
        {
            var room = Math.Max(0, MaxLength - output.Length);
            output.Append(Kind).Append(':').Append(_bytes.Length <= room ? Text : Encoding.UTF8.GetString(_bytes, 0, room) + "…");
            return;
        }

        output.Append(Kind).Append('(');
        for (var i = 0; i < Items.Count; i++)
        {
            if (i > 0) output.Append(", ");
            if (output.Length > MaxLength)
            {
                output.Append('…');
                break;
            }

            Items[i].Describe(output);
        }

        output.Append(')');
    }
}
