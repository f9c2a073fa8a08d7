using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Backup.Tail;

namespace Sidecars.Unit.Tests.Backup;

public class AofCommandReaderTests
{
    private const string Set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$7\r\n\r\n*1\r\n#\r\n"; // a value that looks like the format
    private const string Multi = "*1\r\n$5\r\nMULTI\r\n";
    private const string Exec = "*1\r\n$4\r\nexec\r\n";

    [Fact]
    public void Boundaries_lie_behind_whole_commands_and_outside_transactions()
    {
        Assert.Equal(new AofBoundary(Set.Length, 0, 1), Scan(Set).Boundary);
        Assert.Equal(Set.Length, Scan(Set + Set[..^1]).Boundary.Offset);
        Assert.Equal(Set.Length, Scan(Set + Multi + Set).Boundary.Offset);
        Assert.Equal(Set.Length + Multi.Length + Set.Length + Exec.Length, Scan(Set + Multi + Set + Exec).Boundary.Offset);
        Assert.Equal(0, Scan("*2\r\n$5\r\nMULTI\r\n$1\r\nx\r\n" + Set).Boundary.Offset); // whatever its arguments: better one cut fewer
        Assert.Equal(0, Scan("").Boundary.Offset);
    }

    [Fact]
    public void An_annotation_belongs_to_the_command_after_it()
    {
        var text = "#TS:100\r\n" + Set + "#TS:102\r\n";
        Assert.Equal(new AofBoundary(text.Length - 9, 100, 1), Scan(text).Boundary);
        Assert.Equal(102, Scan(text + Set).Boundary.Time);
        Assert.Equal(102, Scan(text + Set + "#TS:50\r\n" + Set).Boundary.Time); // a clock set back
        Assert.Equal(100, Scan("#TS:100\r\n#new thing: x\r\n" + Set).Boundary.Time);
    }

    [Fact]
    public void It_stops_before_what_is_later_and_never_within_a_transaction()
    {
        var early = "#TS:100\r\n" + Set;
        var scan = new AofCommandReader { StopAfterTime = 100 };
        Assert.Equal(AofScan.Stopped, scan.Read(Encoding.ASCII.GetBytes(early + "#TS:101\r\n" + Set), out _));
        Assert.Equal(early.Length, scan.Boundary.Offset);
        scan = new AofCommandReader { StopAfterTime = 100 };
        Assert.Equal(AofScan.Stopped, scan.Read(Encoding.ASCII.GetBytes(early + Multi + Set + "#TS:101\r\n" + Set + Exec), out _));
        Assert.Equal(early.Length, scan.Boundary.Offset);
    }

    [Fact]
    public void It_stops_at_the_first_boundary_past_an_offset_and_goes_on_from_there()
    {
        var bytes = Encoding.ASCII.GetBytes(Set + Set + Set);
        var scan = new AofCommandReader { StopAtOffset = Set.Length + 1 };
        Assert.Equal(AofScan.Stopped, scan.Read(bytes, out var consumed));
        Assert.Equal((2 * Set.Length, 2L * Set.Length), (consumed, scan.Boundary.Offset));
        scan.StopAtOffset = long.MaxValue;
        Assert.Equal(AofScan.NeedsMore, scan.Read(bytes.AsSpan(consumed), out _));
        Assert.Equal(bytes.Length, scan.Boundary.Offset);
    }

    [Theory]
    [InlineData("SET a b\r\n")]
    [InlineData("*0\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("*1\n$1\na\n")]
    [InlineData("*1\r\n:1\r\n")]
    [InlineData("*1\r\n$1\r\nab\r\n")]
    [InlineData("*12345678901\r\n")]
    [InlineData("*1\r\n$-1\r\n")]
    [InlineData("*1\0\r\n$1\r\na\r\n")]
    [InlineData("REDIS0010")]
    public void What_is_no_AOF_is_said_to_be_none(string text)
    {
        var scan = new AofCommandReader();
        Assert.Equal(AofScan.Malformed, scan.Read(Encoding.ASCII.GetBytes(Set + text + new string('x', 2000)), out _));
        Assert.Equal(Set.Length, scan.Boundary.Offset);
        Assert.NotEqual("", scan.Problem);
        Assert.Equal(AofScan.Malformed, scan.Read("*1\r\n"u8, out _)); // and it stays so
    }

    [Fact]
    public void A_value_of_gigabytes_is_no_allocation()
    {
        var scan = new AofCommandReader();
        scan.Read("*1\r\n$4000000000\r\n"u8, out _);
        var piece = new byte[1 << 20];
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 200; i++) scan.Read(piece, out _);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4096);
        Assert.Equal(("", 17 + (200L << 20)), (scan.Problem, scan.Offset));
    }

    [Fact]
    public void Any_split_of_the_bytes_finds_the_same() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonNegativeInt[]>(), ArbMap.Default.ArbFor<NonNegativeInt[]>(),
        (kinds, cuts) =>
        {
            var bytes = Encoding.ASCII.GetBytes(string.Concat(kinds.Select(
                k => (k.Get % 5) switch { 0 => Multi, 1 => Exec, 2 => "#TS:77\r\n", 3 => "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", _ => Set })));
            var (whole, pieces) = (new AofCommandReader(), new AofCommandReader());
            Assert.Equal(AofScan.NeedsMore, whole.Read(bytes, out _));
            var at = 0;
            foreach (var cut in cuts)
            {
                var count = Math.Min(cut.Get % 9, bytes.Length - at);
                pieces.Read(bytes.AsSpan(at, count), out _);
                at += count;
            }

            pieces.Read(bytes.AsSpan(at), out _);
            Assert.Equal((whole.Boundary, whole.Offset), (pieces.Boundary, pieces.Offset));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whole_commands_are_taken_as_line_by_line() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[][]>(), ArbMap.Default.ArbFor<NonNegativeInt>(), (words, harm) =>
        {
            byte[][] all = ["SET"u8.ToArray(), .. words.Where(w => w is not null)];
            byte[] bytes = [.. Encoding.ASCII.GetBytes($"*{all.Length}\r\n"),
                .. all.SelectMany(w => (byte[])[.. Encoding.ASCII.GetBytes($"${w.Length}\r\n"), .. w, 13, 10])];
            if (harm.Get % 3 == 0) bytes[harm.Get % bytes.Length] ^= (byte)(1 << (harm.Get % 8));
            bytes = [.. bytes, .. Encoding.ASCII.GetBytes(Set)];
            var (whole, single) = (new AofCommandReader(), new AofCommandReader());
            var result = whole.Read(bytes, out _);
            var last = AofScan.NeedsMore;
            foreach (var one in bytes) last = single.Read([one], out _);
            Assert.Equal((result, whole.Boundary), (last, single.Boundary));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Random_bytes_never_throw() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
    {
        var scan = new AofCommandReader();
        scan.Read(bytes, out var consumed);
        Assert.InRange(consumed, 0, bytes.Length);
        Assert.InRange(scan.Boundary.Offset, 0, scan.Offset);
    }).QuickCheckThrowOnFailure();

    private static AofCommandReader Scan(string text)
    {
        var scan = new AofCommandReader();
        Assert.Equal(AofScan.NeedsMore, scan.Read(Encoding.ASCII.GetBytes(text), out _));
        return scan;
    }
}
