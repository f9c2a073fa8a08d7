using System.Text.RegularExpressions;
using Sidecars.Demo;
using Sidecars.Demo.Scenarios;

namespace Sidecars.Integration.Tests.Demo;

/// <summary>What scripts/demo says of the command line is what the demo takes.</summary>
public sealed partial class DemoOptionsTests
{
    // Of the script alone: the program never sees them.
    private static readonly string[] OfTheScript = ["--list", "--stop", "--native"];

    [Fact]
    public void The_script_lists_every_scenario_as_it_describes_itself()
    {
        var help = DemoScript.Help("demo");

        var listed = help.SkipWhile(line => line != "Scenarios:").Skip(1).TakeWhile(line => line.Length > 0);

        Assert.Equal(ScenarioTable.All.Select(each => $"  {each.Name,-16}{each.Summary}"), listed);
    }

    [Fact]
    public void Every_option_in_the_help_is_read()
    {
        var described = DemoScript.Help("demo").Select(line => OptionLine().Match(line)).Where(match => match.Success).ToList();
        Assert.NotEmpty(described);
        foreach (var option in described.Where(match => !OfTheScript.Contains(match.Groups["name"].Value)))
        {
            var mistakes = new List<string>();
            var name = option.Groups["name"].Value;
            DemoOptions.Read(option.Groups["value"].Success ? [name, ""] : [name], mistakes);
            Assert.DoesNotContain(mistakes, mistake => mistake.StartsWith("unknown", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void What_is_given_is_taken()
    {
        var mistakes = new List<string>();

        var options = DemoOptions.Read(
            ["--scenario", "start", "--redis", "5", "--writers", "2", "--rate", "0", "--keep", "--json", "f"], mistakes);

        Assert.Empty(mistakes);
        Assert.Equal(("start", 5, 3, 2, 0, true, "f"),
            (options.Scenario, options.Redis, options.Sentinels, options.Writers, options.Rate, options.Keep, options.JsonFile));
    }

    [Theory]
    [InlineData("unknown argument --speed", "--speed")]
    [InlineData("--redis is a number from 2 to 9", "--redis", "1")]
    [InlineData("--rate is a number from 0 to 1000000", "--rate", "fast")]
    [InlineData("--json needs a value", "--json")]
    [InlineData("--client is direct or stackexchange-redis", "--client", "jedis")]
    [InlineData("no scenario is called war (see --list)", "--scenario", "war")]
    [InlineData("--pods: the sidecars of tour are processes of this machine", "--pods")]
    [InlineData("--keep: the network of --pods ends with this program", "--pods", "--keep", "--scenario", "rolling")]
    public void A_mistake_is_named(string expected, params string[] arguments)
    {
        var mistakes = new List<string>();

        DemoOptions.Read(arguments, mistakes);

        Assert.Contains(expected, mistakes);
    }

    [GeneratedRegex("^  (?<name>--[a-z]+(-[a-z]+)*)(?<value> [A-Z]+)?  +")]
    private static partial Regex OptionLine();
}
