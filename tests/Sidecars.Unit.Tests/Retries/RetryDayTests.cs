using Sidecars.Core.Primitives;
using Sidecars.Retries;
using Sidecars.Unit.Tests.Failover.Loops;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Retries;

/// <summary>One call that is repeated for a day.</summary>
[Collection(QuietDays.Name)]
public sealed class RetryDayTests(ITestOutputHelper output)
{
    [Fact]
    [QuietDayOf(typeof(RetryPipeline))]
    public async Task A_peer_that_is_away_for_a_day_is_asked_twice_a_minute_and_had_at_the_first_try_after_it()
    {
        var time = new VirtualTime();
        var pipeline = new RetryPipeline(
            new RetryRules(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30))), time, () => 1);
        var (tries, isAway) = (0, true);
        var call = Task.Run(() => pipeline.RunAsync(
            _ =>
            {
                tries++;
                return Task.FromResult(isAway ? new FailedTry() : null);
            },
            default));
        await QuietDayTests.OnThreadAsync(() =>
        {
            QuietDay.Pass(time, () => time.Sleepers == 1, output);
            Assert.InRange(tries, 24 * 120, 24 * 121);
            isAway = false;
            time.Run(TimeSpan.FromSeconds(30), () => time.Sleepers == 1 || call.IsCompleted);
        });
        Assert.Null(await call);
    }
}
