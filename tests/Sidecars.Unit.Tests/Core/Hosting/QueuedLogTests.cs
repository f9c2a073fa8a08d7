using Sidecars.Core.Hosting;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Hosting;

/// <summary>A log whose reader is slow, away for good, or gone.</summary>
public sealed class QueuedLogTests
{
    private static readonly string Long = new('x', 8000);

    [Fact]
    public void What_was_logged_is_written_in_order_before_the_end()
    {
        var output = new BlockedStream();
        using (var queue = new QueuedLog(output, "test", TimeProvider.System, LogLevel.Info))
            for (var i = 0; i < 500; i++) queue.Log.Info($"e{i}", "");
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"e{i}"), output.Events());
    }

    [Fact]
    public async Task Nobody_waits_for_a_reader_that_is_away_and_what_was_dropped_is_told_once_it_is_back()
    {
        var output = new BlockedStream();
        output.Block();
        using var queue = new QueuedLog(output, "test", TimeProvider.System, LogLevel.Info);
        var logged = 0;
        for (; queue.Dropped < 3; logged++) queue.Log.Info("line", Long); // were it to wait, this would not end
        Assert.InRange(logged, QueuedLog.MaxBytes / (Long.Length + 200), (QueuedLog.MaxBytes / Long.Length) + 5);
        output.Open();
        await Eventually.UntilAsync("what waited", () => output.Events().Count == logged - 3 + 1);
        Assert.Equal("log-dropped", Assert.Single(output.Events(), e => e != "line"));
        Assert.Contains("\"lines\":3,\"lines_total\":3", output.Text(), StringComparison.Ordinal);
        queue.Log.Info("after", "");
        await Eventually.UntilAsync("a line that finds room again", () => output.Events()[^1] == "after");
    }

    [Fact]
    public void The_end_does_not_wait_for_a_reader_that_never_comes()
    {
        var output = new BlockedStream();
        output.Block();
        var queue = new QueuedLog(output, "test", TimeProvider.System, LogLevel.Info);
        queue.Log.Info("line", "");
        queue.Dispose();
        queue.Log.Info("late", "");
        Assert.Equal(1, queue.Dropped);
        output.Open();
    }

    [Fact]
    public void What_was_logged_before_is_written_once_it_is_drained()
    {
        var output = new BlockedStream();
        using var queue = new QueuedLog(output, "test", TimeProvider.System, LogLevel.Info);
        Assert.True(queue.Drain());
        for (var i = 0; i < 500; i++) queue.Log.Info("line", "");
        Assert.True(queue.Drain());
        Assert.Equal(500, output.Events().Count);
        output.Block();
        queue.Log.Info("line", "");
        Assert.False(queue.Drain()); // ends, though the reader never comes
        output.Open();
        Assert.True(queue.Drain());
    }

    [Fact]
    public async Task A_stream_that_fails_costs_its_line_and_nothing_else()
    {
        var output = new BlockedStream { Failures = 2 };
        using var queue = new QueuedLog(output, "test", TimeProvider.System, LogLevel.Info);
        for (var i = 0; i < 3; i++) queue.Log.Info("line", "");
        await Eventually.UntilAsync("the third", () => output.Events() is ["line", "log-dropped"]);
        Assert.Equal(2, queue.Dropped);
    }
}
