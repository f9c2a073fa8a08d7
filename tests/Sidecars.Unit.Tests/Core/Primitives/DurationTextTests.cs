using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Primitives;

public sealed class DurationTextTests
{
    private const long Hour = 3_600_000, Day = 24 * Hour;

    [Theory]
    [InlineData("0", 0)]
    [InlineData("25", 25_000)]
    [InlineData("0s", 0)]
    [InlineData("250ms", 250)]
    [InlineData("25s", 25_000)]
    [InlineData("5m", 300_000)]
    [InlineData("1h30m", Hour + (Hour / 2))]
    [InlineData("7d", 7 * Day)]
    [InlineData("1d2h3m4s5ms", Day + (2 * Hour) + 180_000 + 4005)]
    [InlineData("1.5s", 1500)]
    [InlineData("0.25h", Hour / 4)]
    [InlineData("90m", Hour + (Hour / 2))]
    [InlineData("100000d", 100_000 * Day)]
    public void What_people_write_is_read(string text, long milliseconds)
    {
        Assert.True(DurationText.TryParse(text, TimeSpan.FromSeconds(1), out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("+5s")]
    [InlineData("5 s")]
    [InlineData("5S")]
    [InlineData("5sec")]
    [InlineData("5us")]
    [InlineData("1m1h")] // the larger unit comes first
    [InlineData("1s1s")]
    [InlineData("1h30")] // thirty of what?
    [InlineData("1.5")]
    [InlineData("1.s")]
    [InlineData(".5s")]
    [InlineData("1.2.3s")]
    [InlineData("1.5ms")]
    [InlineData("1.2345s")]
    [InlineData("1e3")]
    [InlineData("٣s")]
    [InlineData("100001d")]
    [InlineData("99999999999999999999999999ms")]
    public void What_could_mean_something_else_is_refused(string text) =>
        Assert.False(DurationText.TryParse(text, TimeSpan.FromSeconds(1), out _), text);

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(250, "250ms")]
    [InlineData(1000, "1s")]
    [InlineData(1500, "1.5s")]
    [InlineData(1005, "1.005s")]
    [InlineData(25_000, "25s")]
    [InlineData(90_000, "1m30s")]
    [InlineData(300_000, "5m")]
    [InlineData(60_250, "1m0.25s")]
    [InlineData(Hour + (Hour / 2), "1h30m")]
    [InlineData(168 * Hour, "7d")]
    [InlineData(Day + 1000, "1d1s")]
    [InlineData(-25_000, "-25s")]
    public void It_is_written_as_people_write_it_and_read_back(long milliseconds, string text)
    {
        Assert.Equal(text, DurationText.Of(TimeSpan.FromMilliseconds(milliseconds)));
        if (milliseconds < 0) return;
        Assert.True(DurationText.TryParse(text, TimeSpan.FromDays(1), out var read));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), read);
    }

    [Fact]
    public void Whatever_is_written_to_the_millisecond_is_read_back()
    {
        var random = new Random(7);
        for (var i = 0; i < 2000; i++)
        {
            var duration = TimeSpan.FromMilliseconds(random.NextInt64(1L << random.Next(1, 43)));
            Assert.True(DurationText.TryParse(DurationText.Of(duration), TimeSpan.FromHours(1), out var read), DurationText.Of(duration));
            Assert.Equal(duration, read);
        }
    }

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(0.04, "0.0ms")]
    [InlineData(3.24, "3.2ms")]
    [InlineData(412.3, "412ms")]
    [InlineData(999.7, "1s")]
    [InlineData(9_440, "9.4s")]
    [InlineData(12_345, "12s")]
    [InlineData(59_900, "1m")]
    [InlineData(200_400, "3m20s")]
    [InlineData(2.0 * Hour + 612_345, "2h10m")]
    [InlineData(76.4 * Hour, "3d4h")]
    public void A_measured_one_is_as_exact_as_a_reader_needs_it(double milliseconds, string text) =>
        Assert.Equal(text, DurationText.About(TimeSpan.FromMilliseconds(milliseconds)));

    [Fact]
    public void Times_without_end_are_written_too()
    {
        Assert.Equal("100000d", DurationText.About(TimeSpan.MaxValue));
        Assert.Equal("100000d", DurationText.Of(TimeSpan.MaxValue));
        Assert.Equal("-100000d", DurationText.Of(TimeSpan.MinValue));
    }
}
