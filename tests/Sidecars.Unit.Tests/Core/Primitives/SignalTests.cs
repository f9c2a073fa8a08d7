using Sidecars.Core.Primitives;
using Sidecars.Failover.Watch;
using Sidecars.Retries;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Core.Primitives;

public sealed class SignalTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly VirtualTime _time = new();
    private readonly Signal _one = new();
    private readonly Signal _other = new();

    [Fact]
    public async Task What_is_raised_between_the_look_and_the_wait_is_not_missed()
    {
        var ticket = new SignalTicket(_one, _other);
        _other.Raise();

        Assert.True(ticket.IsRaised);
        Assert.True(await ticket.WaitAsync(Hour, _time, default));
        Assert.False(new SignalTicket(_one, _other).IsRaised);
        AssertNothingIsLeft();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_wait_on_two_ends_with_either_and_leaves_the_other(bool first)
    {
        var wait = new SignalTicket(_one, _other).WaitAsync(Hour, _time, default);
        Assert.Equal((1, 1, 1), (_one.Waiters, _other.Waiters, _time.Sleepers));

        (first ? _one : _other).Raise();

        Assert.True(await wait);
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task A_wait_that_is_too_long_ends_without_a_trace()
    {
        var wait = new SignalTicket(_one, _other).WaitAsync(Hour, _time, default);
        _time.Run(Hour, () => true);

        Assert.False(await wait);
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task A_cancelled_wait_throws_and_leaves_no_trace_also_not_at_the_token()
    {
        using var stop = new CancellationTokenSource();
        var wait = new SignalTicket(_one, _other).WaitAsync(Hour, _time, stop.Token);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        AssertNothingIsLeft();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _one.Ticket().WaitAsync(Hour, _time, stop.Token));
    }

    [Fact]
    public async Task Nothing_to_wait_for_is_no_wait()
    {
        Assert.False(await _one.Ticket().WaitAsync(TimeSpan.Zero, _time, default));
        Assert.False(await _one.Ticket().WaitAsync(TimeSpan.FromSeconds(-1), _time, default));
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task All_waiters_are_woken_by_one_raise()
    {
        var waits = Enumerable.Range(0, 10).Select(_ => _one.Ticket().WaitAsync(Hour, _time, default)).ToList();
        _one.Raise();

        Assert.All(await Task.WhenAll(waits), Assert.True);
        AssertNothingIsLeft();
    }

    // The clock stands still: a lost change would be a wait without end.
    [Fact]
    public async Task However_raising_and_waiting_interleave_the_last_change_is_seen()
    {
        const int Changes = 100_000;
        var value = 0;
        var consumers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                var ticket = new SignalTicket(_other, _one);
                if (Volatile.Read(ref value) == Changes) return;
                await ticket.WaitAsync(Hour, _time, default);
            }
        })).ToArray();
        await Task.Run(() =>
        {
            for (var i = 1; i <= Changes; i++)
            {
                Volatile.Write(ref value, i);
                _one.Raise();
            }
        });

        await Task.WhenAll(consumers).WaitAsync(TimeSpan.FromMinutes(2));
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task Loops_side_by_side_end_together_with_the_failure_of_one()
    {
        var isOther = false;
        var run = SideBySide.RunAsync(default, async ct =>
        {
            await _one.Ticket().WaitAsync(Hour, _time, ct);
            throw new InvalidDataException("broken");
        }, async ct =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            isOther = ct.IsCancellationRequested;
        });
        Assert.False(run.IsCompleted);
        _one.Raise();

        await Assert.ThrowsAsync<InvalidDataException>(() => run);
        Assert.True(isOther);
    }

    [Fact]
    public async Task A_loop_that_ends_by_itself_is_a_failure_and_a_cancelled_one_is_none()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => SideBySide.RunAsync(default, _ => Task.CompletedTask, ct => Task.Delay(Timeout.InfiniteTimeSpan, ct)));
        using var stop = new CancellationTokenSource();
        var run = SideBySide.RunAsync(
            stop.Token, ct => Task.Delay(Timeout.InfiniteTimeSpan, ct), ct => Task.Delay(Timeout.InfiniteTimeSpan, ct));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public void A_pause_grows_is_never_shorter_than_asked_and_begins_anew_after_a_success()
    {
        var pause = new RetryPause(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4)), _time, () => 0.5);
        Assert.Equal([0.75, 1.5, 3, 3], Enumerable.Range(0, 4).Select(_ => pause.Failed().TotalSeconds));
        _time.Run(TimeSpan.FromSeconds(2), () => true);
        Assert.Equal(TimeSpan.FromSeconds(1), pause.Left);
        Assert.Equal(33.75, pause.Failed(TimeSpan.FromSeconds(30)).TotalSeconds);
        Assert.Equal(3, pause.Failed(TimeSpan.FromSeconds(2)).TotalSeconds);
        pause.Succeeded();
        Assert.Equal((false, TimeSpan.Zero), (pause.IsFailing, pause.Left));
        Assert.Equal(0.75, pause.Failed().TotalSeconds);
    }

    private void AssertNothingIsLeft() => Assert.Equal((0, 0, 0), (_one.Waiters, _other.Waiters, _time.Sleepers));
}
