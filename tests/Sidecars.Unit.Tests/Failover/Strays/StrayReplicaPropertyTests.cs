using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Strays;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.Strays;

/// <summary>Over random groups: what an attachment rests on, and where repeated rounds of all sidecars end.</summary>
public sealed class StrayReplicaPropertyTests
{
    private static readonly Gen<bool> Coin = Gen.Elements(true, false);

    // Mostly the healthy value, so that attachments are found.
    private static Gen<T> Mostly<T>(T usual, params T[] others) => Gen.Frequency((8, Gen.Constant(usual)), (1, Gen.Elements(others)));

    private static readonly Gen<SentinelObservation> Sentinels =
        from n in Gen.Choose(1, 3)
        from named in Mostly(A, B, C)
        from epoch in Mostly(7L, 6, 8)
        from flags in Mostly("master", "master,failover_in_progress", "master,s_down")
        from lists in Mostly(false, true)
        from tilt in Mostly(false, true)
        from runId in Mostly(RunId(A), "", RunId(B))
        from lost in Mostly(false, true)
        select lost ? Dead(n) : new SentinelObservation.Known(SentinelAt(n), new SentinelView
        {
            MyId = new string((char)('a' + n), 40),
            Tilt = tilt,
            Master = new SentinelMaster { Address = named, ConfigEpoch = epoch, Flags = flags, RunId = runId },
            Replicas = lists ? [Listed(B), Listed(C)] : [Listed(B)],
        });

    private static readonly Gen<NodeLook> Owns =
        from role in Mostly(NodeRole.Replica, NodeRole.Master)
        from follows in Mostly(B, A, C)
        from id in Mostly(OldStream, NextStream, "")
        from offset in Gen.Choose(985, 1005)
        from busy in Mostly(0, 1, 2, 3)
        select ReplicaAt(C, of: follows) with
        {
            Role = role,
            ReplicationId = id,
            Offset = offset,
            Loading = busy == 1,
            SyncInProgress = busy == 2,
            MinReplicas = busy == 3 ? HandOverLimits.Fence : 1,
        };

    private static readonly Gen<NodeObservation> Masters =
        from lost in Mostly(0, 1, 2)
        from role in Mostly(NodeRole.Master, NodeRole.Replica)
        from promoted in Coin
        from ended in Gen.Elements<long?>(null, 990, 1000)
        from busy in Mostly(0, 1, 2, 3)
        select lost == 1 ? Gone(A) : lost == 2 ? Garbled(A) : Seen(MasterA with
        {
            Role = role,
            ReplicationId = promoted ? NextStream : OldStream,
            PreviousReplicationId = promoted ? OldStream : "",
            PreviousEnded = ended,
            Loading = busy == 1,
            FailingOver = busy == 2,
            MinReplicas = busy == 3 ? HandOverLimits.Fence : 1,
        });

    private static readonly Gen<StrayReplicaFacts> Facts =
        from sentinels in Sentinels.ListOf(3)
        from own in Owns
        from master in Masters
        from lost in Mostly(false, true)
        from runs in Mostly<bool?>(false, true, null)
        from seconds in Mostly(15, 0, 14, 60)
        select new StrayReplicaFacts
        {
            Group = Whole with { Sentinels = [.. sentinels], Own = lost ? Gone(C) : Seen(own), Others = [master] },
            Address = C,
            StepDownRuns = runs,
            StandingFor = TimeSpan.FromSeconds(seconds),
        };

    [Fact]
    public void An_attachment_has_all_its_evidence()
    {
        var attached = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(Arb.From(Facts), facts =>
        {
            if (StrayReplicaPolicy.Decide(facts) is not StrayReplicaDecision.Attach attach) return;
            attached++;
            var own = ((NodeObservation.Known)facts.Group.Own).View;
            var master = ((NodeObservation.Known)facts.Group.Others.Single()).View;
            var answered = facts.Group.Sentinels.OfType<SentinelObservation.Known>().Select(k => k.View).ToList();
            Assert.Equal((own.RunId, own.MasterAddress, master.Announced), (attach.Link.RunId, attach.Link.Follows, attach.Link.Master));
            Assert.Equal(NodeRole.Replica, own.Role);
            Assert.NotEqual(master.Announced, own.MasterAddress);
            Assert.False(own.Loading || own.SyncInProgress || own.MinReplicas == HandOverLimits.Fence);
            var epoch = answered[0].Master!.ConfigEpoch;
            Assert.All(answered, v => Assert.Equal((A, epoch, "master"), (v.Master!.Address, v.Master.ConfigEpoch, v.Master.Flags)));
            Assert.DoesNotContain(answered, v => v.Replicas.Any(r => r.Address == C));
            Assert.True(answered.Where(v => !v.Tilt).Select(v => v.MyId).Distinct().Count() >= 2);
            Assert.All(answered, v => Assert.Contains(v.Master!.RunId, (string[])["", master.RunId]));
            Assert.Equal((NodeRole.Master, RunId(A), false, false), (master.Role, master.RunId, master.Loading, master.FailingOver));
            Assert.NotEqual(HandOverLimits.Fence, master.MinReplicas);
            var (isSame, isPrevious) = (own.ReplicationId == master.ReplicationId, own.ReplicationId == master.PreviousReplicationId);
            Assert.True(isSame ? own.Offset <= master.Offset : isPrevious && own.Offset < master.PreviousEnded);
            Assert.False(facts.StepDownRuns ?? true);
            Assert.True(facts.StandingFor >= TimeSpan.FromSeconds(15));
        }));
        Assert.True(attached > 100, $"{attached} attachments were looked at");
    }

    [Fact]
    public void The_order_of_the_answers_decides_nothing() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000),
        Prop.ForAll(Arb.From(Facts), facts =>
        {
            var turned = facts with { Group = facts.Group with { Sentinels = [.. facts.Group.Sentinels.Reverse()] } };
            Assert.Equal(StrayReplicaPolicy.Decide(facts).Code, StrayReplicaPolicy.Decide(turned).Code);
        }));

    /// <summary>Chains and rings of any length, under each of which every sidecar decides for its own server.</summary>
    [Fact]
    public void Every_stray_ends_at_the_master_in_one_round_and_nobody_moves_again()
    {
        const int Count = 6;
        var at = Enumerable.Range(1, Count).Select(n => new RedisEndpoint($"10.0.0.{n}", 6379)).ToArray(); // the first is the master
        var links =
            from follows in Gen.Choose(0, Count - 1).ListOf(Count - 1)
            from listed in Coin.ListOf(Count - 1)
            select (follows.ToArray(), listed.ToArray());
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Arb.From(links), world =>
        {
            var (follows, known) = world;
            var list = Enumerable.Range(1, Count - 1).Where(n => known[n - 1] || follows[n - 1] == 0).Select(n => Listed(at[n])).ToArray();
            var seen = Whole with { Sentinels = AllName(at[0], list), Others = [Seen(MasterA)] };
            var before = follows.ToArray();
            for (var round = 0; round < 2; round++)
            {
                for (var n = 1; n < Count; n++)
                {
                    var facts = new StrayReplicaFacts
                    {
                        Group = seen with { Own = Seen(ReplicaAt(at[n], of: at[follows[n - 1]])) },
                        Address = at[n],
                        StepDownRuns = false,
                        StandingFor = StrayReplicaPolicy.Patience,
                    };
                    if (StrayReplicaPolicy.Decide(facts) is not StrayReplicaDecision.Attach) continue;
                    Assert.Equal(0, round);
                    follows[n - 1] = 0;
                }
            }

            // Those that a Sentinel lists are left to it.
            for (var n = 1; n < Count; n++) Assert.Equal(known[n - 1] ? before[n - 1] : 0, follows[n - 1]);
        }));
    }
}
