using Sidecars.Backup.Restore;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Backup;

/// <summary>What a person who waits sees of <c>now</c>, <c>restore</c>, <c>verify</c> and <c>prune</c>.</summary>
public sealed class ProgressLinesTests : IDisposable
{
    private readonly VirtualTime _time = new();
    private readonly StringWriter _output = new();

    public void Dispose() => _output.Dispose();

    [Fact]
    public void Elsewhere_than_on_a_terminal_there_is_a_line_every_5_s_and_none_before()
    {
        using (var lines = new ProgressLines(_output, isTerminal: false, _time))
        {
            Pass(6);
            Assert.Empty(_output.ToString()); // nothing has begun
            lines.Begin("restoring 20261121T055743Z-1");
            lines.Report(new RestoreProgress(48_000_000, 200_000_000));
            Pass(4);
            lines.Report(new RestoreProgress(100_000_000, 200_000_000));
            Pass(5);
            lines.Begin("a server loads the restored data");
            Pass(5);
        }

        Assert.Equal(
            [
                "restoring 20261121T055743Z-1: 48 MB of 200 MB, 12 MB/s, 13s left",
                "restoring 20261121T055743Z-1: 100 MB of 200 MB, 11 MB/s, 9s left",
                "a server loads the restored data, 5s",
            ],
            _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Pass(60);
        Assert.DoesNotContain("1m5s", _output.ToString(), StringComparison.Ordinal); // it has ended
    }

    [Fact]
    public void On_a_terminal_one_line_is_redrawn_four_times_a_second_and_cleared_at_the_end()
    {
        using (var lines = new ProgressLines(_output, isTerminal: true, _time))
        {
            lines.Begin("waiting for the backup of redis-1, which uploads");
            Pass(1);
            Assert.Equal(4, _output.ToString().Count(c => c == '\r'));
            Assert.DoesNotContain('\n', _output.ToString());
            lines.Begin("12 objects deleted");
            Pass(0.25);
        }

        var drawn = _output.ToString().Split('\r', StringSplitOptions.RemoveEmptyEntries);
        // nothing is left of the longer one
        Assert.Equal("12 objects deleted, 0s".PadRight("waiting for the backup of redis-1, which uploads, 1s".Length), drawn[^2]);
        Assert.Equal("", drawn[^1].Trim());
    }

    [Fact]
    public void A_command_that_is_done_within_the_first_period_says_nothing()
    {
        using (var lines = new ProgressLines(_output, isTerminal: true, _time)) lines.Begin("restoring");
        using (var lines = new ProgressLines(_output, isTerminal: false, _time)) lines.Begin("restoring");
        Assert.Empty(_output.ToString());
    }

    private void Pass(double seconds) => _time.Run(TimeSpan.FromSeconds(seconds), () => true);
}
