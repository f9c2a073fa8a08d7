using System.Text;
using System.Text.Json;
using Sidecars.Core.Election;
using Sidecars.Core.Failover;
using Sidecars.Core.Failover.Fencing;
using Sidecars.Core.Failover.Status;
using Sidecars.Core.Hosting;
using static Sidecars.Core.Tests.Election.Facts;

namespace Sidecars.Core.Tests.Failover.Status;

public sealed class DecisionReplayTests
{
    private static readonly BootstrapSnapshot Starting = StartingA([Says(1, B), Says(2, B), Says(3, B)], [Master(B), Down(C)]);

    [Fact]
    public void A_logged_decision_of_redis_bootstrap_comes_out_the_same_from_its_snapshot()
    {
        var decision = MasterSelectionPolicy.Decide(Starting);
        var replayed = Assert.IsType<ReplayOutcome.Replayed>(DecisionReplay.Replay(Line(null, decision.Code, SnapshotDocument.Write(Starting))));
        Assert.True(replayed.IsSame, replayed.ToString());
        Assert.Equal(decision.Reason, replayed.Reason);
    }

    [Fact]
    public void A_line_that_was_changed_or_written_by_other_rules_is_a_difference()
    {
        var replayed = Assert.IsType<ReplayOutcome.Replayed>(DecisionReplay.Replay(Line(null, "start-as-master", SnapshotDocument.Write(Starting))));
        Assert.False(replayed.IsSame);
        Assert.Equal(("start-as-master", MasterSelectionPolicy.Decide(Starting).Code), (replayed.Logged, replayed.Code));
    }

    [Fact]
    public void A_logged_decision_of_the_fence_comes_out_the_same_from_its_snapshot()
    {
        var facts = FailoverFacts.Healthy;
        var line = Line("fence", FencePolicy.Decide(facts).Code, JsonSerializer.Serialize(facts, FailoverJson.Default.FenceFacts));
        Assert.True(Assert.IsType<ReplayOutcome.Replayed>(DecisionReplay.Replay(line)).IsSame);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData("[1]")]
    [InlineData("{\"event\":\"started\"}")]
    [InlineData("{\"event\":\"decision\",\"code\":\"x\"}")]
    [InlineData("{\"event\":\"decision\",\"code\":\"x\",\"snapshot\":null}")]
    [InlineData("{\"event\":\"decision\",\"code\":\"x\",\"snapshot\":{}}")]
    [InlineData("{\"event\":\"decision\",\"loop\":\"ghosts\",\"code\":\"x\",\"snapshot\":{}}")]
    [InlineData("{\"event\":\"decision\",\"loop\":\"fence\",\"code\":\"x\",\"snapshot\":{\"server\":1}}")]
    public void Any_other_line_is_unreadable_and_says_why(string line) =>
        Assert.NotEmpty(Assert.IsType<ReplayOutcome.Unreadable>(DecisionReplay.Replay(line)).Why);

    private static string Line(string? loop, string code, string snapshot)
    {
        using var output = new MemoryStream();
        var log = new JsonLineLog(output, "test", TimeProvider.System);
        if (loop is null) log.Info("decision", "why", LogField.Of("decision", "X"), LogField.Of("code", code), LogField.Json("snapshot", snapshot));
        else log.Info("decision", "why", LogField.Of("loop", loop), LogField.Of("code", code), LogField.Json("snapshot", snapshot));
        return Encoding.UTF8.GetString(output.ToArray()).TrimEnd('\n');
    }
}
