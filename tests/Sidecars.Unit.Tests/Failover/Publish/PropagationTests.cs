using Sidecars.Failover.Publish;
using Sidecars.Unit.Tests.Core.Kubernetes;

namespace Sidecars.Unit.Tests.Failover.Publish;

public sealed class PropagationTests
{
    private readonly SteppedTime _time = new();

    [Fact]
    public async Task It_is_asked_later_and_later_until_it_is_everywhere_and_says_how_long_that_took()
    {
        var place = new Place(false, false, true);
        var propagation = new Propagation(place.IsPropagatedAsync, _time, () => 0);
        var asked = new List<double>();
        var waited = TimeSpan.Zero;
        (bool Done, TimeSpan? Took) answer;
        do
        {
            waited += propagation.DueIn;
            _time.Advance(propagation.DueIn);
            asked.Add(waited.TotalSeconds);
            answer = await propagation.AskAsync(default);
        }
        while (!answer.Done);
        Assert.Equal([10, 20, 40], asked);
        Assert.Equal((true, TimeSpan.FromSeconds(40)), answer);
    }

    [Fact]
    public async Task The_jitter_only_delays_the_first_call_and_only_hastens_the_others()
    {
        var propagation = new Propagation(new Place(false).IsPropagatedAsync, _time, () => 0.999);
        Assert.InRange(propagation.DueIn.TotalSeconds, 10, 20);
        await propagation.AskAsync(default);
        Assert.InRange(propagation.DueIn.TotalSeconds, 10, 20);
    }

    [Fact]
    public async Task It_gives_up_at_the_first_call_that_fails_since_another_tenant_needs_the_calls()
    {
        var propagation = new Propagation(new Place((bool?)null).IsPropagatedAsync, _time, () => 0);
        Assert.Equal((true, null), await propagation.AskAsync(default));
    }

    [Fact]
    public async Task It_gives_up_after_five_calls_and_knows_no_duration()
    {
        var place = new Place(false);
        var propagation = new Propagation(place.IsPropagatedAsync, _time, () => 0);
        for (var call = 1; call < 5; call++) Assert.Equal((false, null), await propagation.AskAsync(default));
        Assert.Equal((true, null), await propagation.AskAsync(default));
        Assert.Equal(5, place.Asked);
    }

    /// <summary>Answers in turn; the last answer stays.</summary>
    private sealed class Place(params bool?[] answers)
    {
        public int Asked { get; private set; }

        public Task<bool?> IsPropagatedAsync(CancellationToken cancellation) =>
            Task.FromResult(answers[Math.Min(++Asked, answers.Length) - 1]);
    }
}
