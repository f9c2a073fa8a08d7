using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Core.Succession;

/// <summary>A is dead; B and C, and in random facts a fourth node, were its replicas.</summary>
public sealed class SuccessionPolicyTests
{
    private const string History = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";
    private const string Another = "6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f";
    private static readonly RedisEndpoint D = new("10.0.0.4", 6379);

    private static readonly SuccessionFacts Dead =
        new() { Master = A, Listed = [B, C], Replicas = [Replica(B, 900), Replica(C, 1000)], DeadFor = TimeSpan.FromMilliseconds(2) };

    private static readonly Dictionary<string, SuccessionFacts> Rows = new(StringComparer.Ordinal)
    {
        ["succeed"] = Dead,
        ["succeed: a silent one was waited for"] = Dead with { Replicas = [Replica(C, 1000)], DeadFor = SuccessionPolicy.AnswersWithin },
        ["succeed: the link never ends"] =
            Dead with { Replicas = [Replica(B, 900), Replica(C, 1000, linkUp: true)], DeadFor = SuccessionPolicy.LinkEndsWithin },
        ["succeed: the dead process holds its connections"] = Dead with
        { Replicas = [Replica(B, 900), Replica(C, 1000, linkUp: true)], DeadFor = SuccessionPolicy.ReadsWithin, HoldsConnections = true },
        ["succeed: the other one is of another history"] =
            Dead with { Replicas = [Replica(B, 5000, id: Another), Replica(C, 1000)], ReplicationId = History },
        ["succeed: nobody has the dead one's id, and all have one"] = Dead with { ReplicationId = Another },
        ["succeed: no Sentinel is connected to the best one yet"] = Dead with { Listed = [B], Unreached = [C], ReplicationId = History },
        ["succeed: nor to any"] = Dead with { Listed = [], Unreached = [B, C], ReplicationId = History },
        ["succeed: one that no Sentinel is connected to is not waited for where there is another"] =
            Dead with { Listed = [C], Unreached = [B], Replicas = [Down(B), Replica(C, 1000)], ReplicationId = History },
        ["replica-silent: it is waited for where there is no other"] =
            Dead with { Listed = [], Unreached = [B, C], Replicas = [Replica(B, 900), Down(C)], ReplicationId = History },
        ["no-promotable-replica: what is not connected has another's data"] =
            Dead with { Listed = [], Unreached = [B, C], ReplicationId = Another },
        ["no-promotable-replica: nobody knows whose data they should be"] = Dead with { Listed = [], Unreached = [B, C] },
        ["succeed: an earlier attempt's"] = Dead with { Replicas = [Replica(B, 900), Promoted(C)], Promoted = RunId(C) },
        ["succeed: somebody else's attempt"] = Dead with { Replicas = [Replica(B, 900), Promoted(C)] },
        ["replica-silent: it is not reached"] = Dead with { Replicas = [Replica(B, 900), Down(C)] },
        ["replica-silent: it answers nothing usable"] =
            Dead with { Replicas = [Replica(B, 900), Hangs(C)], DeadFor = SuccessionPolicy.AnswersWithin - TimeSpan.FromMilliseconds(1) },
        ["replica-silent: it was not asked"] = Dead with { Replicas = [Replica(B, 900)] },
        ["other-master"] = Dead with
        { Replicas = [Replica(B, 900), new NodeObservation.Known(C, Look(C, 1000) with { Role = NodeRole.Master, MasterAddress = null })] },
        ["other-master: of another history"] = Dead with
        {
            Replicas = [Replica(B, 900), new NodeObservation.Known(
                C, Look(C, 1, id: Another) with { Role = NodeRole.Master, MasterAddress = null, PreviousReplicationId = Another })]
        },
        ["other-master: two"] = Dead with { Replicas = [Promoted(B), Promoted(C)] },
        ["other-master: no Sentinel lists the promoted one"] = Dead with { Listed = [B], Replicas = [Replica(B, 900), Promoted(C)] },
        ["no-promotable-replica: none"] = Dead with { Listed = [], Replicas = [] },
        ["no-promotable-replica: priority 0"] =
            Dead with { Replicas = [Changed(B, n => n with { Priority = 0 }), Changed(C, n => n with { Priority = 0 })] },
        ["no-promotable-replica: loading, and receiving a full copy"] =
            Dead with { Replicas = [Changed(B, n => n with { Loading = true }), Changed(C, n => n with { SyncInProgress = true })] },
        ["no-promotable-replica: they follow another"] =
            Dead with { Replicas = [Changed(B, n => n with { MasterAddress = C }), Changed(C, n => n with { MasterAddress = B })] },
        ["no-promotable-replica: no Sentinel would promote them"] = Dead with { Listed = [] },
        ["replica-reads"] = Dead with { Replicas = [Replica(B, 900), Replica(C, 1000, linkUp: true)] },
        ["replica-reads: the one with less"] = Dead with
        {
            Replicas = [Replica(B, 900, linkUp: true), Replica(C, 1000)],
            DeadFor = SuccessionPolicy.LinkEndsWithin - TimeSpan.FromMilliseconds(1)
        },
        ["replica-reads: held, and not for long enough"] = Dead with
        {
            Replicas = [Replica(B, 900, linkUp: true), Replica(C, 1000)],
            DeadFor = SuccessionPolicy.ReadsWithin - TimeSpan.FromMilliseconds(1),
            HoldsConnections = true
        },
        ["histories-differ"] = Dead with { Replicas = [Replica(B, 900, id: Another), Replica(C, 1000)] },
        ["histories-differ: and neither is the dead one's"] =
            Dead with { Replicas = [Replica(B, 900, id: Another), Replica(C, 1000)], ReplicationId = new string('9', 40) },
    };

    public static TheoryData<string> RowNames => [.. Rows.Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(RowNames))]
    public void Who_succeeds_or_why_nobody_does_yet(string row)
    {
        var decision = SuccessionPolicy.Decide(Rows[row]);
        Assert.True(row.Split(':')[0] == decision.Code, $"{decision.Code}: {decision.Reason}");
        Assert.NotEmpty(decision.Reason);
        if (decision is not SuccessionDecision.Succeed { Plan: var plan })
        {
            // What ends within milliseconds is looked at again within them; only what ends by itself is no refusal.
            var again = (decision as SuccessionDecision.Wait)?.Again ?? (decision as SuccessionDecision.Refuse)?.Again;
            Assert.Equal(decision.Code is "replica-silent" or "replica-reads", again is not null);
            Assert.Equal(decision.Code is not "replica-reads", decision is SuccessionDecision.Refuse);
            return;
        }

        Assert.Equal((A, new SuccessionNode(C, C, RunId(C))), (plan.Master, plan.Target));
    }

    [Fact]
    public void A_priority_goes_before_the_data_and_equals_are_chosen_alike_in_any_order()
    {
        var preferred = Dead with { Replicas = [Changed(B, n => n with { Priority = 10, Offset = 1 }), Replica(C, 1000)] };
        Assert.Equal(B, Target(preferred));
        var equal = Dead with { Replicas = [Replica(C, 1000), Replica(B, 1000)] };
        Assert.Equal(B, Target(equal));
        Assert.Equal(B, Target(equal with { Replicas = [.. equal.Replicas.Reverse()] }));
    }

    [Fact]
    public void Whoever_was_silent_is_named_in_the_reason() =>
        Assert.Contains($"{B} did not answer within 500ms", SuccessionPolicy.Decide(Rows["succeed: a silent one was waited for"]).Reason,
            StringComparison.Ordinal);

    [Fact]
    public void One_process_at_two_addresses_is_one_replica()
    {
        var twice =
            Dead with { Listed = [B, C, D], Replicas = [Replica(B, 900), Replica(C, 1000), new NodeObservation.Known(D, Look(C, 1000))] };
        var plan = Assert.IsType<SuccessionDecision.Succeed>(
            SuccessionPolicy.Decide(twice with { DeadFor = SuccessionPolicy.AnswersWithin })).Plan;
        Assert.Equal(2, plan.Others.Length + 1);
    }

    [Fact]
    public void The_target_never_has_less_than_another_candidate_and_is_of_the_dead_ones_history() => ForAll(facts =>
    {
        if (Chosen(facts) is not { } target) return;
        var candidates = Candidates(facts);
        var alike = candidates.Where(c => c.View.ReplicationId == target.View.ReplicationId).ToList();
        Assert.Contains(target, candidates);
        Assert.All(alike, c => Assert.True(
            (c.View.Priority ?? int.MaxValue) >= (target.View.Priority ?? int.MaxValue), "a better priority was left out"));
        Assert.All(alike.Where(c => c.View.Priority == target.View.Priority),
            c => Assert.True(c.View.Offset <= target.View.Offset, "more data was left out"));
        // Another history is passed over only for the dead one's own.
        if (alike.Count < candidates.Count) Assert.Equal(facts.ReplicationId, target.View.ReplicationId);
        if (candidates.Exists(c => c.View.ReplicationId == facts.ReplicationId))
            Assert.Equal(facts.ReplicationId, target.View.ReplicationId);
    });

    [Fact]
    public void Nobody_is_promoted_while_a_replica_reads_or_is_silent_within_its_time() => ForAll(facts =>
    {
        if (Chosen(facts) is null) return;
        var isOver = facts.DeadFor >= SuccessionPolicy.LinkEndsWithin
            || (facts.HoldsConnections && facts.DeadFor >= SuccessionPolicy.ReadsWithin);
        Assert.True(isOver || !Candidates(facts).Exists(c => c.View.MasterLinkUp), "one still reads");
        var answers = facts.Replicas.OfType<NodeObservation.Known>().Select(r => r.Address).ToList();
        Assert.True(
            facts.DeadFor >= SuccessionPolicy.AnswersWithin || facts.Listed.All(answers.Contains), "one that is listed was not heard");
    });

    [Fact]
    public void What_was_promoted_is_gone_on_with_whatever_the_others_say() => ForAll(facts =>
    {
        var promoted = facts.Replicas.OfType<NodeObservation.Known>()
            .FirstOrDefault(r => r.View.Role == NodeRole.Master && r.View.RunId == facts.Promoted);
        if (promoted is not null) Assert.Equal(promoted.Address, Target(facts));
    });

    [Fact]
    public void The_others_are_replicas_of_the_dead_one_and_never_the_target() => ForAll(facts =>
    {
        if (SuccessionPolicy.Decide(facts) is not SuccessionDecision.Succeed { Plan: var plan }) return;
        Assert.DoesNotContain(plan.Others, o => o.RunId == plan.Target.RunId);
        foreach (var other in plan.Others)
            Assert.Contains(facts.Replicas.OfType<NodeObservation.Known>(),
                r => r.View is { Role: NodeRole.Replica } && r.View.RunId == other.RunId && r.View.MasterAddress == A);
    });

    private static RedisEndpoint Target(SuccessionFacts facts) =>
        Assert.IsType<SuccessionDecision.Succeed>(SuccessionPolicy.Decide(facts)).Plan.Target.Address;

    // Who is promoted, and was a replica before.
    private static NodeObservation.Known? Chosen(SuccessionFacts facts) =>
        SuccessionPolicy.Decide(facts) is SuccessionDecision.Succeed { Plan.Target.RunId: var id }
            ? facts.Replicas.OfType<NodeObservation.Known>().First(r => r.View.RunId == id) is { View.Role: NodeRole.Replica } replica
                ? replica
                : null
            : null;

    private static List<NodeObservation.Known> Candidates(SuccessionFacts facts) =>
        [.. facts.Replicas.OfType<NodeObservation.Known>().Where(r => facts.Listed.Contains(r.Address) && r.View.MasterAddress == A
            && r.View is { Role: NodeRole.Replica, Loading: false, SyncInProgress: false, Priority: not 0 })];

    private static void ForAll(Action<SuccessionFacts> holds) =>
        Prop.ForAll(Random.ToArbitrary(), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    private static readonly Gen<bool> Rarely = Gen.Frequency((6, Gen.Constant(false)), (1, Gen.Constant(true)));

    private static Gen<NodeObservation> At(RedisEndpoint at) =>
        from answers in Gen.Frequency((8, Gen.Constant(0)), (1, Gen.Constant(1)), (1, Gen.Constant(2)))
        from isMaster in Rarely
        from loading in Rarely
        from syncing in Rarely
        from reads in Rarely
        from stray in Rarely
        from priority in Gen.Frequency(
            (6, Gen.Constant<int?>(100)), (1, Gen.Constant<int?>(50)), (1, Gen.Constant<int?>(0)), (1, Gen.Constant<int?>(null)))
        from id in Gen.Frequency((6, Gen.Constant(History)), (1, Gen.Constant(Another)))
        from offset in Gen.Choose(1, 4)
        select answers == 1 ? Down(at) : answers == 2 ? Hangs(at) : new NodeObservation.Known(at, Look(at, offset, reads, id) with
        {
            Role = isMaster ? NodeRole.Master : NodeRole.Replica,
            MasterAddress = isMaster ? null : stray ? D : A,
            PreviousReplicationId = isMaster ? id : "",
            Loading = loading,
            SyncInProgress = syncing,
            Priority = priority,
        });

    private static readonly Gen<SuccessionFacts> Random =
        from b in At(B)
        from c in At(C)
        from d in At(D)
        from unlisted in Rarely
        from deadFor in Gen.Elements(0, 49, 50, 499, 500, 749, 750, 2000)
        from held in Rarely
        from id in Gen.Elements<string?>(null, History, Another)
        from promoted in Gen.Elements<string?>(null, null, RunId(B))
        select new SuccessionFacts
        {
            Master = A,
            Listed = unlisted ? [B, C] : [B, C, D],
            Replicas = [b, c, d],
            DeadFor = TimeSpan.FromMilliseconds(deadFor),
            HoldsConnections = held,
            ReplicationId = id,
            Promoted = promoted,
        };

    private static NodeLook Look(RedisEndpoint at, long offset, bool linkUp = false, string id = History) =>
        new()
        {
            RunId = RunId(at),
            Role = NodeRole.Replica,
            ReplicationId = id,
            Offset = offset,
            MasterAddress = A,
            MasterLinkUp = linkUp,
            Priority = 100
        };

    private static NodeObservation.Known Replica(RedisEndpoint at, long offset, bool linkUp = false, string id = History) =>
        new(at, Look(at, offset, linkUp, id));

    private static NodeObservation.Known Changed(RedisEndpoint at, Func<NodeLook, NodeLook> change) => new(at, change(Look(at, 1000)));

    private static NodeObservation.Known Promoted(RedisEndpoint at) =>
        Changed(at, n => n with { Role = NodeRole.Master, MasterAddress = null, ReplicationId = Another, PreviousReplicationId = History });
}
