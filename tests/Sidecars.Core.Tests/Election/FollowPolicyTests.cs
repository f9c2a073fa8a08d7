using System.Collections.Immutable;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Topology;
using static Sidecars.Core.Tests.Election.Facts;
using static Sidecars.Core.Tests.Election.LineageElectionTests;

namespace Sidecars.Core.Tests.Election;

/// <summary>A node with data follows only a token at least as high as its own. Node A starts; B is a master.</summary>
public sealed class FollowPolicyTests
{
    private static readonly NodeIdentity Node = new("redis-9", "u");
    private static readonly ImmutableArray<LineageEntry> History =
    [
        new(Id(1), 0, new LineagePosition(1, 0, 1), Node),
        new(Id(2), 0, new LineagePosition(1, 4, 2), Node),
    ];


    private static CandidateEvidence Newer => On(A, Id(2), 1000, token: Token(1, 4), history: History);

    [Fact]
    public void A_zombie_that_is_the_only_reachable_peer_is_not_followed()
    {
        Assert.Equal("master-older", Code(Newer, Serves(Id(1))));
        Assert.Equal("master-older", Code(Newer, Serves(Id(1)), sentinelEpoch: 4)); // whatever Sentinels say: my own memory is certain
    }

    [Fact]
    public void A_master_that_continues_my_stream_is_followed_without_any_record()
    {
        Assert.Equal("follow-peer-master", Code(Newer, Serves(Id(2))));
        Assert.Equal("follow-peer-master", Code(Newer, Serves(Id(7), previous: Id(2), ended: 2000)));
    }

    [Fact]
    public void An_unknown_replication_id_needs_Sentinels_or_the_record()
    {
        Assert.Equal("consult-election", Code(Newer, Serves(Id(7))));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), election: ElectionOf(1)));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), election: new ElectionObservation.Unavailable("down")));
        Assert.Equal("follow-peer-master", Code(Newer, Serves(Id(7)), election: Candidate(2, Evidence(B))));
        Assert.Equal("follow-peer-master", Code(Newer, Serves(Id(7)), election: Record(Serving(B, Token(1, 5), Id(7), 0, []))));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), election: Record(Serving(B, Token(1, 3), Id(7), 0, []))));
        Assert.Equal("follow-sentinels", Code(Newer, Serves(Id(7)), sentinelEpoch: 4));
        Assert.Equal("consult-election", Code(Newer, Serves(Id(7)), sentinelEpoch: 3));
    }

    [Fact]
    public void Without_data_or_without_a_marker_any_master_of_the_group_is_followed()
    {
        Assert.Equal("follow-peer-master", Code(Evidence(A, DataState.Absent), Serves(Id(1))));
        Assert.Equal("follow-peer-master", Code(Evidence(A), Serves(Id(1))));
    }

    [Fact]
    public void Data_are_kept_first_unless_the_master_provably_has_them()
    {
        Assert.Null(Rescue(Newer, Serves(Id(2))));
        Assert.Null(Rescue(Newer, Serves(Id(7), previous: Id(2), ended: 1001)));
        Assert.NotNull(Rescue(Newer, Serves(Id(7), previous: Id(2), ended: 900)));
        Assert.NotNull(Rescue(On(A, Id(2), 1000, upper: null, token: Token(1, 4), history: History), Serves(Id(7), previous: Id(2), ended: 1001)));
        Assert.NotNull(Rescue(Evidence(A), Serves(Id(1))));
        Assert.Null(Rescue(Evidence(A, DataState.Absent), Serves(Id(1))));
    }

    private static NodeObservation.Known Serves(ReplicationId id, ReplicationId? previous = null, long? ended = null) => new(B, new NodeView
    {
        RunId = RunId(B),
        Role = NodeRole.Master,
        ReplicationId = id.ToString(),
        PreviousReplicationId = previous?.ToString() ?? "",
        PreviousEnded = ended,
    });

    private static ElectionObservation.Known Record(ElectionRecord record) => new(View(record));

    private static MasterDecision Decide(CandidateEvidence me, NodeObservation master, long? sentinelEpoch = null, ElectionObservation? election = null) =>
        MasterSelectionPolicy.Decide(StartingA(
            sentinelEpoch is { } epoch ? [Says(1, B, epoch), Says(2, B, epoch), Says(3, B, epoch)] : [Dead(1), Dead(2), Dead(3)], [master], election) with
        { Me = me });

    private static string Code(CandidateEvidence me, NodeObservation master, long? sentinelEpoch = null, ElectionObservation? election = null) => Decide(me, master, sentinelEpoch, election).Code;

    private static string? Rescue(CandidateEvidence me, NodeObservation master) => Assert.IsType<MasterDecision.Follow>(Decide(me, master, sentinelEpoch: 4)).RescueFirst;
}
