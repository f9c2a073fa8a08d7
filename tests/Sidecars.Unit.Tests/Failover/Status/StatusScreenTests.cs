using Sidecars.Core.Hosting;
using Sidecars.Failover.Options;
using Sidecars.Failover.Status;
using Sidecars.Unit.Tests.Failover.Loops;
using static Sidecars.Unit.Tests.Failover.Status.StatusFacts;

namespace Sidecars.Unit.Tests.Failover.Status;

/// <summary>What <c>status</c> writes, and how <c>--watch</c> goes on and ends.</summary>
public sealed class StatusScreenTests
{
    private static readonly TerminalSize Tall = new(100, 60);

    [Theory]
    [InlineData(false, ExitCode.Failed)]
    [InlineData(true, ExitCode.Ok)]
    public async Task Once_it_writes_plain_lines_and_ends_with_the_health(bool isHealthy, int code)
    {
        await using var output = new StringWriter();
        var snapshot = isHealthy ? Healthy : Disagreements["fenced"];
        Assert.Equal(code, await StatusCommand.RunAsync(
            _ => Task.FromResult(snapshot), Screen(output, Tall), isWatch: false, TimeProvider.System, default));
        Assert.Equal(Text(StatusPolicy.Decide(snapshot), Tall.Width), output.ToString());
    }

    [Theory]
    [InlineData("", "xterm", true)]
    [InlineData("", "", true)]
    [InlineData("1", "xterm", false)]
    [InlineData("", "dumb", false)]
    public void A_terminal_has_no_colours_where_a_person_or_its_kind_wants_none(string noColor, string terminal, bool colors)
    {
        var settings = new SettingReader(new Dictionary<string, string>
        {
            ["CLUSTER_ID"] = "tenant/shop",
            ["NODE_NAME"] = "redis-0",
            ["ANNOUNCE_HOST"] = "10.0.0.1",
            ["REDIS_SERVER_SERVICE_HOST"] = "10.0.0.1",
            ["REDIS_SENTINEL_SERVICE_HOST"] = "10.0.1.1",
            ["NO_COLOR"] = noColor,
            ["TERM"] = terminal,
        });
        var options = FailoverOptions.Read(settings, settings.Again());
        Assert.Empty(settings.Errors);
        Assert.Equal(colors, options?.Colors);
    }

    [Fact]
    public async Task On_a_terminal_each_report_takes_the_place_of_the_one_before_and_the_cursor_comes_back()
    {
        // The longer one first: nothing of it may be left.
        StatusSnapshot[] seen = [Disagreements["no-majority"], Healthy with { At = Healthy.At.AddSeconds(2) }];
        var output = await WatchAsync(seen, Tall, asJson: false);
        Assert.Equal(Text(StatusPolicy.Decide(seen[1]), Tall.Width), string.Join('\n', TerminalPicture.Of(output, Tall.Height)) + "\n");
        Assert.Contains("10:40:04Z", output, StringComparison.Ordinal);
        Assert.StartsWith("\e[?25l", output, StringComparison.Ordinal);
        Assert.EndsWith("\n\e[?25h", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_that_is_longer_than_the_window_does_not_scroll_and_says_so()
    {
        var picture = TerminalPicture.Of(await WatchAsync([Disagreements["no-majority"]], new TerminalSize(80, 10), asJson: false), 10);
        Assert.StartsWith("demo/redis: ", picture[0], StringComparison.Ordinal);
        Assert.Matches("^… [0-9]+ more lines: enlarge the window$", picture[^1]);
    }

    [Fact]
    public async Task Elsewhere_reports_follow_one_another_without_a_single_control_character()
    {
        var output = await WatchAsync([Healthy, Healthy], null, asJson: false);
        Assert.DoesNotContain('\e', output);
        var one = Text(StatusPolicy.Decide(Healthy));
        Assert.Equal(one + "\n" + one + "\n", output);
    }

    [Fact]
    public async Task As_JSON_each_is_one_line_on_a_terminal_too()
    {
        var output = await WatchAsync([Healthy, Disagreements["fenced"]], Tall, asJson: true);
        Assert.Equal(2, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.DoesNotContain('\e', output);
    }

    [Fact]
    public async Task Ended_while_it_looks_it_gives_the_cursor_back()
    {
        await using var output = new StringWriter();
        using var stop = new CancellationTokenSource();
        var looks = 0;
        var time = new VirtualTime();
        var running = StatusCommand.RunAsync(
            async cancellation =>
            {
                if (++looks == 1) return Healthy;
                await stop.CancelAsync();
                cancellation.ThrowIfCancellationRequested();
                return Healthy;
            },
            Screen(output, Tall), isWatch: true, time, stop.Token);
        time.Run(TimeSpan.FromSeconds(3), () => time.Sleepers == 1 || running.IsCompleted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.EndsWith("\e[?25h", output.ToString(), StringComparison.Ordinal);
    }

    // One report each 2 s, then a signal.
    private static async Task<string> WatchAsync(StatusSnapshot[] seen, TerminalSize? terminal, bool asJson)
    {
        await using var output = new StringWriter();
        using var stop = new CancellationTokenSource();
        var time = new VirtualTime();
        var looks = 0;
        var running = StatusCommand.RunAsync(
            _ => Task.FromResult(seen[looks++]), Screen(output, terminal, asJson), isWatch: true, time, stop.Token);
        time.Run(TimeSpan.FromSeconds(2 * (seen.Length - 1)), () => time.Sleepers == 1 || running.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(seen.Length, looks);
        return output.ToString();
    }

    private static StatusScreen Screen(TextWriter output, TerminalSize? terminal, bool asJson = false) =>
        new(output, () => terminal, asJson, new Paint(on: false));

    /// <summary>As much of a terminal as is needed to see what is left on it.</summary>
    private static class TerminalPicture
    {
        public static List<string> Of(string output, int height)
        {
            var lines = Enumerable.Repeat("", height).ToList();
            var (row, column) = (0, 0);
            for (var i = 0; i < output.Length; i++)
            {
                if (output[i] == '\n')
                {
                    (row, column) = (row + 1, 0);
                    Assert.True(row < height, "it scrolled");
                    continue;
                }

                if (output[i] != '\e')
                {
                    lines[row] = lines[row].PadRight(column)[..column] + output[i]
                        + (lines[row].Length > column + 1 ? lines[row][(column + 1)..] : "");
                    column++;
                    continue;
                }

                var end = output.IndexOfAny(['H', 'J', 'K', 'l', 'h'], i);
                switch (output[(i + 1)..(end + 1)])
                {
                    case "[H": (row, column) = (0, 0); break;
                    case "[2J": lines = [.. Enumerable.Repeat("", height)]; break;
                    case "[K": lines[row] = lines[row].PadRight(column)[..column]; break;
                    case "[J":
                        lines[row] = lines[row].PadRight(column)[..column];
                        for (var below = row + 1; below < height; below++) lines[below] = "";
                        break;
                    case "[?25l" or "[?25h": break;
                    case var other: Assert.Fail($"unexpected {other}"); break;
                }

                i = end;
            }

            return [.. lines.Take(lines.FindLastIndex(line => line.Length > 0) + 1)];
        }
    }
}
