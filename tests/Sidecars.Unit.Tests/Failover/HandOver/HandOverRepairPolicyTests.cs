using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

/// <summary>
/// What the sidecar beside A sees; A gives up for B in epoch 8, and three Sentinels name A in epoch 7, unless a row says otherwise.
/// </summary>
public sealed class HandOverRepairPolicyTests
{
    private static readonly NodeLook PromotedB = ReplicaAt(B) with
    { Role = NodeRole.Master, MasterAddress = null, ReplicationId = NextStream, PreviousReplicationId = OldStream, MinReplicas = 0 };

    private static readonly HandOverSnapshot Fenced = Whole.WithOwn(n => n with { MinReplicas = HandOverLimits.Fence });

    // B was promoted, and nobody told.
    private static readonly HandOverSnapshot Untold = Fenced.WithOther(Seen(PromotedB));

    // All Sentinels were told of B in epoch 8, and A was not demoted.
    private static readonly HandOverSnapshot Told =
        Untold with { Sentinels = [.. Enumerable.Range(1, 3).Select(n => Names(n, B, 8, "master", Listed(A), Listed(C)))] };

    // B is gone, and all Sentinels see it.
    private static readonly HandOverSnapshot Orphaned =
        (Fenced with { Sentinels = AllName(A, Listed(B, flags: "slave,s_down"), Listed(C)) }).WithOther(Gone(B));

    // By the sidecar of A, which gave up.
    private static readonly Dictionary<string, HandOverSnapshot> GaveUp = new(StringComparer.Ordinal)
    {
        ["own-unknown"] = Untold with { Own = Gone(A) },
        ["forget: never fenced, B is a replica"] = Whole,
        ["forget: never fenced, and B is gone"] = Whole.WithOther(Gone(B)),
        ["unfence: B was never promoted"] = Fenced,
        ["tell-target"] = Untold,
        ["tell-own: B is terminating, and nobody was told of it"] = Untold.WithOther(B, n => n with { Priority = 0 }),
        ["tell-target: the same history, another process"] = Untold.WithOther(B, n => n with { RunId = RunId(C) }).WithOther(Gone(C)),
        ["tell-target: A was started again, with another history"] =
            Untold.WithOwn(n => n with { RunId = new string('7', 40), ReplicationId = new string('9', 40) }),
        ["second-master: another process and another history"] =
            Untold.WithOther(B, n => n with { RunId = RunId(C), PreviousReplicationId = new string('9', 40) }).WithOther(Gone(C)),
        ["second-master: A takes writes"] = Untold.WithOwn(n => n with { MinReplicas = 1 }),
        ["second-master: A is fenced as an isolated one"] = Untold.WithOwn(n => n with { MinReplicas = 1_000_000 }),
        ["demote"] = Told,
        ["demote: in a later epoch"] =
            Told with { Sentinels = [.. Enumerable.Range(1, 3).Select(n => Names(n, B, 12, "master", Listed(A), Listed(C)))] },
        ["demote: A takes writes again"] = Told.WithOwn(n => n with { MinReplicas = 1 }),
        ["target-silent"] = Told.WithOther(Gone(B)),
        ["target-silent: it follows A"] = Told.WithOther(Seen(ReplicaAt(B))),
        ["displaced: by C"] = Untold with { Sentinels = AllName(C, Listed(A), Listed(B)) },
        ["no-majority: one of three was told"] = Untold.WithSentinel(1, Names(1, B, 8, "master", Listed(A), Listed(C))),
        ["no-majority: two are dead"] = Untold.WithSentinel(1, Dead(1)).WithSentinel(2, Dead(2)),
        ["failover-in-progress"] = Untold.WithSentinel(1, Names(1, A, 7, "master,failover_in_progress", Listed(B), Listed(C))),
        ["target-unclear"] = Fenced.WithOther(Garbled(B)),
        ["target-not-down: a majority reaches it"] = Fenced.WithOther(Gone(B)),
        ["target-not-down: one of three sees it down"] = Orphaned.WithSentinel(1, Names(1, A, Listed(B), Listed(C)))
            .WithSentinel(2, Names(2, A, Listed(B), Listed(C))),
        ["tell-own"] = Orphaned,
        ["tell-own: no Sentinel lists it any more"] = Orphaned with { Sentinels = AllName(A, Listed(C)) },
        ["unfence: A is named in a later epoch"] =
            Untold with { Sentinels = [.. Enumerable.Range(1, 3).Select(n => Names(n, A, 9, "master", Listed(B), Listed(C)))] },
        ["forget: A is named in a later epoch, and open"] =
            Whole with { Sentinels = [.. Enumerable.Range(1, 3).Select(n => Names(n, A, 9, "master", Listed(B), Listed(C)))] },
        ["tell-target: A is named in the very epoch in which it gave up"] =
            Untold with { Sentinels = [.. Enumerable.Range(1, 3).Select(n => Names(n, A, 8, "master", Listed(B), Listed(C)))] },
        ["forget: A is a replica"] = Told with { Own = Seen(MasterA with { Role = NodeRole.Replica, MasterAddress = B }) },
    };

    // Without a note: by the sidecar of any node.
    private static readonly Dictionary<string, HandOverSnapshot> NoNote = new(StringComparer.Ordinal)
    {
        ["nothing-left"] = Whole,
        ["own-unknown"] = Whole with { Own = Gone(A) },
        ["unfence"] = Fenced,
        ["unfence: a replica is gone"] = Fenced.WithOther(Gone(B)),
        ["second-master"] = Untold,
        ["displaced"] = Told,
        ["no-majority"] = Fenced.WithSentinel(1, Dead(1)).WithSentinel(2, Dead(2)),
        ["failover-in-progress"] = Fenced.WithSentinel(1, Names(1, A, 7, "master,failover_in_progress", Listed(B))),
        ["restore-min-replicas"] = Whole.WithOwn(n => n with { MinReplicas = 0 }),
        ["nothing-left: a person lowered the requirement while replicas are gone"] =
            Whole.WithOwn(n => n with { MinReplicas = 0, Attached = 0 }),
        ["nothing-left: another fence is not ours"] = Whole.WithOwn(n => n with { MinReplicas = 1_000_000 }),
        ["nothing-left: a promoted one that nobody was told of, by its own sidecar"] =
            Untold with { Own = Seen(PromotedB), Others = [Untold.Own, Seen(ReplicaAt(C))] },
        ["unfence-replica"] =
            Whole with { Own = Seen(ReplicaAt(C) with { MinReplicas = HandOverLimits.Fence }), Others = [Whole.Own, Seen(ReplicaAt(B))] },
    };

    public static TheoryData<string, bool> RowNames
    {
        get
        {
            var rows = new TheoryData<string, bool>();
            foreach (var row in GaveUp.Keys.Order(StringComparer.Ordinal)) rows.Add(row, true);
            foreach (var row in NoNote.Keys.Order(StringComparer.Ordinal)) rows.Add(row, false);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(RowNames))]
    public void What_is_left_of_a_hand_over_is_recognised_by_what_the_servers_and_the_note_say(string row, bool gaveUp)
    {
        var decision = Decide(row, gaveUp);
        Assert.True(row.Split(':')[0] == decision.Code, $"{decision.Code}: {decision.Reason}");
        Assert.NotEmpty(decision.Reason);
        Assert.Equal(decision.IsAct, decision.After > TimeSpan.Zero);
    }

    [Theory]
    [MemberData(nameof(RowNames))]
    public void Beside_a_coordinator_that_lives_only_what_it_gave_up_is_settled_once_it_has_stood_for_long(string row, bool gaveUp)
    {
        var decision = Decide(row, gaveUp, coordinator: true);
        Assert.True(
            !decision.IsAct || (gaveUp && decision.After == HandOverRepairPolicy.StoppedGrace), $"{decision.Code} after {decision.After}");
    }

    [Theory]
    [MemberData(nameof(RowNames))]
    public void Where_the_lock_cannot_be_asked_what_is_left_stands_for_thirty_seconds(string row, bool gaveUp)
    {
        var blind = Decide(row, gaveUp, coordinator: null);
        if (blind.IsAct && blind.Code != "restore-min-replicas") Assert.Equal(HandOverRepairPolicy.BlindGrace, blind.After);
    }

    [Fact]
    public void An_unreadable_note_is_left_to_a_person_on_a_master_and_forgotten_on_a_replica()
    {
        foreach (var snapshot in (HandOverSnapshot[])[Whole, Fenced, Untold, Told])
            Assert.Equal("giving-up-unreadable", Assert.IsType<HandOverRepairDecision.Refuse>(Unreadable(snapshot)).Code);
        Assert.IsType<HandOverRepairDecision.Forget>(Unreadable(GaveUp["forget: A is a replica"]));

        static HandOverRepairDecision Unreadable(HandOverSnapshot s) =>
            HandOverRepairPolicy.Decide(new HandOverRepairFacts(s, Coordinator: false, GivenUpUnreadable: "Torn: empty"));
    }

    [Fact]
    public void What_is_told_is_the_promoted_one_or_the_own_server_in_place_of_the_named_one()
    {
        var target = Assert.IsType<HandOverRepairDecision.Tell>(Decide("tell-target", gaveUp: true));
        Assert.Equal((B, A), (target.Target, target.Replaces));
        var own = Assert.IsType<HandOverRepairDecision.Tell>(Decide("tell-own", gaveUp: true));
        Assert.Equal((A, A), (own.Target, own.Replaces));
        var demote = Assert.IsType<HandOverRepairDecision.Demote>(Decide("demote", gaveUp: true));
        Assert.Equal((B, RunId(A), 1L), (demote.Master, demote.RunId, demote.MinReplicas));
    }

    [Fact]
    public void A_Sentinel_in_TILT_proves_no_death()
    {
        var tilted = Names(1, A, Listed(B, flags: "slave,s_down"), Listed(C)) is SentinelObservation.Known k
            ? k with { View = k.View with { Tilt = true } }
            : throw new InvalidOperationException();
        var s = Orphaned.WithSentinel(1, tilted).WithSentinel(2, Names(2, A, Listed(B), Listed(C)));
        Assert.Equal("target-not-down", HandOverRepairPolicy.Decide(new HandOverRepairFacts(s, Coordinator: false, ForB)).Code);
    }

    private static HandOverRepairDecision Decide(string row, bool gaveUp, bool? coordinator = false) =>
        HandOverRepairPolicy.Decide(new HandOverRepairFacts((gaveUp ? GaveUp : NoNote)[row], coordinator, gaveUp ? ForB : null));
}
