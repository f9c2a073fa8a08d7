using System.Diagnostics.CodeAnalysis;

namespace Sidecars.Core.Redis;

/// <summary>
/// Turns bytes into RESP2 and RESP3 values. Holds no socket: bytes go in by <see cref="Append"/>, or without a copy by
/// <see cref="GetMemory"/> and <see cref="Advance"/>, whole values come out of <see cref="TryRead"/>. Memory follows the bytes
/// that came, never the lengths a peer claims, and nesting is a stack of its own, so no peer decides about ours. Attributes
/// (<c>|</c>) are read and dropped. Not safe for concurrent use. Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/.
/// </summary>
/// <param name="limits">What a reply may cost; <see cref="RespLimits.Default"/> by default.</param>
public sealed class RespReader(RespLimits? limits = null)
{
    private const int InitialBuffer = 4096; // one read takes an INFO, and the probe pays no more
    private const int MinRead = 1024; // a smaller free tail is not worth a system call
    private const int KeptBuffer = 64 << 10; // a larger buffer is returned once a big reply has been taken
    private readonly RespLimits _limits = limits ?? RespLimits.Default;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private int _scanned; // bytes after _start known to hold no LF, so that a line that trickles in is scanned once
    private Frame[] _frames = new Frame[2];
    private int _depth;
    private int _items;
    private long _consumed;
    private RespProtocolException? _failure;

    /// <summary>True between two values: the peer may close here without cutting one in half.</summary>
    public bool IsBetweenValues => _start == _end && _depth == 0 && _consumed == 0;

    /// <summary>Room for at least one more byte, to be filled by the caller and committed by <see cref="Advance"/>.</summary>
    public Memory<byte> GetMemory()
    {
        MakeRoom(1);
        return _buffer.AsMemory(_end);
    }

    /// <summary>Commits bytes written to the memory of the last <see cref="GetMemory"/>.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _end);
        _end += count;
    }

    /// <summary>Copies bytes in.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        MakeRoom(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>Takes the next whole value.</summary>
    /// <returns>False where more bytes are needed.</returns>
    /// <exception cref="RespProtocolException">The stream is malformed or past a limit; every later call throws the same.</exception>
    public bool TryRead([NotNullWhen(true)] out RespValue? value)
    {
        if (_failure is not null) throw new RespProtocolException(_failure.Offence, _failure.Message);
        try
        {
            while (TryReadNode(out var node))
            {
                if (node is not null && TryClose(node, out value)) return true;
            }
        }
        catch (RespProtocolException failure)
        {
            _failure = failure;
            throw;
        }

        value = null;
        return false;
    }

    // One header with its payload. True with null: an aggregate was opened, or an attribute without items passed.
    private bool TryReadNode(out RespValue? node)
    {
        node = null;
        if (!TryFindLine(out var line)) return false;
        var type = line[0];
        var text = line[1..];
        var size = line.Length + 2;
        switch (type)
        {
            case (byte)'+': node = RespValue.Scalar(RespKind.SimpleString, text.ToArray()); break;
            case (byte)'-': node = RespValue.Scalar(RespKind.Error, text.ToArray()); break;
            case (byte)':': node = RespValue.Number(RespKind.Integer, RespText.Integer(text)); break;
            case (byte)'_': node = RespText.Null(text); break;
            case (byte)'#': node = RespText.Boolean(text); break;
            case (byte)',': node = RespText.Double(text); break;
            case (byte)'(': node = RespText.BigNumber(text); break;
            case (byte)'$' or (byte)'!' or (byte)'=': return TryReadBulk(type, text, size, out node);
            case (byte)'*' or (byte)'~' or (byte)'>' or (byte)'%' or (byte)'|':
                node = Open(type, text);
                break;
            default: throw new RespProtocolException(RespOffence.UnknownType, $"Byte 0x{type:x2} is not a RESP type.");
        }

        Consume(size);
        return true;
    }

    // A line with its type byte, without CRLF.
    private bool TryFindLine(out ReadOnlySpan<byte> line)
    {
        line = default;
        var bytes = _buffer.AsSpan(_start, _end - _start);
        var lf = bytes[_scanned..].IndexOf((byte)'\n');
        if (lf < 0)
        {
            _scanned = bytes.Length;
            if (_scanned > _limits.MaxLineBytes + 1) throw LineTooLong();
            return false;
        }

        lf += _scanned;
        if (lf - 1 > _limits.MaxLineBytes) throw LineTooLong();
        if (lf < 2 || bytes[..lf].IndexOf((byte)'\r') != lf - 1)
        {
            throw lf == 1 && bytes[0] == '\r'
                ? new RespProtocolException(RespOffence.UnknownType, "An empty line where a RESP value should start.")
                : new RespProtocolException(RespOffence.BadLineEnd, "A line of RESP ends in CRLF and holds no other CR or LF.");
        }

        if (_consumed + lf + 1 > _limits.MaxReplyBytes) throw ReplyTooLarge();
        line = bytes[..(lf - 1)];
        return true;
    }

    private bool TryReadBulk(byte type, ReadOnlySpan<byte> text, int headerSize, out RespValue? node)
    {
        node = null;
        var length = RespText.Length(text);
        if (length < 0)
        {
            if (type != '$') throw new RespProtocolException(RespOffence.BadLength, "Only $-1 and *-1 are null lengths.");
            node = RespValue.Null;
            Consume(headerSize);
            return true;
        }

        if (length > _limits.MaxBulkBytes)
            throw new RespProtocolException(
                RespOffence.BulkTooLarge, $"A bulk string of {length} bytes is announced; {_limits.MaxBulkBytes} are accepted.");
        if (_consumed + headerSize + length + 2 > _limits.MaxReplyBytes) throw ReplyTooLarge();
        var rest = _buffer.AsSpan(_start + headerSize, _end - _start - headerSize);
        if (rest.Length < length + 2) return false;
        var payload = rest[..(int)length];
        if (rest[(int)length] != '\r' || rest[(int)length + 1] != '\n')
            throw new RespProtocolException(RespOffence.BadBulkEnd, "A bulk string is longer than announced.");
        node = type == '='
            ? RespText.Verbatim(payload)
            : RespValue.Scalar(type == '$' ? RespKind.BulkString : RespKind.Error, payload.ToArray());
        Consume(headerSize + (int)length + 2);
        return true;
    }

    // An empty aggregate is a value at once; any other becomes the innermost frame.
    private RespValue? Open(byte type, ReadOnlySpan<byte> text)
    {
        var count = RespText.Length(text);
        if (count < 0)
            return type == '*'
                ? RespValue.Null
                : throw new RespProtocolException(RespOffence.BadLength, "Only $-1 and *-1 are null lengths.");
        if (type == '>' && _depth > 0) throw new RespProtocolException(RespOffence.NestedPush, "A push inside another value.");
        var isAttribute = type == '|';
        var items = isAttribute || type == '%' ? count * 2 : count; // count is below 2^62: RespText.Length
        if (items > _limits.MaxItems - _items)
            throw new RespProtocolException(
                RespOffence.TooManyItems, $"{items} more items are announced; a reply may hold {_limits.MaxItems}.");
        _items += (int)items;
        var kind = type switch { (byte)'~' => RespKind.Set, (byte)'>' => RespKind.Push, (byte)'*' => RespKind.Array, _ => RespKind.Map };
        if (items == 0) return isAttribute ? null : RespValue.Aggregate(kind, []);
        if (_depth == _limits.MaxDepth)
            throw new RespProtocolException(RespOffence.TooDeep, $"Aggregates nested deeper than {_limits.MaxDepth}.");
        if (_depth == _frames.Length) Array.Resize(ref _frames, _depth * 2);
        _frames[_depth++] = new Frame(kind, isAttribute, (int)items);
        return null;
    }

    // Puts a finished value into the innermost frame, and every frame that this finishes into the next.
    private bool TryClose(RespValue node, [NotNullWhen(true)] out RespValue? whole)
    {
        whole = null;
        while (_depth > 0)
        {
            ref var frame = ref _frames[_depth - 1];
            if (!frame.Add(node)) return false;
            _depth--;
            if (frame.IsAttribute) return false; // dropped; the value it describes follows
            node = RespValue.Aggregate(frame.Kind, frame.Items);
            frame = default;
        }

        _items = 0;
        _consumed = 0;
        whole = node;
        return true;
    }

    private void Consume(int count)
    {
        _start += count;
        _consumed += count;
        _scanned = 0;
    }

    // The only place that moves bytes: memory handed out stays valid across TryRead.
    private void MakeRoom(int count)
    {
        var used = _end - _start;
        if (used == 0)
        {
            _start = _end = 0;
            if (_buffer.Length > KeptBuffer) _buffer = [];
        }

        var wanted = Math.Max(count, MinRead);
        if (_buffer.Length - _end >= wanted) return;
        if (_buffer.Length - used < wanted || used > _buffer.Length / 2)
        {
            var size = (int)Math.Min(Array.MaxLength, Math.Max(Math.Max(InitialBuffer, (long)_buffer.Length * 2), (long)used + wanted));
            var larger = new byte[size];
            _buffer.AsSpan(_start, used).CopyTo(larger);
            _buffer = larger;
        }
        else
        {
            _buffer.AsSpan(_start, used).CopyTo(_buffer);
        }

        _start = 0;
        _end = used;
    }

    private RespProtocolException LineTooLong() =>
        new(RespOffence.LineTooLong, $"A line is longer than {_limits.MaxLineBytes} bytes.");

    private RespProtocolException ReplyTooLarge() =>
        new(RespOffence.ReplyTooLarge, $"A reply is larger than {_limits.MaxReplyBytes} bytes.");

    private struct Frame(RespKind kind, bool isAttribute, int expected)
    {
        private int _count;

        // Grows with the items that came: *2147483647 costs nothing.
        public RespValue[] Items { get; private set; } = isAttribute ? [] : new RespValue[Math.Min(expected, 8)];

        public readonly RespKind Kind => kind;

        public readonly bool IsAttribute => isAttribute;

        // True when this was the last one.
        public bool Add(RespValue item)
        {
            if (!isAttribute)
            {
                if (_count == Items.Length)
                {
                    var larger = new RespValue[(int)Math.Min(expected, (long)_count * 2)];
                    Items.CopyTo(larger, 0);
                    Items = larger;
                }

                Items[_count] = item;
            }

            return ++_count == expected;
        }
    }
}
