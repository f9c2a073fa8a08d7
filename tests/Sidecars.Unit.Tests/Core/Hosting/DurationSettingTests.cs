using Sidecars.Core.Hosting;

namespace Sidecars.Unit.Tests.Core.Hosting;

public sealed class DurationSettingTests
{
    private readonly List<string> _errors = [];

    [Theory]
    [InlineData("MS", "2500", 2500)]
    [InlineData("MS", "2.5s", 2500)]
    [InlineData("SECONDS", "15", 15_000)]
    [InlineData("SECONDS", "1m30s", 90_000)]
    [InlineData("MINUTES", "1440", 86_400_000)]
    [InlineData("HOURS", "168", 604_800_000)]
    [InlineData("DAYS", "7", 604_800_000)]
    [InlineData("DAYS", "7d", 604_800_000)]
    public void Both_names_are_read_and_a_number_alone_keeps_its_unit(string unit, string text, long milliseconds)
    {
        var expected = TimeSpan.FromMilliseconds(milliseconds);
        Assert.Equal(expected, Read(unit, ("WAIT", text)));
        Assert.Equal(expected, Read(unit, ("WAIT_" + unit, text)));
        Assert.Empty(_errors);
    }

    [Fact]
    public void Where_neither_is_set_there_is_no_value_and_no_mistake()
    {
        Assert.Null(Read("MS"));
        Assert.Empty(_errors);
    }

    [Fact]
    public void Both_names_may_be_set_where_they_say_the_same()
    {
        Assert.Equal(TimeSpan.FromSeconds(5), Read("MS", ("WAIT", "5s"), ("WAIT_MS", "5000")));
        Assert.Empty(_errors);
    }

    [Fact]
    public void Where_they_differ_it_is_one_mistake_that_names_both_and_the_new_one_wins()
    {
        Assert.Equal(TimeSpan.FromSeconds(5), Read("MS", ("WAIT", "5s"), ("WAIT_MS", "6000")));
        Assert.Equal("WAIT is 5s and WAIT_MS, its former name, is 6s; set WAIT alone", Assert.Single(_errors));
    }

    [Theory]
    [InlineData("SECONDS", "1500ms", "it must be a duration in whole seconds (25s, 5m, 1h30m; a number alone counts seconds), 1s..8d")]
    [InlineData("DAYS", "36h", "it must be a duration in whole days (7d; a number alone counts days), 1s..8d")]
    [InlineData("MS", "999", "it must be a duration in whole milliseconds")]
    [InlineData("HOURS", "9d", "it must be a duration in whole hours")]
    [InlineData("MS", "soon\n", "it must be a duration in whole milliseconds")]
    public void What_is_wrong_names_the_variable_that_was_set_and_what_is_right(string unit, string text, string right)
    {
        foreach (var name in (string[])["WAIT", "WAIT_" + unit])
        {
            _errors.Clear();
            Assert.Null(Read(unit, (name, text)));
            Assert.StartsWith($"{name} is '{text.Replace('\n', '?')}'; {right}", Assert.Single(_errors), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_former_name_without_a_unit_is_a_mistake_of_ours() =>
        Assert.Throws<ArgumentException>(() => new DurationSetting("WAIT", "WAIT_LONG", TimeSpan.Zero, TimeSpan.MaxValue));

    private TimeSpan? Read(string unit, params (string Name, string Text)[] variables) =>
        new DurationSetting("WAIT", "WAIT_" + unit, TimeSpan.FromSeconds(1), TimeSpan.FromDays(8)).Read(
            name => variables.FirstOrDefault(variable => variable.Name == name).Text, _errors);
}
