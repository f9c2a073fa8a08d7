using Sidecars.Core.Election;
using Sidecars.TestKit.FakeElector;
using static Sidecars.Core.Tests.Election.Facts;

namespace Sidecars.Core.Tests.Election;

/// <summary>What an answer of the side-car becomes; hostile answers against the published executable are in the integration tests.</summary>
public sealed class LeaderElectorBackendTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("10.0.0.1", "redis-1")] // one of my names: I am called by my node name
    [InlineData("POD-A", "redis-1")]
    [InlineData("10.0.0.2", "10.0.0.2")]
    [InlineData("", null)] // no leader yet
    public async Task A_name_is_a_leader_without_evidence(string name, string? candidate)
    {
        await using var server = FakeElectorServer.Start(FakeElectorServer.Leader(name));
        using var elector = new LeaderElectorBackend(server.Url, ["10.0.0.1", "pod-a"], Timeout);
        var view = Assert.IsType<ElectionObservation.Known>(await elector.ObserveAsync(Evidence(A), default)).View;
        Assert.Equal(candidate, view.Record.Candidate);
        Assert.False(view.CarriesEvidence);
        Assert.Equal([Evidence(A)], view.Evidence.AsEnumerable());
    }

    [Fact]
    public async Task Nothing_can_be_claimed_and_nothing_is_handed_on()
    {
        await using var server = FakeElectorServer.Start(FakeElectorServer.Leader("10.0.0.1"));
        using var elector = new LeaderElectorBackend(server.Url, ["10.0.0.1"], Timeout);
        var view = ((ElectionObservation.Known)await elector.ObserveAsync(Evidence(A), default)).View;
        Assert.IsType<ClaimOutcome.Lost>(await elector.ClaimAsync(view, Evidence(A), default));
        Assert.Null(elector.InheritedDescriptor);
    }

    [Fact]
    public async Task A_cancelled_question_is_cancelled_and_no_answer()
    {
        await using var server = FakeElectorServer.Start(FakeElectorServer.Trickling());
        using var elector = new LeaderElectorBackend(server.Url, [], TimeSpan.FromMinutes(1));
        using var cancel = new CancellationTokenSource();
        var asking = elector.ObserveAsync(Evidence(A), cancel.Token);
        await TestKit.Processes.Eventually.UntilAsync("the request", () => server.Requests > 0);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }
}
