using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Publish;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

public sealed class HandOverClaimTests
{
    private static readonly NodeLook PromotedB = ReplicaAt(B) with { Role = NodeRole.Master, MasterAddress = null, ReplicationId = NextStream, PreviousReplicationId = OldStream };
    private static readonly HandOverSnapshot Signalled = Lowered with { Own = Seen(PromotedB), Others = [Seen(MasterA with { Role = NodeRole.Replica, MasterAddress = B }), Seen(ReplicaAt(C))] };
    private static readonly HandOverClaim Claim = new(A, B, 7, RunId(B));

    private static readonly Dictionary<string, HandOverSnapshot> Rows = new(StringComparer.Ordinal)
    {
        ["hand-over"] = Signalled,
        ["hand-over: one Sentinel has switched"] = Signalled.WithSentinel(3, Names(3, B, 8, "master", Listed(A))),
        ["hand-over: the failover runs"] = Signalled.WithSentinel(1, Names(1, A, 7, "master,failover_in_progress", Listed(B))),
        ["not-master"] = Signalled with { Own = Seen(ReplicaAt(B)) },
        ["no-majority"] = Signalled.WithSentinel(1, Dead(1)).WithSentinel(2, AsksPassword(2)),
        ["switched"] = Signalled with { Sentinels = AllName(B, Listed(A)) },
        ["sentinels-disagree"] = Signalled.WithSentinel(3, Names(3, C, 8, "master")),
        ["old-master-silent"] = Signalled.WithOther(Gone(A)),
        ["not-demoted"] = Signalled.WithOther(A, n => n with { Role = NodeRole.Master }),
        ["not-demoted: it follows another"] = Signalled.WithOther(A, n => n with { MasterAddress = C }),
        ["other-lineage"] = Signalled.WithOther(A, n => n with { ReplicationId = new string('9', 40) }),
    };

    public static TheoryData<string> RowNames => [.. Rows.Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(RowNames))]
    public void A_signal_is_worth_what_the_servers_say(string row)
    {
        var decision = HandOverClaimPolicy.Decide(Rows[row]);
        Assert.True(row.Split(':')[0] == decision.Code, $"{decision.Code}: {decision.Reason}");
        if (decision is HandOverClaimDecision.Publish publish) Assert.Equal(Claim, publish.Claim);
    }
}
