using System.Collections.Immutable;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Topology;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Bootstrap.Election.LineageElectionTests;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

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
        Assert.Equal("consult-election", Code(Newer, Serves(Id(1)))); // a person may have said something
        Assert.Equal("master-older", Code(Newer, Serves(Id(1)), election: ElectionOf(1)));
        // whatever Sentinels say: my own memory is certain
        Assert.Equal("master-older", Code(Newer, Serves(Id(1)), sentinelEpoch: 4, election: ElectionOf(1)));
        Assert.Equal("master-older", Code(Newer, Serves(Id(1)), election: new ElectionObservation.Unavailable("down")));
    }

    [Fact]
    public void A_master_that_continues_my_stream_is_followed_without_any_record()
    {
        Assert.Equal("follow-peer-master", Code(Newer, Serves(Id(2))));
        Assert.Equal("follow-peer-master", Code(Newer, Serves(Id(7), previous: Id(2), ended: 2000)));
    }

    [Fact]
    public void Data_of_a_stream_that_the_masters_recorded_lineage_never_had_are_kept_whatever_names_it()
    {
        // The record was lost and the group began anew, in a term that is no lower than mine; it may hold keys by now.
        var begun = Record(Serving(B, Token(5, 9), Id(7), 0, [new LineageEntry(Id(7), 0, new LineagePosition(5, 9, 1), Node)]));
        var elected = Candidate(5, Evidence(B, DataState.Absent), Evidence(B, DataState.Absent), Newer);
        foreach (var record in (ElectionObservation[])[begun, elected])
        {
            Assert.Equal("master-foreign", Code(Newer, Serves(Id(7)), sentinelEpoch: 9, election: record));
            Assert.Equal("master-foreign", Code(Newer, Serves(Id(7)), election: record));
            Assert.Contains("redis-bootstrap trust NODE", Decide(Newer, Serves(Id(7)), 9, record).Reason, StringComparison.Ordinal);
        }

        // Its lineage has the stream: a tail that diverged from it is kept, and the master followed.
        var continued =
            Record(Serving(B, Token(1, 5), Id(7), 0, [.. History, new LineageEntry(Id(7), 0, new LineagePosition(1, 5, 3), Node)]));
        Assert.NotNull(Assert.IsType<MasterDecision.Follow>(Decide(Newer, Serves(Id(7)), election: continued)).RescueFirst);
        var winner = Evidence(B) with { History = History };
        Assert.Equal("follow-peer-master", Code(Newer, Serves(Id(7)), election: Candidate(5, winner, winner, Newer)));
        // The record orders the two: the master serves what came before.
        var older = Record(Serving(B, Token(1, 0), Id(1), 0, [.. History]));
        Assert.Equal("master-older", Code(Newer with { History = [] }, Serves(Id(1)), election: older));
    }

    [Fact]
    public void A_stream_under_which_nothing_was_accepted_is_judged_by_the_one_before()
    {
        // Restarted from its AOF in term 2, under an id that nobody else has heard of; a replica was promoted in its place.
        var me = On(A, Id(3), 0, token: Token(2, 4), history: [.. History, new LineageEntry(Id(3), 0, new LineagePosition(2, 4, 3), Node)]);
        var record =
            Record(Serving(B, Token(2, 5), Id(7), 0, [.. History, new LineageEntry(Id(7), 0, new LineagePosition(2, 5, 3), Node)]));
        Assert.Equal("master-foreign", Code(me, Serves(Id(7)), sentinelEpoch: 5, election: record));
        var untouched = me with { StillOf = Id(2) };
        Assert.NotNull(Assert.IsType<MasterDecision.Follow>(Decide(untouched, Serves(Id(7)), 5, record)).RescueFirst);
        // A group that began anew had none of the two; one that serves what came before is older all the same.
        var begun = Record(Serving(B, Token(5, 9), Id(7), 0, [new LineageEntry(Id(7), 0, new LineagePosition(5, 9, 1), Node)]));
        Assert.Equal("master-foreign", Code(untouched, Serves(Id(7)), sentinelEpoch: 9, election: begun));
        var older = Record(Serving(B, Token(1, 0), Id(1), 0, History));
        Assert.Equal("master-older", Code(untouched with { History = [] }, Serves(Id(1)), election: older));
        // Not recorded yet: it is of my line by the one before.
        var mine = Record(Serving(C, Token(1, 4), Id(2), 0, History));
        Assert.Equal("follow-sentinels", Code(untouched, Serves(Id(7)), sentinelEpoch: 5, election: mine));
        Assert.Equal("master-unproven", Code(me, Serves(Id(7)), sentinelEpoch: 5, election: mine));
    }

    [Fact]
    public void A_lineage_that_nobody_recorded_yet_is_waited_for_and_Sentinels_are_believed_where_the_record_is_of_my_line()
    {
        Assert.Equal("consult-election", Code(Newer, Serves(Id(7))));
        Assert.Equal("consult-election", Code(Newer, Serves(Id(7)), sentinelEpoch: 9));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), election: ElectionOf(1)));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), sentinelEpoch: 9, election: ElectionOf(1)));
        // what it was elected on is not to be seen
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), sentinelEpoch: 9, election: Candidate(2, Evidence(B))));
        var mine = Record(Serving(C, Token(1, 4), Id(2), 0, History));
        Assert.Equal("follow-sentinels", Code(Newer, Serves(Id(7)), sentinelEpoch: 4, election: mine));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), sentinelEpoch: 3, election: mine));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7), keys: 0), sentinelEpoch: 4, election: mine));
        // A record that can't be read for long takes nobody down.
        var away = new ElectionObservation.Unavailable("down");
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), sentinelEpoch: 4, election: away));
        Assert.Equal("follow-sentinels", Code(Newer, Serves(Id(7)), sentinelEpoch: 4, election: away, waited: true));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), election: away, waited: true));
        // Nor does one that the master's sidecar does not write: unknown is no contradiction. An empty master is waited out all the same.
        Assert.Equal("follow-sentinels", Code(Newer, Serves(Id(7)), sentinelEpoch: 9, election: ElectionOf(1), waited: true));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7), keys: 0), sentinelEpoch: 9, election: ElectionOf(1), waited: true));
    }

    [Fact]
    public void Files_of_no_keys_follow_whom_Sentinels_name_whatever_stream_they_are_of()
    {
        var flushed = Newer with { Data = DataState.Empty };
        Assert.Equal("follow-sentinels", Code(flushed, Serves(Id(7), keys: 0), sentinelEpoch: 4));
        Assert.Equal("consult-election", Code(flushed, Serves(Id(7), keys: 0), sentinelEpoch: 3)); // an epoch before mine
        Assert.Equal("consult-election", Code(flushed, Serves(Id(7), keys: 0)));
    }

    [Fact]
    public void A_dump_that_names_a_stream_is_no_marker_and_data_without_one_have_a_lineage_that_nobody_knows()
    {
        // No sidecar runs. A replica's dump names the stream of its full copy; the elected one has only its AOF.
        var dump = Evidence(A) with { Position = Newer.Position! with { Source = PositionSource.RdbHeader } };
        var elected = Candidate(2, Evidence(B), Evidence(B), dump);
        Assert.Equal("follow-sentinels", Code(dump, Serves(Id(7)), sentinelEpoch: 0));
        Assert.Equal("follow-peer-master", Code(dump, Serves(Id(7)), election: elected));
        Assert.Equal("master-empty", Code(dump, Serves(Id(7), keys: 0), election: elected));
        Assert.Equal("follow-peer-master", Code(dump with { Data = DataState.Empty }, Serves(Id(7), keys: 0)));
        Assert.Equal("master-unproven", Code(Newer, Serves(Id(7)), election: elected));
    }

    [Theory]
    [InlineData(PersonsWordKind.AllowEmpty)]
    [InlineData(PersonsWordKind.Unclean)]
    [InlineData(PersonsWordKind.Restore)]
    [InlineData(PersonsWordKind.Adopt)]
    [InlineData(PersonsWordKind.Trust)]
    public void A_persons_word_covers_data_that_were_accepted_before_it_and_they_are_kept_first(PersonsWordKind kind)
    {
        ElectionObservation Said(long term, string node = "redis-2") => Record(
            Serving(B, Token(5, 0), Id(7), 0, [new LineageEntry(Id(7), 0, new LineagePosition(5, 0, 1), Node)]) with
            { Word = new PersonsWord(kind, node, term) });
        Assert.NotNull(Assert.IsType<MasterDecision.Follow>(Decide(Newer, Serves(Id(7), keys: 0), election: Said(2))).RescueFirst);
        Assert.Equal("follow-sentinels", Code(Newer, Serves(Id(7)), sentinelEpoch: 0, election: Said(2)));
        Assert.Equal("master-foreign", Code(Newer, Serves(Id(7)), election: Said(1))); // accepted after it
        Assert.Equal("master-foreign", Code(Newer, Serves(Id(7)), election: Said(2, node: "redis-1"))); // said of my own data
    }

    [Fact]
    public void Without_a_marker_a_master_with_data_that_somebody_vouches_for_is_followed_and_never_an_empty_one()
    {
        Assert.Equal("follow-peer-master", Code(Evidence(A, DataState.Absent), Serves(Id(1))));
        Assert.Equal("follow-sentinels", Code(Evidence(A), Serves(Id(1)), sentinelEpoch: 0));
        Assert.Equal("consult-election", Code(Evidence(A), Serves(Id(1))));
        Assert.Equal("master-unproven", Code(Evidence(A), Serves(Id(1)), election: ElectionOf(1)));
        Assert.Equal("follow-peer-master", Code(Evidence(A), Serves(Id(1)), election: Candidate(2, Evidence(B))));
        Assert.Equal("master-empty", Code(Evidence(A), Serves(Id(1), keys: 0), sentinelEpoch: 0, election: Candidate(2, Evidence(B))));
        Assert.Equal("master-empty", Code(Evidence(A, DataState.Suspect), Serves(Id(1), keys: 0), election: Candidate(2, Evidence(B))));
        Assert.Equal("follow-peer-master", Code(Evidence(A, DataState.Empty), Serves(Id(1), keys: 0))); // files of no keys: nothing to lose
        var trusted = Record(Serving(B, Token(5, 0), Id(1), 0, []) with { Word = new PersonsWord(PersonsWordKind.Trust, "redis-2", 5) });
        Assert.Equal("follow-peer-master", Code(Evidence(A), Serves(Id(1), keys: 0), election: trusted));
    }

    [Fact]
    public void Data_are_kept_first_unless_the_master_provably_has_them()
    {
        Assert.Null(Rescue(Newer, Serves(Id(2))));
        Assert.Null(Rescue(Newer, Serves(Id(7), previous: Id(2), ended: 1001)));
        Assert.NotNull(Rescue(Newer, Serves(Id(7), previous: Id(2), ended: 900)));
        Assert.NotNull(
            Rescue(On(A, Id(2), 1000, upper: null, token: Token(1, 4), history: History), Serves(Id(7), previous: Id(2), ended: 1001)));
        Assert.NotNull(Rescue(Evidence(A), Serves(Id(1))));
        Assert.Null(Rescue(Evidence(A, DataState.Absent), Serves(Id(1))));
    }

    private static NodeObservation.Known Serves(ReplicationId id, ReplicationId? previous = null, long? ended = null, long keys = 100) =>
        new(B, new NodeLook
        {
            RunId = RunId(B),
            Role = NodeRole.Master,
            Keys = keys,
            ReplicationId = id.ToString(),
            PreviousReplicationId = previous?.ToString() ?? "",
            PreviousEnded = ended,
        });

    private static ElectionObservation.Known Record(ElectionRecord record) => new(View(record));

    private static MasterDecision Decide(CandidateEvidence me, NodeObservation master, long? sentinelEpoch = null,
        ElectionObservation? election = null, bool waited = false) =>
        MasterSelectionPolicy.Decide(StartingA(
            sentinelEpoch is { } epoch ? [Says(1, B, epoch), Says(2, B, epoch), Says(3, B, epoch)] : [Dead(1), Dead(2), Dead(3)],
            [master], election) with
        { Me = me, LastMasterWait = TimeSpan.FromSeconds(10), ElectionWaitedFor = waited ? TimeSpan.FromSeconds(10) : TimeSpan.Zero });

    private static string Code(CandidateEvidence me, NodeObservation master, long? sentinelEpoch = null,
        ElectionObservation? election = null, bool waited = false) =>
        Decide(me, master, sentinelEpoch, election, waited).Code;

    private static string? Rescue(CandidateEvidence me, NodeObservation master) => Assert.IsType<MasterDecision.Follow>(
        Decide(me, master, sentinelEpoch: 4, Record(Serving(C, Token(1, 4), Id(2), 0, History)))).RescueFirst;
}
