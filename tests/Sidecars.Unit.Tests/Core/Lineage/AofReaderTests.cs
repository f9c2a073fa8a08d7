using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;

namespace Sidecars.Unit.Tests.Core.Lineage;

public class AofReaderTests
{
    private static DiskFact<AofManifest> Manifest(string text) => AofManifestReader.Read(Encoding.UTF8.GetBytes(text));

    private static string Command(params string[] words) =>
        $"*{words.Length}\r\n{string.Concat(words.Select(w => $"${w.Length}\r\n{w}\r\n"))}";

    private static AofTail Tail(string text, bool fromStart) => AofTailReader.Read(RdbHeaderTests.Latin1(text), fromStart);

    [Fact]
    public void A_manifest_of_7_is_read()
    {
        var manifest = Manifest("""
            # written by hand
            file appendonly.aof.2.base.rdb seq 2 type b
            file appendonly.aof.1.incr.aof seq 1 type h
            file appendonly.aof.2.incr.aof seq 2 type i
            file appendonly.aof.3.incr.aof seq 3 type i

            """).Value!;
        Assert.Equal("appendonly.aof.2.base.rdb", manifest.Base!.Name);
        Assert.Equal(
            ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.3.incr.aof"], manifest.Loaded.Select(f => f.Name));
        Assert.Equal(3, manifest.Newest!.Sequence);
        Assert.Single(manifest.History);
    }

    [Fact]
    public void A_manifest_of_8_and_unknown_pairs_are_read()
    {
        var file = Manifest("file a.incr.aof seq 1 type i startoffset 7 endoffset 900 colour blue\n").Value!.Newest!;
        Assert.Equal((7L, 900L), (file.StartOffset, file.EndOffset));
    }

    [Theory]
    [InlineData("\"with space.aof\"", "with space.aof")]
    [InlineData("\"tab\\there \\x41\\\"\"", "tab\there A\"")]
    [InlineData("'it\\'s'", "it's")]
    [InlineData("'a\\nb'", "a\\nb")]
    public void Quoted_names_are_read_as_the_server_writes_them(string quoted, string name)
    {
        var manifest = Manifest($"file {quoted} seq 1 type i\n");
        if (name.Contains('\\', StringComparison.Ordinal)) Assert.Equal(FileFaultKind.WrongFormat, manifest.Fault.Kind);
        else Assert.Equal(name, manifest.Value!.Newest!.Name);
    }

    [Theory]
    [InlineData("file ../dump.rdb seq 1 type b\n")]
    [InlineData("file \"..\\x2fdump.rdb\" seq 1 type b\n")]
    [InlineData("file /etc/passwd seq 1 type b\n")]
    [InlineData("file a\\b seq 1 type b\n")]
    [InlineData("file .. seq 1 type b\n")]
    [InlineData("file \"\" seq 1 type b\n")]
    [InlineData("file \"a\\x00b\" seq 1 type b\n")]
    [InlineData("file a seq 1 type x\n")]
    [InlineData("file a seq -1 type i\n")]
    [InlineData("file a seq one type i\n")]
    [InlineData("file a seq 1\n")]
    [InlineData("file a seq 1 type i extra\n")]
    [InlineData("file \"a seq 1 type i\n")]
    [InlineData("file \"a\"b seq 1 type i\n")]
    [InlineData("file a seq 1 type b\nfile b seq 2 type b\n")]
    [InlineData("file a seq 2 type i\nfile b seq 2 type i\n")]
    [InlineData("# only a comment\n")]
    public void What_the_server_would_refuse_is_a_fault(string text) => Assert.Equal(FileFaultKind.WrongFormat, Manifest(text).Fault.Kind);

    [Theory]
    [InlineData("")]
    [InlineData("file a seq 1 type i")]
    [InlineData("file a seq 1 type i\nfile b se")]
    public void Without_its_last_line_end_it_is_torn(string text) => Assert.Equal(FileFaultKind.Torn, Manifest(text).Fault.Kind);

    [Fact]
    public void Long_lines_and_long_files_are_bounded()
    {
        Assert.Equal(FileFaultKind.WrongFormat, Manifest($"file {new string('a', 1100)} seq 1 type i\n").Fault.Kind);
        Assert.Equal(FileFaultKind.TooLarge, Manifest(new string('\n', AofManifestReader.MaxBytes + 1)).Fault.Kind);
    }

    [Fact]
    public void The_last_timestamp_between_commands_counts()
    {
        var tail = Tail("#TS:10\r\n" + Command("SELECT", "0") + "#TS:12\r\n" + Command("SET", "a", "#TS:99\r\n"), fromStart: true);
        Assert.Equal(new AofTail(AofEnd.Complete, 12, true), tail);
    }

    [Fact]
    public void An_empty_file_and_garbage_are_told_apart()
    {
        Assert.Equal(AofEnd.Empty, Tail("", fromStart: true).End);
        Assert.Equal(AofEnd.Unrecognised, Tail("\0\0\0\0", fromStart: true).End);
        Assert.Equal(AofEnd.Unrecognised, Tail(Command("PING") + "\0\0\0\0", fromStart: true).End);
        Assert.Equal(AofEnd.Unrecognised, Tail("*0\r\n", fromStart: true).End);
    }

    [Fact]
    public void Cut_anywhere_a_file_is_torn_or_complete_never_garbage()
    {
        var text = "#TS:10\r\n" + Command("SELECT", "0") + "#TS:12\r\n" + Command("SET", "a", "12345678901");
        var boundaries = new HashSet<int> { 8, 8 + Command("SELECT", "0").Length, 16 + Command("SELECT", "0").Length, text.Length };
        for (var length = 1; length <= text.Length; length++)
            Assert.Equal(boundaries.Contains(length) ? AofEnd.Complete : AofEnd.Torn, Tail(text[..length], fromStart: true).End);
    }

    [Fact]
    public void A_window_may_begin_anywhere_without_taking_a_value_for_an_annotation()
    {
        // Values hold annotations, pieces of commands and a claim of a huge argument; all are stepped over from the first true boundary.
        var lure = "x\r\n#TS:9999\r\n*1\r\n$4\r\nPING\r\n*1\r\n$99999999\r\ny";
        var text = string.Concat(Enumerable.Range(1, 20).Select(i => $"#TS:{i}\r\n" + Command("SET", "key", lure)));
        for (var start = 1; start < text.Length / 2; start++)
        {
            var tail = Tail(text[start..], fromStart: false);
            Assert.Equal(new AofTail(AofEnd.Complete, 20, false), tail);
        }
    }

    [Fact]
    public void A_torn_command_after_a_window_from_the_middle_keeps_the_timestamp()
    {
        var text = string.Concat(Enumerable.Range(1, 20).Select(i => $"#TS:{i}\r\n" + Command("SET", "key", "value\r\n*1\r\n$9999\r\nz")));
        Assert.Equal(new AofTail(AofEnd.Torn, 20, false), Tail(text[30..^9], fromStart: false));
    }

    [Fact]
    public void A_value_written_to_deceive_fools_only_a_window_that_begins_within_it()
    {
        // The forged command ends exactly with the value, so that true commands follow: nothing in the window tells it from a true one.
        var forged = "lure\r\n#TS:9999\r\n*1\r\n$0\r\n";
        var text = "#TS:5\r\n" + Command("SET", "k", forged) + Command("PING");
        Assert.Equal(5, Tail(text, fromStart: true).LastTimestamp);
        Assert.Equal(5, Tail("*1\r\n$4\r\nPING\r\n" + text, fromStart: false).LastTimestamp);
        var fooled = Tail(text[(text.IndexOf("lure", StringComparison.Ordinal) - 1)..], fromStart: false);
        Assert.Equal((9999L, false), (fooled.LastTimestamp, fooled.FromStart));
        Assert.Equal(6, Tail(text[30..] + "#TS:6\r\n" + Command("PING"), fromStart: false).LastTimestamp); // until the next true one
    }

    [Fact]
    public void Binary_values_of_any_kind_are_stepped_over()
    {
        var bytes = Gen.Choose(0, 255).Select(b => (char)b).ArrayOf().Select(c => new string(c));
        var values = Gen.OneOf(bytes, Gen.Elements("\r\n#TS:77\r\n", "*1\r\n", "\r\n*3\r\n$3\r\n")).NonEmptyListOf().ToArbitrary();
        Prop.ForAll(values, list =>
        {
            var text = string.Concat(list.Select((v, i) => $"#TS:{i + 1}\r\n{Command("SET", "k", v)}"));
            return Tail(text, fromStart: true) == new AofTail(AofEnd.Complete, list.Count, true);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Anchors_that_lead_nowhere_cost_a_bounded_amount()
    {
        var text = string.Concat(Enumerable.Repeat("\r\n*1\r\n$5\r\nx", 100_000));
        Assert.Equal(AofEnd.Unrecognised, Tail(text, fromStart: false).End);
    }
}
