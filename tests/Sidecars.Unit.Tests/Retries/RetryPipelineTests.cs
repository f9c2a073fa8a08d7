using Sidecars.Core.Primitives;
using Sidecars.Retries;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Retries;

/// <summary>When a call is repeated, and when no more, by a clock that the test moves.</summary>
public sealed class RetryPipelineTests
{
    private static readonly RetryRules Rules = new(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)));
    private readonly VirtualTime _time = new();
    private readonly List<TimeSpan> _tries = [];

    [Theory]
    [InlineData(0, new[] { 0.5, 1, 2, 4, 8, 15, 15 })]
    [InlineData(0.5, new[] { 0.75, 1.5, 3, 6, 12, 22.5, 22.5 })]
    public void Pauses_double_up_to_the_longest_step(double random, double[] pauses)
    {
        Run(Rules, TryFor(7, () => new FailedTry()), TimeSpan.FromHours(1), () => random);

        Assert.Equal(pauses, Pauses());
    }

    [Fact]
    public void Jitter_reaches_over_the_upper_half_of_a_step_and_not_beyond()
    {
        var random = new Random(1);
        var rules = new RetryRules(new BackoffSchedule(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10)));
        Run(rules, TryFor(500, () => new FailedTry()), TimeSpan.FromHours(2), random.NextDouble);

        Assert.Equal(501, _tries.Count);
        Assert.All(Pauses(), pause => Assert.InRange(pause, 5, 10));
        Assert.True(Pauses().Min() < 5.1 && Pauses().Max() > 9.9);
    }

    [Theory]
    [InlineData(20, 0, 20)]
    [InlineData(20, 1, 25)]
    [InlineData(60, 0.5, 67.5)]
    [InlineData(0.3, 0.5, 0.75)] // less than its own pause would be
    public void No_try_comes_before_what_the_peer_asked_for_nor_more_than_a_quarter_after_it(double asked, double random, double pause)
    {
        Run(Rules, TryFor(1, () => new FailedTry(TimeSpan.FromSeconds(asked))), TimeSpan.FromHours(1), () => random);

        Assert.Equal([pause], Pauses());
    }

    [Fact]
    public void While_the_peer_is_away_calls_are_few_whatever_the_jitter()
    {
        var run = Start(Rules, _ => Task.FromResult<FailedTry?>(new FailedTry()), default, () => 0);
        _time.Run(TimeSpan.FromHours(1), () => _time.Sleepers == 1);

        Assert.InRange(_tries.Count, 200, 245); // every 15 s, and the way there
        Assert.False(run.IsCompleted);
    }

    [Fact]
    public async Task The_last_of_so_many_tries_is_the_outcome()
    {
        var told = new List<int>();
        var rules = Rules with { Failed = Thrown, MostTries = 3, Told = (_, failures) => told.Add(failures) };
        var run = Start(rules, _ => throw new IOException($"try {_tries.Count}"), default);
        _time.Run(TimeSpan.FromHours(1), () => run.IsCompleted || _time.Sleepers == 1);

        Assert.Equal("try 3", (await Assert.ThrowsAsync<IOException>(() => run)).Message);
        Assert.Equal([1, 2], told); // the third is not followed by another
        Assert.Equal([0.75, 1.5], Pauses());
    }

    [Fact]
    public async Task A_pause_that_would_exceed_the_bound_is_not_begun_and_the_caller_hears_what_was_asked()
    {
        var asked = new Queue<double>([3, 3, 30]);
        var rules = Rules with { MostWait = TimeSpan.FromSeconds(10) };
        var run = Start(rules, _ => Task.FromResult<FailedTry?>(new FailedTry(TimeSpan.FromSeconds(asked.Dequeue()))), default, () => 0);
        _time.Run(TimeSpan.FromSeconds(6), () => run.IsCompleted || _time.Sleepers == 1);

        Assert.Equal(new FailedTry(TimeSpan.FromSeconds(30)), await run);
        Assert.Equal([3.0, 3.0], Pauses());
    }

    [Fact]
    public async Task Only_what_may_be_repeated_is()
    {
        var run = Start(Rules with { Failed = Thrown }, _ => throw new InvalidDataException("a bug"), default);

        await Assert.ThrowsAsync<InvalidDataException>(() => run);
        Assert.Single(_tries);
    }

    [Fact]
    public async Task A_cancellation_ends_a_pause_at_once_and_leaves_nothing_behind()
    {
        using var stop = new CancellationTokenSource();
        var run = Start(Rules, _ => Task.FromResult<FailedTry?>(new FailedTry(TimeSpan.FromMinutes(1))), stop.Token);
        _time.Run(TimeSpan.FromSeconds(30), () => _time.Sleepers == 1);
        Assert.False(run.IsCompleted);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal((1, 0, TimeSpan.FromSeconds(30)), (_tries.Count, _time.Sleepers, _time.Now));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_try_that_fails_while_it_is_cancelled_is_cancelled(bool throws)
    {
        using var stop = new CancellationTokenSource();
        var run = Start(Rules with { Failed = tried => Thrown(tried) ?? tried.Result as FailedTry }, _ =>
        {
            stop.Cancel();
            return throws ? throw new IOException("cut off") : Task.FromResult<FailedTry?>(new FailedTry());
        }, stop.Token);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Single(_tries);
    }

    [Fact]
    public async Task News_ends_a_pause_and_a_pause_of_the_callers_own_goes_on_growing()
    {
        var (news, failing) = (new Signal(), new RetryPause(Rules.Schedule, _time, () => 0.5));
        var ticket = news.Ticket();
        var pipeline = new RetryPipeline(Rules, _time, () => 0.5);
        var isAway = true;
        var run = pipeline.RunAsync(TryAsync, default, failing, () => ticket);
        _time.Run(TimeSpan.FromSeconds(0.5), () => _time.Sleepers == 1);
        news.Raise();
        _time.Settle(() => _tries.Count == 2 && _time.Sleepers == 1);
        _time.Run(TimeSpan.FromSeconds(2), () => run.IsCompleted || _time.Sleepers == 1);
        Assert.Equal([0, 0.5, 2], _tries.Select(at => at.TotalSeconds)); // 1.5 s after the second
        isAway = false;
        _time.Run(TimeSpan.FromSeconds(3), () => run.IsCompleted || _time.Sleepers == 1);

        Assert.Null(await run);
        Assert.Equal((4, 3), (_tries.Count, failing.Failures));

        Task<FailedTry?> TryAsync(CancellationToken cancellation)
        {
            _tries.Add(_time.Now);
            ticket = news.Ticket();
            return Task.FromResult(isAway ? new FailedTry() : null);
        }
    }

    [Fact]
    public async Task Calls_of_one_pipeline_have_pauses_of_their_own()
    {
        var pipeline = new RetryPipeline(Rules, _time, () => 0.5);
        var many = Enumerable.Range(0, 20).Select(_ => pipeline.RunAsync(TryFor(3, () => new FailedTry()), default)).ToList();
        _time.Run(TimeSpan.FromSeconds(5.25), () => many.Count(run => !run.IsCompleted) == _time.Sleepers);

        await Task.WhenAll(many);
        Assert.Equal([0, 0.75, 2.25, 5.25], _tries.Select(at => at.TotalSeconds).Distinct());
        Assert.Equal(80, _tries.Count);
    }

    private static FailedTry? Thrown(Polly.Outcome<object> tried) =>
        tried.Exception is IOException ? new FailedTry() : null;

    private Func<CancellationToken, Task<FailedTry?>> TryFor(int failures, Func<FailedTry> failed)
    {
        return _ =>
        {
            lock (_tries) _tries.Add(_time.Now);
            return Task.FromResult(failures-- > 0 ? failed() : null);
        };
    }

    private void Run(RetryRules rules, Func<CancellationToken, Task<FailedTry?>> call, TimeSpan atMost, Func<double> random)
    {
        var run = new RetryPipeline(rules, _time, random).RunAsync(call, default);
        _time.Run(atMost, () => run.IsCompleted || _time.Sleepers == 1);
        Assert.True(run.IsCompletedSuccessfully);
    }

    private Task<FailedTry?> Start(
        RetryRules rules, Func<CancellationToken, Task<FailedTry?>> call, CancellationToken cancellation, Func<double>? random = null) =>
        new RetryPipeline(rules, _time, random ?? (() => 0.5)).RunAsync(token =>
        {
            _tries.Add(_time.Now);
            return call(token);
        }, cancellation);

    private double[] Pauses() => [.. _tries.Zip(_tries.Skip(1)).Select(pair => (pair.Second - pair.First).TotalSeconds)];
}
