using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>The language part of <c>scripts/lint</c>: what it must find, and what it must leave alone.</summary>
public sealed class LanguageLintTests
{
    [Theory]
    [InlineData("half-sentence", "/// <summary>For people.</summary>\npublic string Describe() => \"\";")]
    [InlineData("half-sentence", "/// <summary>Until cancelled.</summary>\npublic async Task RunAsync(CancellationToken cancellation)")]
    [InlineData("half-sentence", "/// <summary>From a look.</summary>\n/// <param name=\"a\">Any.</param>\npublic static Facts Of(A a)")]
    [InlineData("half-sentence", "/// <summary>\n/// The\n/// file.\n/// </summary>\npublic byte[] ToBytes() =>\n    [];")]
    [InlineData("half-sentence", "/// <summary>The SDK's chain.</summary>\npublic static Chain Default() => new();")]
    [InlineData("half-sentence", "/// <summary>A sum of nothing yet.</summary>\npublic static Sum Begin() => new();")]
    [InlineData("half-sentence", "/// <summary>The same, whole.</summary>\npublic Task<List<Name>> ListAsync(")]
    [InlineData("half-sentence", "/// <summary>Segments of a generation, in order.</summary>\npublic List<Name> List(long number)")]
    [InlineData("half-sentence", "/// <summary>One step, right after a <c>flush</c>.</summary>\npublic void Tick()")]
    [InlineData("half-sentence", "/// <summary>\n/// The header of an object,\n/// with a salt.\n/// </summary>\npublic byte[] Make()")]
    [InlineData("period", "log.Info(\"code\", \"It was stopped. The record is unchanged\");")]
    [InlineData("period", "throw new IOException($\"{path} was read. Nothing came of it\", e);")]
    [InlineData("period", "return (\"code\", $\"{a} was stopped. \"\n    + \"The record stays as it is\");")]
    [InlineData("idiom", "Fail(\"it is no address\");")]
    [InlineData("idiom", "Fail($\"{name} is no directory\", other);")]
    [InlineData("idiom", "Fail($\"the node {name}, which \"\n    + \"is no replica of ours\");")]
    [InlineData("idiom", "Fail($\"{name} gives no usable answer\");")]
    [InlineData("idiom", "/// <param name=\"settings\">See there.</param>")]
    [InlineData("idiom", "/// <param name=\"settings\">Whose.</param>")]
    [InlineData("idiom", "/// <summary>Likewise.</summary>")]
    [InlineData("idiom", "// Whoever looked last, looked for all.")]
    public async Task Bad_code_is_found_once_with_its_rule(string rule, string code)
    {
        var (exitCode, lines) = await LintAsync("Bad.cs", code);
        Assert.Equal(1, exitCode);
        Assert.Contains($": {rule}: ", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("**Over when.** The alert is gone.")]
    [InlineData("The server gives no usable answer.")]
    public async Task Bad_prose_is_found(string text) => Assert.Equal(1, (await LintAsync("page.md", text)).ExitCode);

    [Theory]
    [InlineData("good.cs", "/// <summary>Describes it for people.</summary>\npublic string Describe() => \"\";")]
    [InlineData("good.cs", "/// <summary>What the server said, in words of three or more.</summary>\npublic string Text(int count)")]
    [InlineData("good.cs", "/// <summary>Reads a whole number.</summary>\npublic int Read(string text)")]
    [InlineData("good.cs", "/// <summary>Closes.</summary>\npublic void Dispose()")]
    [InlineData("good.cs", "/// <summary>Whether a server answers here.</summary>\npublic bool IsUp()")]
    [InlineData("good.cs", "/// <summary>A path; null where none is set.</summary>\npublic string? Path(string name)")]
    [InlineData("good.cs", "/// <summary>Names the pod of another ordinal.</summary>\npublic static string Sibling(int ordinal)")]
    [InlineData("good.cs", "/// <summary>The group.</summary>\npublic required ClusterId Cluster { get; init; }")]
    [InlineData("good.cs", "/// <summary>A gap.</summary>\npublic sealed record ChainBreak(StreamPosition At);")]
    [InlineData("good.cs", "/// <summary>Earlier.</summary>\npublic static bool operator <(Token left, Token right) => true;")]
    [InlineData("good.cs", "/// <summary>The id.</summary>\npublic override string ToString() => Id;")]
    [InlineData("good.cs", "Fail(\"there is no key, and the file is no longer there\");")]
    [InlineData("good.cs", "Fail($\"{name} was stopped; the record stays\");")]
    [InlineData("good.cs", "Fail(\"It was stopped. The record is unchanged.\");")]
    [InlineData("good.cs", "Fail($\"It was stopped. The reason is: {why}\");")]
    [InlineData("good.cs", "Fail(\"it is\", \"no address\");")]
    [InlineData("good.cs", "// A comment. It needs no period")]
    [InlineData("good.cs", "var text = \"\"\"\n    it is no address. See it there\n    \"\"\";")]
    [InlineData("good.md", "It takes over when the master is gone.")]
    [InlineData("good.md", "```\nOver when. See there.\n**Over when.**\n```")]
    public async Task Good_text_is_left_alone(string name, string text)
    {
        var (exitCode, lines) = await LintAsync(name, text);
        Assert.Empty(lines);
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task A_file_begins_anew()
    {
        using var folder = new TempFolder("language");
        var (first, second) = (folder.Write("a.cs", "var text = \"\"\"\n"), folder.Write("b.cs", "Fail(\"it is no address\");\n"));
        Assert.Equal(1, (await RunAsync(first, second)).ExitCode);
    }

    [Fact]
    public async Task A_message_at_the_end_of_a_file_is_named_by_that_file()
    {
        using var folder = new TempFolder("language");
        var first = folder.Write("a.cs", "\nvar text = \"it is no address\" +\n");
        var second = folder.Write("b.cs", "Fail(\"there is no key\");\n");
        Assert.StartsWith($"{first}:2: idiom: ", Assert.Single((await RunAsync(first, second)).Lines), StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string[] Lines)> LintAsync(string name, string text) =>
        LintScript.OfTextAsync("language.awk", name, text);

    private static Task<(int ExitCode, string[] Lines)> RunAsync(params string[] files) => LintScript.OfFilesAsync("language.awk", files);
}
