using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Configuration;

namespace Sidecars.Unit.Tests.Core.Configuration;

public sealed class ConfigTextTests
{
    [Theory]
    [InlineData("", new string[0])]
    [InlineData("  \t ", new string[0])]
    [InlineData("save 900 1", new[] { "save", "900", "1" })]
    [InlineData("  save\t900  1 ", new[] { "save", "900", "1" })]
    [InlineData("requirepass \"a b\"", new[] { "requirepass", "a b" })]
    [InlineData("requirepass \"\"", new[] { "requirepass", "" })]
    [InlineData("requirepass ''", new[] { "requirepass", "" })]
    [InlineData("x 'it\\'s' 'a\\nb'", new[] { "x", "it's", "a\\nb" })]
    [InlineData("x \"\\x41\\n\\r\\t\\a\\b\\\\\\\"\\q\"", new[] { "x", "A\n\r\t\a\b\\\"q" })]
    [InlineData("x \"\\xZZ\"", new[] { "x", "xZZ" })] // no hex: the escaped x alone
    [InlineData("x \"\\x4\"", new[] { "x", "x4" })]
    [InlineData("x a#b #c", new[] { "x", "a#b", "#c" })] // a comment begins a line, never stands within one
    [InlineData("x a\\nb", new[] { "x", "a\\nb" })] // no escapes outside quotes
    [InlineData("x a\"b c\"", new[] { "x", "ab c" })] // a quote may begin within a word
    public void Lines_split_as_in_sdssplitargs(string line, string[] words)
    {
        Assert.True(ConfigText.TrySplit(Encoding.UTF8.GetBytes(line), out var actual));
        Assert.Equal(words, actual.Select(Encoding.UTF8.GetString));
    }

    [Theory]
    [InlineData("x \"a")]
    [InlineData("x 'a")]
    [InlineData("x \"a\"b")] // a closing quote ends the word
    [InlineData("x 'a'b")]
    [InlineData("x \"a\\")]
    [InlineData("x a\0b")]
    public void Lines_that_Redis_refuses_are_refused(string line)
    {
        Assert.False(ConfigText.TrySplit(Encoding.UTF8.GetBytes(line), out var words));
        Assert.Empty(words);
    }

    [Theory]
    [InlineData("plain-1.2:3/x*", "plain-1.2:3/x*")]
    [InlineData("", "\"\"")]
    [InlineData("a b", "\"a b\"")]
    [InlineData("#a", "\"#a\"")]
    [InlineData("it's", "\"it's\"")]
    [InlineData("\"\\", "\"\\\"\\\\\"")]
    [InlineData("a\nrequirepass b", "\"a\\nrequirepass b\"")]
    [InlineData("ä\0\u007f", "\"\\xc3\\xa4\\x00\\x7f\"")]
    public void Words_are_quoted_where_they_need_it(string word, string text) =>
        Assert.Equal(text, ConfigText.Quote(Encoding.UTF8.GetBytes(word)));

    [Fact]
    public void What_is_written_is_read_back_whatever_the_bytes() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[][]>().Filter(words => words.All(word => word is not null)), words =>
        {
            var line = string.Join(' ', words.Select(word => ConfigText.Quote(word)));
            Assert.DoesNotContain(line, c => c is < ' ' or > '~'); // one line of printable ASCII: nothing can break out of it
            Assert.True(ConfigText.TrySplit(Encoding.ASCII.GetBytes(line), out var actual));
            Assert.Equal(words, actual);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_bytes_are_read_without_an_exception() =>
        Prop.ForAll(Gen.Elements("x \"'\\n#\t\n\0é"u8.ToArray()).ArrayOf().ToArbitrary(), bytes =>
        {
            var document = RedisConfigDocument.Parse(bytes);
            var again = document.ToBytes();
            // Lossless: the same bytes, with a line feed at the end if there was none.
            Assert.Equal(bytes.Length == 0 || bytes[^1] == '\n' ? bytes : [.. bytes, (byte)'\n'], again);
        }).QuickCheckThrowOnFailure();
}
