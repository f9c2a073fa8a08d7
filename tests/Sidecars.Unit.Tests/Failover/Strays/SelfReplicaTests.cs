using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Strays;
using Sidecars.Failover.Watch;
using Sidecars.Unit.Tests.Core.Kubernetes;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;

namespace Sidecars.Unit.Tests.Failover.Strays;

public sealed class SelfReplicaTests
{
    private static readonly OwnServer.Answers Itself = Replica with { MasterAddress = Me, IsLinkUp = false };
    private static readonly SelfReplicaFacts Facts = new() { Server = Itself, Address = Me, Quorum = NamesMe };

    [Fact]
    public void A_replica_of_its_own_address_that_a_majority_names_is_made_master()
    {
        Assert.Equal(RunId, Assert.IsType<SelfReplicaDecision.Promote>(SelfReplicaPolicy.Decide(Facts)).RunId);
        // Sentinels had no INFO of it yet
        Assert.IsType<SelfReplicaDecision.Promote>(SelfReplicaPolicy.Decide(Facts with { Quorum = NamesMe with { RunIds = [] } }));
    }

    [Fact]
    public void Without_a_majority_for_this_very_process_it_waits()
    {
        Waits("not-named", Facts with { Quorum = NamesOther });
        Waits("not-named", Facts with { Quorum = NoMajority });
        Waits("failing-over", Facts with { Quorum = NamesMe with { IsFailingOver = true } });
        Waits("another-process", Facts with { Quorum = NamesMe with { RunIds = [OtherRunId] } });
        Waits("loading", Facts with { Server = Itself with { IsLoading = true } });
    }

    [Fact]
    public void Any_other_server_is_left_alone()
    {
        foreach (var server in new OwnServer[]
        {
            Master, Replica, Itself with { IsLinkUp = true }, Itself with { MasterAddress = null }, new OwnServer.Silent("hangs"),
            new OwnServer.Dead(RunId, false)
        })
            Assert.IsType<SelfReplicaDecision.Nothing>(SelfReplicaPolicy.Decide(Facts with { Server = server }));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public async Task The_loop_acts_once_a_round_and_not_in_a_dry_run(bool dryRun, int acts)
    {
        var sink = new Sink();
        var promoted = new List<(string, RedisEndpoint)>();
        var loop = new SelfReplicaLoop(
            () => Me, () => Itself, () => NamesMe, (runId, at, _) => { promoted.Add((runId, at)); return Task.FromResult<string?>(null); },
            TimeSpan.FromSeconds(1), dryRun, sink, new SteppedTime());
        Assert.IsType<SelfReplicaDecision.Promote>(await loop.RoundAsync(default));
        Assert.Equal(acts, promoted.Count);
        Assert.Equal(acts, sink.Acts);
        var read = JsonSerializer.Deserialize(sink.Snapshot, StrayJson.Default.SelfReplicaFacts)!;
        Assert.Equal("promote", SelfReplicaPolicy.Decide(read).Code);
    }

    [Fact]
    public async Task What_it_waits_for_is_counted_as_a_refusal()
    {
        var sink = new Sink();
        var loop = new SelfReplicaLoop(() => Me, () => Itself, () => NoMajority,
            (_, _, _) => throw new InvalidOperationException("not due"), TimeSpan.FromSeconds(1), false, sink, new SteppedTime());
        await loop.RoundAsync(default);
        Assert.Equal(("not-named", true, 0), (sink.Code, sink.IsRefusal, sink.Acts));
    }

    private static void Waits(string code, SelfReplicaFacts facts) =>
        Assert.Equal(code, Assert.IsType<SelfReplicaDecision.Wait>(SelfReplicaPolicy.Decide(facts)).Code);

    private sealed class Sink : IDecisionSink
    {
        public string Code { get; private set; } = "";

        public bool IsRefusal { get; private set; }

        public string Snapshot { get; private set; } = "";

        public int Acts { get; private set; }

        public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot) =>
            (Code, IsRefusal, Snapshot) = (code, isRefusal, snapshot());

        public void Acted(string loop, string code, string detail, string? failure) => Acts++;
    }
}
