using Sidecars.Telemetry;

namespace Sidecars.Unit.Tests.Telemetry;

public sealed class CommandMistakesTests
{
    private static readonly string[] Commands = ["run", "step-down"];
    private static readonly string[] Options = ["--timeout", "--dry-run"];

    [Theory]
    [InlineData("", "redis-failover needs a command: run, step-down.")]
    [InlineData("stepdown", "'stepdown' is none of redis-failover's commands, run, step-down; did you mean 'step-down'?")]
    [InlineData("fence", "'fence' is none of redis-failover's commands, run, step-down")]
    [InlineData("--wrong", "as the parser says")]
    public void The_first_mistake_is_named_with_what_would_be_right(string arguments, string line) =>
        Assert.Equal([line, "'redis-failover --help' lists commands and settings."], Lines(arguments, []));

    [Theory]
    [InlineData("--timeuot",
        "'--timeuot' is none of the options of 'redis-failover step-down', --timeout, --dry-run; did you mean '--timeout'?")]
    [InlineData("more", "'more' is one word too many for 'redis-failover step-down'")]
    [InlineData("a\nb", "'a?b' is one word too many for 'redis-failover step-down'")]
    public void What_the_parser_does_not_know_is_named_with_what_the_command_takes(string unknown, string line) => Assert.Equal(
        [line, "as the parser says",
            "'redis-failover --help' lists commands and settings, 'redis-failover step-down --help' what the command takes."],
        Lines("step-down", [unknown]));

    [Theory]
    [InlineData("json", null)]
    [InlineData(null, null)]
    [InlineData("jsn", "--output is 'jsn'; it must be table or json; did you mean 'json'?")]
    [InlineData("yaml", "--output is 'yaml'; it must be table or json")]
    [InlineData("", "--output is ''; it must be table or json")]
    public void A_value_that_is_none_of_the_right_ones_is_named_with_its_option(string? value, string? why) =>
        Assert.Equal(why, CommandMistakes.OneOf("--output", value, "table", "json"));

    private static IEnumerable<string> Lines(string arguments, string[] unknown) => CommandMistakes.Lines(
        "redis-failover", arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), Commands, Options, unknown, ["as the parser says"]);
}
