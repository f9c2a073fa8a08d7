using System.Text.RegularExpressions;
using Sidecars.Demo.Output;

namespace Sidecars.Integration.Tests.Demo;

/// <summary>What the demo prints above its table on a terminal.</summary>
public sealed partial class LiveDisplayTests
{
    private const string Words = "healed after 2.1 s, longest gap 0.03 s (0.05 s by the record), 0 of 21746 acknowledged writes lost";

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(200)]
    public async Task A_long_line_is_broken_between_words_below_its_beginning(int width)
    {
        var output = new StringWriter();
        await using (var display = new LiveDisplay(output, new Paint(color: false), () => width))
        {
            display.Title(Words);
            display.Result(Words);
        }

        var lines = Sequence().Replace(output.ToString(), "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.True(line.Length <= width, line));
        // A time of eight characters and blanks before the text; further lines begin where the text does.
        var title = lines.TakeWhile((line, i) => i == 0 || !Clock().IsMatch(line)).ToArray();
        Assert.Equal(Words, string.Join(' ', title.Select((line, i) => i == 0 ? Clock().Replace(line, "") : line.Trim())));
        Assert.All(title.Skip(1), line => Assert.Matches(@"^ {9}\S", line));
        Assert.All(lines.Skip(title.Length + 1), line => Assert.Matches(@"^ {11}\S", line));
        Assert.Equal(width >= 200, lines.Length == 2);
    }

    [GeneratedRegex(@"\e\[\?7[hl]")]
    private static partial Regex Sequence();

    [GeneratedRegex(@"^ +\d+\.\d s +")]
    private static partial Regex Clock();
}
