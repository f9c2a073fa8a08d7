using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>The line lengths of <c>scripts/lint</c>: what it must find, and what it must leave alone.</summary>
public sealed class LineLintTests
{
    private static readonly string
        Long = new('x', 141), Words = string.Join(' ', Enumerable.Repeat("word", 30)), Umlauts = new('ä', 141), Fits = new('ä', 140);

    public static TheoryData<string, string> Bad => new()
    {
        { "Bad.cs", $"    Call({Words});" },
        { "Bad.cs", $"// {Long}" },
        { "Bad.cs", $"Call(1, \"{Long}\");" }, // more than a literal
        { "Bad.cs", $"var text = \"\"\"\n    data\n    \"\"\";\n// {Long}" }, // the raw string has ended
        { "Bad.cs", $"// {Umlauts}" },
        { "page.md", Words },
        { "page.md", $"```\nfenced\n```\n{Words}" },
        { "page.md", $"- [{Long}](page.md)" }, // the text of a link counts
        { "script.sh", $"echo {Words}" },
        { "script.sh", $"    say \"{Long}\"" },
        { "script.sh", $"# {Words}" },
        { "script", $"echo '{Long}' >&2" },
        { "Dockerfile", $"RUN {Words}" },
        { "Some.csproj", $"<!-- {Words} -->" },
        { "Some.props", $"<A Condition=\"{Long}\">1</A>" },
        { "rule.awk", $"# {Words}" },
    };

    public static TheoryData<string, string> Good => new()
    {
        { "good.cs", new string('x', 140) },
        { "good.cs", Fits }, // 280 bytes
        { "good.cs", $"    \"{Long}\"" },
        { "good.cs", $"    + $\"{Long}\";" },
        { "good.cs", $"    = @\"{Long}\";" },
        { "good.cs", $"    \"\"\"{Long}\"\"\"u8);" },
        { "good.cs", $"var text = \"\"\"\n{Words}\n\"\"\";" },
        { "good.md", $"| {Words} | |" },
        { "good.md", $"## {Words}" },
        { "good.md", $"```\n{Words}\n```" },
        { "good.md", $"[page](https://example.org/{Long}.html)" },
        { "good.md", $"See https://example.org/{Long}" },
        { "good.sh", $"    \"{Long}\" \\" },
        { "good.sh", $"    '{Long}' |" },
        { "good.sh", $"    $'{Long}'" },
        { "Dockerfile", new string('x', 140) },
        { "Good.csproj", $"    Lines=\"{Long}\" />" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task A_long_line_is_found_once(string name, string text)
    {
        var (exitCode, lines) = await LintScript.OfTextAsync("lines.awk", name, text);
        Assert.Equal(1, exitCode);
        Assert.Matches(@":\d+: \d+ characters$", Assert.Single(lines));
    }

    [Theory]
    [MemberData(nameof(Good))]
    public async Task What_can_not_be_broken_is_left_alone(string name, string text)
    {
        var (exitCode, lines) = await LintScript.OfTextAsync("lines.awk", name, text);
        Assert.Empty(lines);
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task A_file_begins_anew()
    {
        using var folder = new TempFolder("lines");
        string[] files = [folder.Write("a.cs", "var text = \"\"\"\n"), folder.Write("b.cs", $"// {Long}\n")];
        Assert.Equal($"{files[1]}:1: 144 characters", Assert.Single((await LintScript.OfFilesAsync("lines.awk", files)).Lines));
    }
}
