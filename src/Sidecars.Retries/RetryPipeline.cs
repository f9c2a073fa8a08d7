using Polly;
using Polly.Retry;
using Sidecars.Core.Primitives;

namespace Sidecars.Retries;

/// <summary>
/// Repeats a call to a peer that is away or asks to wait, after pauses that grow, are jittered, and are never shorter than the peer
/// asked for. Safe for concurrent use.
/// </summary>
public sealed class RetryPipeline
{
    private static readonly ResiliencePropertyKey<Run> Key = new("sidecars.run");

    private readonly RetryRules _rules;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly ResiliencePipeline _pipeline;

    /// <param name="rules">What is repeated, how often and how long.</param>
    /// <param name="time">The clock of the pauses.</param>
    /// <param name="random">A number in [0, 1) for the jitter.</param>
    public RetryPipeline(RetryRules rules, TimeProvider time, Func<double> random)
    {
        ArgumentNullException.ThrowIfNull(rules);
        (_rules, _time, _random) = (rules, time, random);
        var retry = new RetryStrategyOptions
        {
            MaxRetryAttempts = rules.MostTries - 1,
            ShouldHandle = IsRepeatedAsync,
            DelayGenerator = PauseAsync,
        };
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(retry).Build();
    }

    /// <summary>Calls until a try is done, cannot be repeated, or a bound is reached; the outcome is that of the last try.</summary>
    /// <param name="call">One try.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>, also within a pause.</param>
    /// <param name="failing">The caller's own pause, where it outlives a call; by default the pauses of each call begin anew.</param>
    /// <param name="news">Asked at the beginning of each pause for the ticket that ends it early; by default nothing does.</param>
    public async Task<T> RunAsync<T>(
        Func<CancellationToken, Task<T>> call, CancellationToken cancellation, RetryPause? failing = null, Func<SignalTicket>? news = null)
    {
        ArgumentNullException.ThrowIfNull(call);
        var context = ResilienceContextPool.Shared.Get(cancellation);
        try
        {
            context.Properties.Set(Key, new Run(failing ?? new RetryPause(_rules.Schedule, _time, _random), news));
            return await _pipeline.ExecuteAsync(
                static async (context, call) => await call(context.CancellationToken).ConfigureAwait(false),
                context,
                call).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private ValueTask<bool> IsRepeatedAsync(RetryPredicateArguments<object> tried)
    {
        if (_rules.Failed(tried.Outcome) is not { } failure) return ValueTask.FromResult(false);
        // Polly would return the failure of the last try as the outcome.
        tried.Context.CancellationToken.ThrowIfCancellationRequested();
        var run = RunOf(tried.Context);
        run.Pause = run.Failing.Failed(failure.Asked);
        return ValueTask.FromResult(run.Pause <= _rules.MostWait - run.Waited);
    }

    private async ValueTask<TimeSpan?> PauseAsync(RetryDelayGeneratorArguments<object> tried)
    {
        var run = RunOf(tried.Context);
        _rules.Told?.Invoke(tried.Outcome, tried.AttemptNumber + 1);
        run.Waited += run.Pause;
        if (run.News is not { } news) return run.Pause;
        // Polly's own pause is ended by nothing but cancellation.
        await news().WaitAsync(run.Pause, _time, tried.Context.CancellationToken).ConfigureAwait(false);
        return TimeSpan.Zero;
    }

    private static Run RunOf(ResilienceContext context) => context.Properties.GetValue(Key, null!);

    /// <summary>What is remembered between the tries of one call.</summary>
    private sealed class Run(RetryPause failing, Func<SignalTicket>? news)
    {
        public RetryPause Failing => failing;

        public Func<SignalTicket>? News => news;

        public TimeSpan Pause { get; set; }

        public TimeSpan Waited { get; set; }
    }
}
