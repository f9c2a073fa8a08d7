using Sidecars.Core.Hosting;

namespace Sidecars.Unit.Tests.Core.Hosting;

public sealed class SuggestionTests
{
    private static readonly string[] Commands = ["run", "status", "step-down", "passwords", "now"];

    [Theory]
    [InlineData("stepdown", "step-down")]
    [InlineData("Step-Down", "step-down")]
    [InlineData("statsu", "status")]
    [InlineData("rum", "run")]
    [InlineData("rnu", "run")]
    [InlineData("password", "passwords")]
    [InlineData("failover", null)]
    [InlineData("no", "now")]
    [InlineData("xyz", null)]
    [InlineData("", null)]
    public void A_word_is_taken_for_the_nearest_name(string word, string? name) =>
        Assert.Equal(name is null ? "" : $"; did you mean '{name}'?", Suggestion.For(word, Commands));

    [Fact]
    public void What_somebody_pasted_is_compared_with_nothing() => Assert.Equal("", Suggestion.For(new string('x', 1_000_000), Commands));
}
