using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Death;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Ghosts;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Keeper;
using Sidecars.Failover.Passwords;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.RoleLabel;
using Sidecars.Failover.Status;
using Sidecars.Failover.Strays;
using Sidecars.Failover.Watch;
using Sidecars.Unit.Tests.Failover.Ghosts;
using Sidecars.Unit.Tests.Failover.HandOver;
using Sidecars.Unit.Tests.Failover.Passwords;
using Sidecars.Unit.Tests.Failover.Strays;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.Status;

public sealed class DecisionReplayTests
{
    private static readonly BootstrapSnapshot Starting = StartingA([Says(1, B), Says(2, B), Says(3, B)], [Master(B), Down(C)]);

    [Fact]
    public void A_logged_decision_of_redis_bootstrap_comes_out_the_same_from_its_snapshot()
    {
        var decision = MasterSelectionPolicy.Decide(Starting);
        var replayed = Assert.IsType<ReplayOutcome.Replayed>(
            DecisionReplay.Replay(Line(null, decision.Code, SnapshotDocument.Write(Starting)), SnapshotReplay.Decide));
        Assert.True(replayed.IsSame, replayed.ToString());
        Assert.Equal(decision.Reason, replayed.Reason);
    }

    [Fact]
    public void A_line_that_was_changed_or_written_by_other_rules_is_a_difference()
    {
        var replayed = Assert.IsType<ReplayOutcome.Replayed>(
            DecisionReplay.Replay(Line(null, "start-as-master", SnapshotDocument.Write(Starting)), SnapshotReplay.Decide));
        Assert.False(replayed.IsSame);
        Assert.Equal(("start-as-master", MasterSelectionPolicy.Decide(Starting).Code), (replayed.Logged, replayed.Code));
    }

    [Fact]
    public void A_logged_decision_of_a_starting_Sentinel_comes_out_the_same_from_its_snapshot()
    {
        var snapshot = new MonitorSnapshot
        {
            RedisCount = 3,
            SentinelCount = 3,
            Sentinels = [Dead(1), Dead(2)],
            Nodes = [Master(B), Down(C)],
            KeptEpoch = new EpochReading.Known(7, A)
        };
        Same(null, SnapshotDocument.Write(snapshot), MonitorSelectionPolicy.Decide(snapshot));
        Same(null, SnapshotDocument.Write(snapshot with { KeptEpoch = null }),
            MonitorSelectionPolicy.Decide(snapshot with { KeptEpoch = null }));
        Same(null, SnapshotDocument.Write(snapshot with { Nodes = [Down(B)] }),
            MonitorSelectionPolicy.Decide(snapshot with { Nodes = [Down(B)] }));
    }

    [Fact]
    public void A_logged_decision_of_any_loop_comes_out_the_same_from_its_snapshot()
    {
        Loop("fence", FailoverFacts.Healthy, FenceJson.Default.FenceFacts, FencePolicy.Decide);
        Loop("fence", FailoverFacts.Healthy with { Server = new OwnServer.Silent("hangs") }, FenceJson.Default.FenceFacts,
            FencePolicy.Decide);
        // Right after the start: whatever is not known yet is left out of the line.
        Loop("fence", FailoverFacts.Healthy with { Address = null }, FenceJson.Default.FenceFacts, FencePolicy.Decide);
        var publish = new PublishFacts
        {
            Server = FailoverFacts.Replica,
            Address = FailoverFacts.Me,
            Quorum = FailoverFacts.NamesOther,
            Term = 2,
            Rank = 1,
            RankDelay = TimeSpan.FromSeconds(5),
            NamedFor = TimeSpan.FromSeconds(6)
        };
        Loop("publish", publish, PublishJson.Default.PublishFacts, PublishPolicy.Decide);
        var another = new AnotherMasterFacts
        {
            Master = B,
            Epoch = 4,
            Quorum = FailoverFacts.NamesOther with { Named = B, RunIds = [RunId(B)] },
            Recorded = [new NodeAddresses("redis-1", "u", B, new RedisEndpoint("10.244.0.2", 6379), null)],
            Login = new NodeObservation.Known(
                new RedisEndpoint("10.244.0.2", 6379), new NodeLook { RunId = RunId(B), Role = NodeRole.Master }),
        };
        Loop("publish-another", another, PublishJson.Default.AnotherMasterFacts, AnotherMasterPolicy.Decide);
        Loop("publish-another", another with { Recorded = [], Unread = "503", Login = null }, PublishJson.Default.AnotherMasterFacts,
            AnotherMasterPolicy.Decide);
        var death = new DeathFacts
        {
            Server = new OwnServer.Dead(FailoverFacts.RunId, WasMaster: true),
            Address = A,
            Quorum = FailoverFacts.NamesMe with { Named = A }
        };
        Loop("death", death, DeathJson.Default.DeathFacts, DeathPolicy.Decide);
        Loop("death", death with { Address = null }, DeathJson.Default.DeathFacts, DeathPolicy.Decide);
        var asked = death with
        {
            Replicas =
                [Behind(B, 900), Behind(C, 1000), Down(new RedisEndpoint("10.0.0.4", 6379)), Foreign(new RedisEndpoint("10.0.0.5", 6379))]
        };
        Loop("death", asked with { DeadFor = TimeSpan.FromMilliseconds(5), ReplicationId = new string('c', 40) },
            DeathJson.Default.DeathFacts, DeathPolicy.Decide);
        Loop("death", asked with { DeadFor = TimeSpan.FromSeconds(1), Promoted = RunId(B), AcceptedAgo = TimeSpan.FromSeconds(4) },
            DeathJson.Default.DeathFacts, DeathPolicy.Decide);
        Loop("death", death with { TellingFailed = "they refuse a hello" }, DeathJson.Default.DeathFacts, DeathPolicy.Decide);
        var gaveUp = FailoverFacts.Healthy with
        {
            GivenUp = new GivenUp(8, "it gave up for 10.0.0.2:6379 in epoch 8"),
            Server = FailoverFacts.Master with { MinReplicas = WriteFence.MinReplicas }
        };
        Loop("fence", gaveUp, FenceJson.Default.FenceFacts, FencePolicy.Decide);
        Loop("epoch", new EpochKeeperFacts(new EpochReading.Known(5, A), [Says(1, B, 6), Says(2, B, 6), Dead(3)], 3),
            EpochJson.Default.EpochKeeperFacts, EpochKeeperPolicy.Decide);
        Loop("epoch", new EpochKeeperFacts(new EpochReading.Unavailable("down"), [Mute(1)], 3), EpochJson.Default.EpochKeeperFacts,
            EpochKeeperPolicy.Decide);
        Loop("ghosts", GhostFacts.Haunted(1, 2), GhostJson.Default.GhostSnapshot, facts => GhostRepairPolicy.Decide(facts));
        Loop("ghosts", GhostFacts.Haunted(1) with { Nodes = [Master(A), Down(B), Foreign(C)] }, GhostJson.Default.GhostSnapshot,
            facts => GhostRepairPolicy.Decide(facts));
        Loop("passwords", PasswordPolicyTests.After, PasswordJson.Default.PasswordFacts, PasswordPolicy.Decide);
        Loop("passwords", PasswordPolicyTests.After with { Address = null }, PasswordJson.Default.PasswordFacts, PasswordPolicy.Decide);
        Loop("role-label", new RoleLabelFacts(FailoverFacts.Master, "replica"), RoleLabelJson.Default.RoleLabelFacts,
            RoleLabelPolicy.Decide);
        var itself = FailoverFacts.Replica with { MasterAddress = FailoverFacts.Me, IsLinkUp = false };
        Loop("self-replica", new SelfReplicaFacts { Server = itself, Address = FailoverFacts.Me, Quorum = FailoverFacts.NamesMe },
            StrayJson.Default.SelfReplicaFacts, SelfReplicaPolicy.Decide);
        Loop("self-replica", new SelfReplicaFacts { Server = itself, Quorum = FailoverFacts.NamesMe }, StrayJson.Default.SelfReplicaFacts,
            SelfReplicaPolicy.Decide);
        foreach (var stray in StrayReplicaPolicyTests.All)
            Loop("stray-replica", stray, StrayJson.Default.StrayReplicaFacts, StrayReplicaPolicy.Decide);
        Loop("step-down", HandOverFacts.Whole with { Wanted = C }, HandOverJson.Default.HandOverSnapshot, StepDownPolicy.Decide);
        Loop("step-down", HandOverFacts.OnlyB.WithOther(HandOverFacts.Garbled(B)), HandOverJson.Default.HandOverSnapshot,
            StepDownPolicy.Decide);
        foreach (var coordinator in (bool?[])[true, false, null])
        {
            var left = new HandOverRepairFacts(
                HandOverFacts.Whole.WithOwn(n => n with { MinReplicas = HandOverLimits.Fence }).WithOther(HandOverFacts.Gone(C)),
                coordinator);
            Loop("hand-over-repair", left, HandOverJson.Default.HandOverRepairFacts, HandOverRepairPolicy.Decide);
            Loop("hand-over-repair", left with { GivenUp = HandOverFacts.ForB }, HandOverJson.Default.HandOverRepairFacts,
                HandOverRepairPolicy.Decide);
            Loop("hand-over-repair", left with { GivenUpUnreadable = "Torn: empty" }, HandOverJson.Default.HandOverRepairFacts,
                HandOverRepairPolicy.Decide);
        }
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
        Assert.NotEmpty(Assert.IsType<ReplayOutcome.Unreadable>(DecisionReplay.Replay(line, SnapshotReplay.Decide)).Why);

    private static NodeObservation.Known Behind(RedisEndpoint at, long offset) =>
        new(at, new NodeLook
        {
            RunId = RunId(at),
            Role = NodeRole.Replica,
            ReplicationId = new string('c', 40),
            Offset = offset,
            MasterAddress = A,
            Priority = 100
        });

    private static void Loop<T>(string loop, T facts, JsonTypeInfo<T> type, Func<T, IDecision> decide) =>
        Same(loop, JsonSerializer.Serialize(facts, type), decide(facts));

    private static void Same(string? loop, string snapshot, IDecision decision)
    {
        var outcome = DecisionReplay.Replay(Line(loop, decision.Code, snapshot), SnapshotReplay.Decide);
        Assert.True(
            outcome is ReplayOutcome.Replayed { IsSame: true } replayed && replayed.Reason == decision.Reason, $"{decision}\n{outcome}");
    }

    private static string Line(string? loop, string code, string snapshot)
    {
        using var output = new MemoryStream();
        var log = new JsonLineLog(output, "test", TimeProvider.System);
        if (loop is null)
            log.Info("decision", "why", LogField.Of("decision", "X"), LogField.Of("code", code), LogField.Json("snapshot", snapshot));
        else log.Info("decision", "why", LogField.Of("loop", loop), LogField.Of("code", code), LogField.Json("snapshot", snapshot));
        return Encoding.UTF8.GetString(output.ToArray()).TrimEnd('\n');
    }
}
