using Sidecars.Demo;
using Sidecars.Demo.Output;
using Sidecars.Demo.Tenant;

namespace Sidecars.Integration.Tests.Demo;

/// <summary>The table at the end of the demo.</summary>
public sealed class FigureTableTests
{
    private static readonly Paint Plain = new(color: false);

    [Theory]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(200)]
    public void No_row_is_wider_than_the_terminal_and_no_title_is_cut(int width)
    {
        const string Title = "redis-0, the master, loses its pod and its volume at once, twice over";

        var rows = FigureTable.Rows(Figures(Step(Title, lost: 0)), Plain, width).ToList();

        Assert.All(rows, row => Assert.True(row.Length <= width, row));
        var titles = string.Join(' ', rows.Skip(2).Select((row, i) => i == 0 ? row[..^46] : row).Select(text => text.Trim()));
        Assert.Equal(Title, titles);
    }

    [Fact]
    public void A_row_has_both_gaps_the_writes_and_those_that_are_lost()
    {
        var rows = FigureTable.Rows(Figures(Step("kill", lost: 7)), Plain, 80).ToList();

        Assert.Equal(["step", "healed", "gap", "by", "record", "writes", "lost"], Words(rows[0]));
        Assert.Equal(["first", "acknowledged", "write", "1.25", "s"], Words(rows[1]));
        Assert.Equal(["kill", "3.00", "s", "0.50", "s", "0.75", "s", "12,345", "7"], Words(rows[2]));
    }

    [Fact]
    public void Without_a_record_there_is_no_column_of_it()
    {
        var rows = FigureTable.Rows(Figures(Step("kill", lost: 0) with { RecordGapSeconds = null }), Plain, 80).ToList();

        Assert.Equal(["step", "healed", "gap", "writes", "lost"], Words(rows[0]));
        Assert.Equal(["kill", "3.00", "s", "0.50", "s", "12,345", "0"], Words(rows[2]));
    }

    [Fact]
    public void Lost_writes_are_red_where_none_may_be_and_break_the_demo()
    {
        var excused = Figures(Step("kill", lost: 2));
        var broken = Figures(Step("step-down", lost: 2) with { MayLose = null });
        var paint = new Paint(color: true);

        Assert.Contains(paint.Doubtful($"{2,6}"), FigureTable.Rows(excused, paint, 80).Last(), StringComparison.Ordinal);
        Assert.Contains(paint.Bad($"{2,6}"), FigureTable.Rows(broken, paint, 80).Last(), StringComparison.Ordinal);
        Assert.Empty(excused.Broken);
        Assert.Single(broken.Broken);
    }

    [Theory]
    [InlineData("127.0.1.2", "redis.example.org. 5 IN A 127.0.1.2")]
    [InlineData(null, "_redis-master.redis.example.org. 5 IN TXT \"x\"")]
    [InlineData(null, "other.example.org. 5 IN A 127.0.1.2")]
    [InlineData(null, "")]
    public void The_record_is_read_from_the_zone(string? address, string line) =>
        Assert.Equal(address, PublishedRecord.AddressIn(["$TTL 5", line]));

    private static string[] Words(string row) => row.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static StepFigures Step(string title, long lost) => new()
    {
        Step = title,
        HealedSeconds = 3,
        LongestGapSeconds = 0.5,
        RecordGapSeconds = 0.75,
        AcknowledgedWrites = 12345,
        LostWrites = lost,
        MayLose = Stage.NotReplicated,
    };

    private static Figures Figures(params StepFigures[] steps) => new()
    {
        Scenario = "tour",
        RedisNodes = 3,
        Sentinels = 3,
        Writers = 4,
        FirstWriteSeconds = 1.25,
        Steps = steps,
        AcknowledgedWrites = 12345,
        LostWrites = 0,
        RefusedWrites = 0,
        UnansweredWrites = 0,
        TwoMastersAccepted = 0,
    };
}
