using System.Collections.Immutable;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

public sealed class MonitorSelectionPolicyTests
{
    private static MonitorSnapshot Starting(
        ImmutableArray<SentinelObservation> others, ImmutableArray<NodeObservation> nodes, RememberedMaster? remembered = null) =>
        new() { RedisCount = 3, SentinelCount = 3, Sentinels = others, Nodes = nodes, Remembered = remembered };

    [Fact]
    public void A_majority_of_the_others_is_joined_in_its_epoch_even_when_the_master_is_down()
    {
        Monitors(B, 7, "join-majority", Starting([Says(1, B, 7), Says(2, B, 7)], [Down(B), Replica(C, B)]));
        Monitors(B, 9, "join-majority", Starting([Says(1, B, 7), Says(2, B, 7)], [Master(B)], new RememberedMaster(B, 9)));
    }

    [Fact]
    public void The_only_master_is_monitored_with_its_replicas_known()
    {
        var monitor = Monitors(
            B, 0, "monitor-live-master", Starting([Dead(1), Dead(2)], [Replica(A, B, true), Master(B), Replica(C, B, true)]));
        Assert.Equal([A, C], monitor.Replicas.AsEnumerable());
    }

    [Fact]
    public void Epochs_never_go_back()
    {
        Monitors(B, 5, "monitor-live-master", Starting([Says(1, B, 5), Dead(2)], [Master(B)]));
        Monitors(B, 40, "monitor-live-master", Starting([Dead(1), Dead(2)], [Master(B)], new RememberedMaster(B, 40)));
        Monitors(B, 41, "monitor-live-master", Starting([Dead(1), Dead(2)], [Master(B), Replica(A, B)], new RememberedMaster(A, 40)));
    }

    [Fact]
    public void An_address_that_is_no_nodes_any_more_is_overruled_by_a_whole_group_only()
    {
        var gone = new RedisEndpoint("10.0.0.99", 6379);
        var remembered = new RememberedMaster(gone, 5);
        Monitors(B, 6, "monitor-live-master",
            Starting([Dead(1), Dead(2)], [Replica(A, B, true), Master(B), Replica(C, B, true), Down(gone)], remembered));
        Waits("other-master-named", Starting([Dead(1), Dead(2)], [Replica(A, B, true), Master(B), Down(C), Down(gone)], remembered));
        Waits("other-master-named", Starting([Dead(1), Dead(2)], [Replica(A, B, true), Master(B), Replica(C, B), Down(gone)], remembered));
        Waits(
            "other-master-named", Starting([Dead(1), Dead(2)], [Replica(A, B, true), Master(B), Replica(C, gone), Down(gone)], remembered));
    }

    [Fact]
    public void A_Sentinel_that_names_another_is_overruled_only_where_that_one_is_seen_as_a_replica()
    {
        Monitors(B, 6, "monitor-live-master", Starting([Says(1, A, 5), Dead(2)], [Replica(A, B, true), Master(B)]));
        Assert.Equal("other-master-named", Assert.IsType<MonitorDecision.Wait>(
            MonitorSelectionPolicy.Decide(Starting([Says(1, A, 5), Dead(2)], [Down(A), Master(B)]))).Code);
    }

    [Fact]
    public void The_highest_epoch_of_a_minority_is_joined_where_its_master_is_the_only_one()
    {
        Monitors(B, 7, "join-highest-epoch", Starting([Says(1, B, 7), Says(2, A, 0)], [Down(A), Master(B), Replica(C, A)]));
        foreach (var nodes in (NodeObservation[][])[[Down(A), Down(B), Replica(C, A)], [Master(A), Master(B)], [Master(A), Replica(B, A)]])
            Assert.Equal("epoch-spreading", Assert.IsType<MonitorDecision.Wait>(
                MonitorSelectionPolicy.Decide(Starting([Says(1, B, 7), Says(2, A, 0)], [.. nodes]))).Code);
    }

    [Fact]
    public void Two_masters_are_refused_and_nobody_is_waited_for()
    {
        Assert.Equal("two-masters", Assert.IsType<MonitorDecision.Refuse>(
            MonitorSelectionPolicy.Decide(Starting([Dead(1), Dead(2)], [Master(A), Master(B)]))).Code);
        Assert.Equal("no-redis", Assert.IsType<MonitorDecision.Wait>(
            MonitorSelectionPolicy.Decide(Starting([Dead(1), Dead(2)], [Down(A), Down(B), Down(C)]))).Code);
    }

    [Fact]
    public void A_replaced_master_that_no_Sentinel_lived_to_demote_is_monitored_as_a_replica_of_its_successor()
    {
        var both = Starting([Dead(1), Dead(2)], [Of(A, "a"), Of(B, "b", "a"), Replica(C, B, true)]) with
        { KeptEpoch = new EpochReading.Known(4, B) };
        Assert.Equal([C, A], Monitors(B, 4, "monitor-successor", both).Replicas.AsEnumerable());
        Assert.Equal(
            [C, A], Monitors(B, 4, "monitor-successor", both with { Remembered = new RememberedMaster(A, 3) }).Replicas.AsEnumerable());
        Refuses(both with { KeptEpoch = null });
        Refuses(both with { KeptEpoch = new EpochReading.Known(4, null) });
        Refuses(both with { KeptEpoch = new EpochReading.Known(4, A) }); // promoted later, and no majority held it
        Refuses(both with { KeptEpoch = new EpochReading.Unavailable("down") });
        Refuses(both with { Remembered = new RememberedMaster(A, 4) });
        Refuses(both with { Sentinels = [Says(1, A, 5), Dead(2)] });
        Refuses(both with { Nodes = [Of(A, "a"), Of(B, "b"), Replica(C, B, true)] });
        Refuses(both with { Nodes = [Of(A, "a"), Of(B, "b", "c"), Replica(C, B, true)] }); // they share no history
        Refuses(both with { Nodes = [Of(A, "a"), Of(B, "b", "a"), Of(C, "c", "a")] });

        static void Refuses(MonitorSnapshot s) =>
            Assert.Equal("two-masters", Assert.IsType<MonitorDecision.Refuse>(MonitorSelectionPolicy.Decide(s)).Code);
        static NodeObservation Of(RedisEndpoint at, string id, string before = "") =>
            new NodeObservation.Known(
                at, new NodeLook { RunId = RunId(at), Role = NodeRole.Master, ReplicationId = id, PreviousReplicationId = before });
    }

    [Fact]
    public void Replicas_that_agree_on_a_lost_master_let_Sentinel_fail_over()
    {
        var monitor = Monitors(A, 0, "monitor-lost-master", Starting([Dead(1), Dead(2)], [Down(A), Replica(B, A), Replica(C, A)]));
        Assert.Equal([B, C], monitor.Replicas.AsEnumerable());
        Assert.Equal("replicas-disagree", Assert.IsType<MonitorDecision.Wait>(MonitorSelectionPolicy.Decide(
            Starting([Dead(1), Dead(2)], [Down(A), Replica(B, A), Replica(C, B)]))).Code);
    }

    [Fact]
    public void A_failover_in_progress_is_waited_for_even_on_one_Sentinel() =>
        Assert.Equal("failover-in-progress", Assert.IsType<MonitorDecision.Wait>(MonitorSelectionPolicy.Decide(
            Starting([Says(1, A, flags: "master,failover_in_progress"), Dead(2)], [Down(A), Replica(B, A)]))).Code);

    [Fact]
    public void An_equal_epoch_split_is_healed_by_the_next_epoch_where_roles_leave_no_doubt()
    {
        ImmutableArray<SentinelObservation> split = [Says(1, A, 3), Says(2, B, 3)];
        Monitors(B, 4, "heal-split", Starting(split, [Replica(A, B), Master(B), Replica(C, B)]));
        Assert.Equal("sentinel-split",
            Assert.IsType<MonitorDecision.Wait>(MonitorSelectionPolicy.Decide(Starting(split, [Down(A), Master(B), Replica(C, B)]))).Code);
        Assert.Equal("sentinel-split", Assert.IsType<MonitorDecision.Wait>(
            MonitorSelectionPolicy.Decide(Starting(split, [Master(A), Master(B), Replica(C, B)]))).Code);
    }

    [Fact]
    public void Sentinels_that_were_all_lost_go_on_from_the_epoch_that_the_group_keeps()
    {
        var nobody = Starting([Dead(1), Dead(2)], [Replica(A, B, true), Master(B), Replica(C, B, true)]);
        Monitors(B, 40, "monitor-live-master", nobody with { KeptEpoch = new EpochReading.Known(40, B) });
        Monitors(B, 40, "monitor-live-master", nobody with { KeptEpoch = new EpochReading.Known(40, null) });
        // Somebody may live who holds A in that epoch: greater wins, equal would never heal.
        Monitors(B, 41, "monitor-live-master", nobody with { KeptEpoch = new EpochReading.Known(40, A) });
        Monitors(B, 0, "monitor-live-master", nobody with { KeptEpoch = new EpochReading.Known(0, null) });
        Monitors(B, 43, "monitor-live-master",
            nobody with { KeptEpoch = new EpochReading.Known(40, B), Remembered = new RememberedMaster(B, 43) });
        Monitors(A, 40, "monitor-lost-master",
            Starting([Dead(1), Dead(2)], [Down(A), Replica(B, A), Replica(C, A)]) with { KeptEpoch = new EpochReading.Known(40, A) });
    }

    [Fact]
    public void An_unknown_epoch_is_not_0_unless_a_majority_or_the_own_memory_knows_better()
    {
        var unknown = new EpochReading.Unavailable("connection refused");
        var nobody = Starting([Dead(1), Dead(2)], [Replica(A, B, true), Master(B), Replica(C, B, true)]) with { KeptEpoch = unknown };
        Assert.Equal("epoch-unknown", Assert.IsType<MonitorDecision.Wait>(MonitorSelectionPolicy.Decide(nobody)).Code);
        Monitors(B, 5, "monitor-live-master", nobody with { Remembered = new RememberedMaster(B, 5) });
        Monitors(B, 7, "join-majority", Starting([Says(1, B, 7), Says(2, B, 7)], [Master(B)]) with { KeptEpoch = unknown });
        Assert.Equal("two-masters", Assert.IsType<MonitorDecision.Refuse>(MonitorSelectionPolicy.Decide(
            Starting([Dead(1), Dead(2)], [Master(A), Master(B)]) with { KeptEpoch = unknown })).Code);
    }

    [Fact]
    public void A_majority_that_is_older_than_what_was_held_is_joined_only_if_its_master_is_the_only_one()
    {
        var older =
            Starting([Says(1, A, 5), Says(2, A, 5)], [Master(A), Replica(B, A, true)]) with { KeptEpoch = new EpochReading.Known(6, B) };
        Monitors(A, 7, "join-majority", older);
        Assert.Equal("majority-is-older",
            Assert.IsType<MonitorDecision.Wait>(MonitorSelectionPolicy.Decide(older with { Nodes = [Master(A), Master(B)] })).Code);
        Assert.Equal("majority-is-older", Assert.IsType<MonitorDecision.Wait>(
            MonitorSelectionPolicy.Decide(older with { Nodes = [Replica(A, B, true), Master(B)] })).Code);
        Assert.Equal("majority-is-older",
            Assert.IsType<MonitorDecision.Wait>(MonitorSelectionPolicy.Decide(older with { Nodes = [Down(A), Down(B)] })).Code);
        Monitors(A, 6, "join-majority", older with { KeptEpoch = new EpochReading.Known(6, A), Nodes = [Down(A)] });
    }

    private static void Waits(string code, MonitorSnapshot s) =>
        Assert.Equal(code, Assert.IsType<MonitorDecision.Wait>(MonitorSelectionPolicy.Decide(s)).Code);

    private static MonitorDecision.Monitor Monitors(RedisEndpoint master, long epoch, string code, MonitorSnapshot s)
    {
        var monitor = Assert.IsType<MonitorDecision.Monitor>(MonitorSelectionPolicy.Decide(s));
        Assert.Equal((master, epoch, code), (monitor.Master, monitor.Epoch, monitor.Code));
        return monitor;
    }
}
