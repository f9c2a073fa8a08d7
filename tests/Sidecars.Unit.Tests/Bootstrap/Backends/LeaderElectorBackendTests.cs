using Sidecars.Bootstrap.Backends;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.FakeElector;
using Sidecars.TestKit.Processes;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Bootstrap.Backends;

/// <summary>
/// What an answer of the side-car becomes; hostile answers against the published executable are in the integration tests.
/// </summary>
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
    public async Task Peers_of_the_group_are_asked_what_lies_on_their_disks_and_nobody_elses_answer_counts()
    {
        await using var server = FakeElectorServer.Start(FakeElectorServer.Leader("10.0.0.1"));
        RedisEndpoint[] at = [Loopback(), Loopback(), Loopback(), Loopback()];
        CandidateEvidence[] mine = [Evidence(A), Evidence(B, DataState.Absent), Evidence(C), Evidence(C)];
        LeaderElectorBackend Open(int i, string cluster = "demo/redis", string password = "secret") =>
            new(server.Url, ["10.0.0.1"], Timeout)
            {
                Peers = new PeerEvidence(at[i], new PeerEvidenceKey(Cluster(cluster), password),
                    _ => Task.FromResult<IReadOnlyCollection<RedisEndpoint>>(at), Timeout, TimeProvider.System),
            };
        using LeaderElectorBackend me = Open(0), peer = Open(1), stranger = Open(2, password: "other"),
            neighbour = Open(3, cluster: "other/redis");
        LeaderElectorBackend[] all = [me, peer, stranger, neighbour];
        for (var i = 1; i < all.Length; i++) _ = await all[i].ObserveAsync(mine[i], default);
        var view = Assert.IsType<ElectionObservation.Known>(await me.ObserveAsync(mine[0], default)).View;
        Assert.Equal([mine[0], mine[1]], view.Evidence.AsEnumerable());
        // What it says is what it says now, and silence is no evidence.
        _ = await peer.ObserveAsync(mine[1] with { Data = DataState.Suspect, Why = "torn" }, default);
        Assert.Equal(DataState.Suspect, ((ElectionObservation.Known)await me.ObserveAsync(mine[0], default)).View.Evidence[1].Data);
        peer.Dispose();
        Assert.Single(((ElectionObservation.Known)await me.ObserveAsync(mine[0], default)).View.Evidence);
    }

    [Fact]
    public async Task A_persons_word_lies_beside_the_node_and_is_heard_once()
    {
        await using var server = FakeElectorServer.Start(FakeElectorServer.Leader("10.0.0.1"));
        using var folder = new TempFolder("word");
        using var elector = new LeaderElectorBackend(server.Url, ["10.0.0.1"], Timeout) { WordFile = folder.File("allow-empty") };
        async Task<long?> HeardAsync() =>
            ((ElectionObservation.Known)await elector.ObserveAsync(Evidence(A), default)).View.Record.EmptyStartAllowedInTerm;
        Assert.Null(await HeardAsync());
        folder.Write("allow-empty", "");
        Assert.Equal(0, await HeardAsync());
        elector.Consume();
        Assert.Null(await HeardAsync());
    }

    private static RedisEndpoint Loopback() => new("127.0.0.1", FreePort.Next());

    private static ClusterId Cluster(string text) =>
        ClusterId.TryParse(text, out var id) ? id : throw new ArgumentException("no cluster", nameof(text));

    [Fact]
    public async Task Nothing_can_be_claimed_and_nothing_is_handed_on()
    {
        await using var server = FakeElectorServer.Start(FakeElectorServer.Leader("10.0.0.1"));
        using var elector = new LeaderElectorBackend(server.Url, ["10.0.0.1"], Timeout);
        var view = ((ElectionObservation.Known)await elector.ObserveAsync(Evidence(A), default)).View;
        Assert.IsType<ClaimOutcome.Lost>(await elector.ClaimAsync(view, Evidence(A), null, default));
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
