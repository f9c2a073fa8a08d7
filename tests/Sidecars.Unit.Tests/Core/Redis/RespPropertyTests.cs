using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Redis;

namespace Sidecars.Unit.Tests.Core.Redis;

public sealed class RespPropertyTests
{
    private static readonly Gen<byte[]> AnyBytes = Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf();
    private static readonly Gen<byte[]> LineBytes =
        AnyBytes.Select(bytes => bytes.Where(b => b is not ((byte)'\r' or (byte)'\n')).ToArray());

    [Fact]
    public void What_is_written_is_read_back() =>
        Prop.ForAll(Gen.Sized(size => Value(Math.Min(size, 40), 4)).ToArbitrary(), value =>
        {
            var wire = Wire.Write(value);
            return Wire.Write(Wire.Read(wire)) == wire && Same(value, Wire.Read(wire));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_written_is_read_back_in_any_two_pieces() =>
        Prop.ForAll(Gen.Sized(size => Value(Math.Min(size, 20), 3)).ToArbitrary(), Gen.Choose(0, 10_000).ToArbitrary(), (value, at) =>
        {
            var wire = Wire.Bytes(Wire.Write(value));
            var cut = at % (wire.Length + 1);
            return Same(value, Wire.ReadPieces(null, wire[..cut], wire[cut..]).Single());
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_command_of_any_bytes_is_read_back() =>
        Prop.ForAll(AnyBytes.NonEmptyListOf().Where(words => words[0].Length > 0).ToArbitrary(), words =>
        {
            var command = RespCommand.Of(words.Select(word => (ReadOnlyMemory<byte>)word).ToArray());
            _ = command.ToString();
            var read = Wire.Read(Wire.Write(command));
            return read.Items.Select(item => item.Bytes.ToArray()).Zip(words, (a, b) => a.SequenceEqual(b)).All(same => same)
                && read.Items.Count == words.Count;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Mutated_text_is_a_value_or_an_offence_and_nothing_else()
    {
        // Bytes that mean something are put in more often than others.
        var octet = Gen.OneOf(Gen.Elements(Encoding.ASCII.GetBytes("+-:$*%~>|,#(!=_?\r\n0129")), Gen.Choose(0, 255).Select(b => (byte)b));
        var mutation =
            from at in Gen.Choose(0, 1 << 20)
            from kind in Gen.Choose(0, 3)
            from with in octet
            select (at, kind, with);
        var payload = Gen.OneOf(
            Gen.Elements(RespReaderTests.Valid.Select(row => Wire.Bytes((string)row[0])).ToArray()),
            Value(10, 3).Select(value => Wire.Bytes(Wire.Write(value))));
        var limits = new RespLimits { MaxBulkBytes = 1000, MaxDepth = 4, MaxItems = 100, MaxLineBytes = 200, MaxReplyBytes = 5000 };

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2000),
            Prop.ForAll(payload.ToArbitrary(), mutation.NonEmptyListOf().ToArbitrary(), (wire, mutations) =>
            {
                var bytes = wire.ToList();
                foreach (var (at, kind, with) in mutations)
                {
                    var index = bytes.Count == 0 ? 0 : at % bytes.Count;
                    if (kind == 0 || bytes.Count == 0) bytes.Insert(index, with);
                    else if (kind == 1) bytes.RemoveAt(index);
                    else if (kind == 2) bytes[index] = with;
                    else bytes.RemoveRange(index, bytes.Count - index);
                }

                var whole = Outcome(limits, [.. bytes]);
                // anything but RespProtocolException fails the test
                return whole == Outcome(limits, [.. bytes.Select(one => new[] { one })]);
            }));
    }

    [Fact]
    public void The_readers_of_replies_throw_on_no_value() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ReplyLike().ToArbitrary(), value =>
        {
            _ = value.ToString();
            _ = RoleReply.TryParse(value, out _);
            if (InfoReply.TryParse(value, out var info)) _ = (info.Replicas, info.Databases, info.MasterEndpoint);
        }));

    private static string Outcome(RespLimits limits, params byte[][] pieces)
    {
        var reader = new RespReader(limits);
        var output = new StringBuilder();
        try
        {
            foreach (var piece in pieces)
            {
                reader.Append(piece);
                while (reader.TryRead(out var value)) output.Append(Wire.Write(value));
            }
        }
        catch (RespProtocolException exception)
        {
            output.Append(exception.Offence);
        }

        return output.ToString();
    }

    private static bool Same(RespValue a, RespValue b) =>
        a.Kind == b.Kind && a.Integer == b.Integer && a.Bytes.Span.SequenceEqual(b.Bytes.Span)
        && a.Items.Count == b.Items.Count && a.Items.Zip(b.Items, Same).All(same => same);

    private static Gen<RespValue> Scalar() => Gen.OneOf(
        Gen.Constant(RespValue.Null),
        AnyBytes.Select(bytes => RespValue.Scalar(RespKind.BulkString, bytes)),
        AnyBytes.Select(bytes => RespValue.Scalar(RespKind.VerbatimString, bytes)),
        AnyBytes.Select(bytes => RespValue.Scalar(RespKind.Error, bytes)),
        LineBytes.Select(bytes => RespValue.Scalar(RespKind.SimpleString, bytes)),
        ArbMap.Default.GeneratorFor<long>().Select(number => RespValue.Number(RespKind.Integer, number)),
        Gen.Elements(0L, 1L).Select(number => RespValue.Number(RespKind.Boolean, number)),
        Gen.Elements("inf", "-inf", "nan", "0", "-1.5", "3.25e10").Select(text => RespValue.Scalar(RespKind.Double, Wire.Bytes(text))),
        Gen.Elements("0", "-1", "123456789012345678901234567890").Select(text => RespValue.Scalar(RespKind.BigNumber, Wire.Bytes(text))));

    private static Gen<RespValue> Value(int size, int depth)
    {
        if (depth == 0 || size < 2) return Scalar();
        var items = Value(size / 2, depth - 1).ArrayOf().Resize(size / 2);
        return Gen.OneOf(
            Scalar(),
            items.Select(array => RespValue.Aggregate(RespKind.Array, array)),
            items.Select(array => RespValue.Aggregate(RespKind.Set, array)),
            items.Select(array => RespValue.Aggregate(RespKind.Map, array.Length % 2 == 0 ? array : array[1..])));
    }

    // Shapes near to ROLE and INFO, so that the readers get past their first check.
    private static Gen<RespValue> ReplyLike()
    {
        var word = Gen.Elements(
            "master", "slave", "sentinel", "connected", "127.0.0.1", "::1", "a:1", "", "6379", "0", "-1", "99999999999999999999")
            .Select(text => RespValue.Scalar(RespKind.BulkString, Wire.Bytes(text)));
        var item = Gen.OneOf(word, Scalar());
        var inner = item.ArrayOf().Select(array => RespValue.Aggregate(RespKind.Array, array));
        var role = from name in word
                   from rest in Gen.OneOf(
                       item, inner, inner.ArrayOf().Select(array => RespValue.Aggregate(RespKind.Array, array))).ArrayOf()
                   select RespValue.Aggregate(RespKind.Array, [name, .. rest]);
        var line = from name in Gen.Elements(
            "slave0", "slave", "db1", "db99999999999", "master_host", "master_port", "loading_loaded_perc", "#x", "", ":")
                   from text in Gen.Elements("ip=1.2.3.4,port=1,state=online,offset=5,lag=0", "ip=,port=x", "keys=1,expires=2", "=,=",
                       ",,,", "1e400", "::", "\u00ff")
                   from end in Gen.Elements("\r\n", "\n", "\r", "")
                   select $"{name}:{text}{end}";
        var info = line.ArrayOf().Select(lines => RespValue.Scalar(RespKind.BulkString, Wire.Bytes(string.Concat(lines))));
        return Gen.OneOf(role, info, Value(10, 3));
    }
}
