using Sidecars.Core.Redis;

namespace Sidecars.Unit.Tests.Core.Redis;

public sealed class RespReaderTests
{
    /// <summary>What was received, and the same in RESP3's forms as RespWriter writes it.</summary>
    public static TheoryData<string, string> Valid => new()
    {
        { "+OK\r\n", "+OK\r\n" },
        { "+\r\n", "+\r\n" },
        { "-NOAUTH Authentication required.\r\n", "-NOAUTH Authentication required.\r\n" },
        { ":0\r\n", ":0\r\n" },
        { ":+5\r\n", ":5\r\n" },
        { ":-9223372036854775808\r\n", ":-9223372036854775808\r\n" },
        { ":9223372036854775807\r\n", ":9223372036854775807\r\n" },
        { "$0\r\n\r\n", "$0\r\n\r\n" },
        { "$6\r\na\r\n\u00ffb\n\r\n", "$6\r\na\r\n\u00ffb\n\r\n" },
        { "$-1\r\n", "_\r\n" },
        { "*-1\r\n", "_\r\n" },
        { "_\r\n", "_\r\n" },
        { "*0\r\n", "*0\r\n" },
        { "*2\r\n$3\r\nfoo\r\n:1\r\n", "*2\r\n$3\r\nfoo\r\n:1\r\n" },
        { "*2\r\n*0\r\n*1\r\n*1\r\n$-1\r\n", "*2\r\n*0\r\n*1\r\n*1\r\n_\r\n" },
        { "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n#t\r\n", "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n#t\r\n" },
        { "~2\r\n#f\r\n,1.5e-3\r\n", "~2\r\n#f\r\n,1.5e-3\r\n" },
        { ",inf\r\n,-inf\r\n,nan\r\n,10\r\n", ",inf\r\n,-inf\r\n,nan\r\n,10\r\n" },
        { "(-3492890328409238509324850943850943825024385\r\n", "(-3492890328409238509324850943850943825024385\r\n" },
        { "=8\r\ntxt:some\r\n", "=8\r\ntxt:some\r\n" },
        { "!6\r\nERR\r\nx\r\n", "!6\r\nERR\r\nx\r\n" },
        { ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\np\r\n+OK\r\n", ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\np\r\n+OK\r\n" },
        { "|1\r\n+ttl\r\n:3600\r\n$1\r\nv\r\n", "$1\r\nv\r\n" },
        { "|0\r\n|1\r\n+a\r\n*2\r\n:1\r\n|1\r\n+x\r\n+y\r\n:2\r\n*1\r\n|1\r\n+k\r\n+v\r\n:7\r\n", "*1\r\n:7\r\n" },
        { "+first\r\n+second\r\n:3\r\n", "+first\r\n+second\r\n:3\r\n" },
    };

    public static TheoryData<string, RespOffence> Invalid => new()
    {
        { "\r\n", RespOffence.UnknownType },
        { "HTTP/1.1 400 Bad Request\r\n", RespOffence.UnknownType },
        { "\u0000\u0001\r\n", RespOffence.UnknownType },
        { ";4\r\n", RespOffence.UnknownType },
        { "\n", RespOffence.BadLineEnd },
        { "+OK\n", RespOffence.BadLineEnd },
        { "+O\rK\r\n", RespOffence.BadLineEnd },
        { "$3\r\nabcd\r\n", RespOffence.BadBulkEnd },
        { "$3\r\nabc\n\n", RespOffence.BadBulkEnd },
        { "$\r\n", RespOffence.BadLength },
        { "$-2\r\n", RespOffence.BadLength },
        { "$+1\r\n", RespOffence.BadLength },
        { "$1 \r\n", RespOffence.BadLength },
        { "$99999999999999999999999\r\n", RespOffence.BadLength },
        { "*9223372036854775807\r\n", RespOffence.BadLength },
        { "*abc\r\n", RespOffence.BadLength },
        { "%-1\r\n", RespOffence.BadLength },
        { "!-1\r\n", RespOffence.BadLength },
        { "=-1\r\n", RespOffence.BadLength },
        { ":\r\n", RespOffence.BadScalar },
        { ":-\r\n", RespOffence.BadScalar },
        { ":1.5\r\n", RespOffence.BadScalar },
        { ":9223372036854775808\r\n", RespOffence.BadScalar },
        { ":-9223372036854775809\r\n", RespOffence.BadScalar },
        { "#x\r\n", RespOffence.BadScalar },
        { "_x\r\n", RespOffence.BadScalar },
        { ",\r\n", RespOffence.BadScalar },
        { ", 1\r\n", RespOffence.BadScalar },
        { ",Infinity\r\n", RespOffence.BadScalar },
        { "(1x\r\n", RespOffence.BadScalar },
        { "=3\r\ntxt\r\n", RespOffence.BadScalar },
        { "=4\r\ntext\r\n", RespOffence.BadScalar },
        { "$?\r\n", RespOffence.StreamedValue },
        { "*?\r\n", RespOffence.StreamedValue },
        { "%?\r\n", RespOffence.StreamedValue },
        { "*1\r\n>1\r\n+x\r\n", RespOffence.NestedPush },
        { "$9999999999\r\n", RespOffence.BulkTooLarge },
        { "*2147483647\r\n", RespOffence.TooManyItems },
        { "%2305843009213693952\r\n", RespOffence.TooManyItems },
        { "*2\r\n*200000\r\n" + "*200000\r\n", RespOffence.TooManyItems },
    };

    [Theory]
    [MemberData(nameof(Valid))]
    public void Reads_valid_text(string wire, string expected) =>
        Assert.Equal(expected, Wire.Write(Wire.ReadAll(Wire.Bytes(wire))));

    [Theory]
    [MemberData(nameof(Valid))]
    public void Reads_valid_text_cut_at_every_point(string wire, string expected)
    {
        var bytes = Wire.Bytes(wire);
        for (var cut = 1; cut < bytes.Length; cut++)
            Assert.Equal(expected, Wire.Write(Wire.ReadPieces(null, bytes[..cut], bytes[cut..])));
        Assert.Equal(expected, Wire.Write(Wire.ReadPieces(null, [.. bytes.Select(one => new[] { one })])));
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Names_the_offence_of_invalid_text(string wire, RespOffence offence) =>
        Assert.Equal(offence, Assert.Throws<RespProtocolException>(() => Wire.ReadAll(Wire.Bytes(wire))).Offence);

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Names_the_same_offence_wherever_invalid_text_is_cut(string wire, RespOffence offence)
    {
        var bytes = Wire.Bytes(wire);
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            var pieces = new[] { bytes[..cut], bytes[cut..] };
            Assert.Equal(offence, Assert.Throws<RespProtocolException>(() => Wire.ReadPieces(null, pieces)).Offence);
        }

        Assert.Equal(
            offence, Assert.Throws<RespProtocolException>(() => Wire.ReadPieces(null, [.. bytes.Select(one => new[] { one })])).Offence);
    }

    [Fact]
    public void Reads_nothing_after_an_offence()
    {
        var reader = new RespReader();
        reader.Append("?\r\n+OK\r\n"u8);
        Assert.Throws<RespProtocolException>(() => reader.TryRead(out _));
        Assert.Equal(RespOffence.UnknownType, Assert.Throws<RespProtocolException>(() => reader.TryRead(out _)).Offence);
    }

    [Theory]
    [InlineData("$5\r\nabcd")]
    [InlineData("$5")]
    [InlineData("*2\r\n+a\r\n")]
    [InlineData("|1\r\n+a\r\n+b\r\n")]
    [InlineData("|0\r\n")]
    public void Knows_that_it_is_in_the_middle_of_a_value(string wire)
    {
        var reader = new RespReader();
        reader.Append("+OK\r\n"u8);
        Assert.True(reader.TryRead(out _));
        Assert.True(reader.IsBetweenValues);
        reader.Append(Wire.Bytes(wire));
        Assert.False(reader.TryRead(out _));
        Assert.False(reader.IsBetweenValues);
    }

    [Theory]
    [InlineData("+12345678\r\n", "+123456789\r\n", RespOffence.LineTooLong)]
    [InlineData("$10\r\n0123456789\r\n", "$11\r\n0123456789a\r\n", RespOffence.BulkTooLarge)]
    [InlineData("*1\r\n*1\r\n*1\r\n:1\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", RespOffence.TooDeep)]
    [InlineData("*2\r\n*3\r\n:1\r\n:2\r\n:3\r\n:4\r\n", "*2\r\n*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n", RespOffence.TooManyItems)]
    [InlineData("*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n+1\r\n", "*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n+12\r\n",
        RespOffence.ReplyTooLarge)]
    [InlineData("|1\r\n+a\r\n:1\r\n*1\r\n:1\r\n", "|1\r\n+a\r\n$5\r\n01234\r\n|1\r\n+a\r\n$5\r\n01234\r\n:12\r\n",
        RespOffence.ReplyTooLarge)]
    public void Accepts_a_limit_and_nothing_past_it(string within, string past, RespOffence offence)
    {
        var limits = new RespLimits { MaxLineBytes = 9, MaxBulkBytes = 10, MaxDepth = 3, MaxItems = 5, MaxReplyBytes = 42 };
        Assert.Single(Wire.ReadAll([.. Wire.Bytes(within)], limits));
        Assert.Equal(offence, Assert.Throws<RespProtocolException>(() => Wire.ReadAll(Wire.Bytes(past), limits)).Offence);
    }

    [Fact]
    public void Counts_limits_for_each_reply_anew()
    {
        var limits = new RespLimits { MaxItems = 2, MaxReplyBytes = 20 };
        var wire = Wire.Bytes(string.Concat(Enumerable.Repeat("*2\r\n:1\r\n:2\r\n", 50)));
        Assert.Equal(50, Wire.ReadAll(wire, limits).Count);
    }

    [Fact]
    public void Endless_attributes_are_an_offence()
    {
        var reader = new RespReader(new RespLimits { MaxReplyBytes = 1000 });
        Assert.Equal(
            RespOffence.ReplyTooLarge,
            Assert.Throws<RespProtocolException>(() =>
            {
                for (var i = 0; i < 300; i++)
                {
                    reader.Append("|0\r\n"u8);
                    Assert.False(reader.TryRead(out _));
                }
            }).Offence);
    }

    [Fact]
    public void A_line_without_end_is_an_offence_before_it_fills_memory()
    {
        var reader = new RespReader();
        var piece = new byte[4096];
        Array.Fill(piece, (byte)'a');
        reader.Append("+"u8);
        var fed = 0;
        var offence = Assert.Throws<RespProtocolException>(() =>
        {
            for (; fed < 1 << 20; fed += piece.Length)
            {
                reader.Append(piece);
                Assert.False(reader.TryRead(out _));
            }
        }).Offence;
        Assert.Equal(RespOffence.LineTooLong, offence);
        Assert.InRange(fed, 60 << 10, 70 << 10);
    }

    [Theory]
    [InlineData("$67108864\r\nabc")]
    [InlineData("*262144\r\n:1\r\n")]
    [InlineData("%131072\r\n")]
    [InlineData("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*200000\r\n")]
    [InlineData("$9999999999\r\n")]
    [InlineData("*2147483647\r\n")]
    public void Allocates_for_the_bytes_that_came_not_for_those_claimed(string wire)
    {
        var bytes = Wire.Bytes(wire);
        _ = Feed(bytes); // statics and the JIT
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = Feed(bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 16 << 10);

        static bool Feed(byte[] bytes)
        {
            var reader = new RespReader();
            reader.Append(bytes);
            try
            {
                return reader.TryRead(out _);
            }
            catch (RespProtocolException)
            {
                return false;
            }
        }
    }

    [Fact]
    public void Deep_nesting_ends_at_the_limit_not_at_the_stack()
    {
        var wire = Wire.Bytes(string.Concat(Enumerable.Repeat("*1\r\n", 1_000_000)));
        Assert.Equal(RespOffence.TooDeep, Assert.Throws<RespProtocolException>(() => Wire.ReadAll(wire)).Offence);
    }

    [Fact]
    public void Reads_a_bulk_that_is_larger_than_any_buffer()
    {
        var payload = new byte[3 << 20];
        new Random(1).NextBytes(payload);
        byte[] wire = [.. Wire.Bytes($"*2\r\n${payload.Length}\r\n"), .. payload, .. "\r\n+end\r\n"u8];
        var value = Assert.Single(Wire.ReadPieces(null, [.. wire.Chunk(10_000)]));
        Assert.True(value.Items[0].Bytes.Span.SequenceEqual(payload));
        Assert.Equal("end", value.Items[1].Text);
    }

    [Fact]
    public void Memory_handed_out_before_a_read_may_be_filled_after_it()
    {
        var reader = new RespReader();
        reader.Append("+a\r\n+b"u8);
        var memory = reader.GetMemory();
        Assert.True(reader.TryRead(out _));
        "\r\n"u8.CopyTo(memory.Span);
        reader.Advance(2);
        Assert.True(reader.TryRead(out var second));
        Assert.Equal("b", second.Text);
    }
}
