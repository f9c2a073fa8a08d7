using System.Collections.Immutable;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

/// <summary>Elections among nodes whose markers and whose record know the lineage. Ids 1 and 2 are of redis-1 and redis-2.</summary>
public sealed class LineageElectionTests
{
    private static readonly NodeIdentity Node1 = new("redis-1", "uid-1"), Node2 = new("redis-2", "uid-2");
    private static readonly LineageEntry First = new(Id(1), 0, new LineagePosition(1, 0, 1), Node1);
    private static readonly LineageEntry Second = new(Id(2), 900, new LineagePosition(1, 1, 2), Node2);

    [Fact]
    public void The_last_serving_master_wins_over_a_later_marker_and_needs_a_majority()
    {
        // Under load the replica's marker is a moment later than the master's, and the master's disk is longer than noted.
        var master = On(A, Id(1), 1000, upper: null, serving: (Node1, Token(1, 0)), history: First);
        var replica = On(B, Id(1), 1040, earlier: 700, serving: (Node1, Token(1, 0)), history: First);
        var record = Serving(A, Token(1, 0), Id(1), 950, [First], ("redis-2", 800), ("redis-3", 800));
        Assert.IsType<ElectionDecision.Claim>(Decide(master, record, null, master, replica));
        Assert.Equal("redis-1", Assert.IsType<ElectionDecision.Lost>(Decide(replica, record, null, master, replica)).Winner);
        // Alone it can't know that nobody was promoted after it while the record was out of reach.
        Assert.IsType<ElectionDecision.Wait>(Decide(master, record, null, master));
        // Unless a majority of Sentinels names it: then nobody was.
        Assert.IsType<ElectionDecision.Claim>(Decide(master, record, new NamedMaster(A, 0), master));
    }

    [Theory]
    [InlineData(1014, true)] // a ping between the two markers
    [InlineData(1020, false)] // the shortest write
    public void A_ping_after_its_marker_does_not_make_the_last_master_old(long replicaOffset, bool wins)
    {
        var master = On(A, Id(1), 1000, upper: 1000, serving: (Node1, Token(1, 0)), history: First);
        var replica = On(B, Id(1), replicaOffset, upper: replicaOffset, earlier: 700, serving: (Node1, Token(1, 0)), history: First);
        var record = Serving(A, Token(1, 0), Id(1), 950, [First], ("redis-2", 800), ("redis-3", 800));
        var decision = Decide(master, record, null, master, replica);
        Assert.Equal(wins, decision is ElectionDecision.Claim);
        // Else those in sync with it are waited for: who has more is not known before they are here.
        Assert.Equal(!wins, decision is ElectionDecision.Wait);
    }

    [Fact]
    public void A_promotion_that_reached_no_record_is_found_on_any_majority_of_disks()
    {
        // The API server was down when redis-2 was promoted; the record still says redis-1.
        var old = On(A, Id(1), 1000, serving: (Node1, Token(1, 0)), history: First);
        var promoted = On(B, Id(2), 2000, serving: (Node2, Token(1, 1)), history: [First, Second]);
        var record = Serving(A, Token(1, 0), Id(1), 950, [First], ("redis-2", 800));
        Assert.IsType<ElectionDecision.Wait>(Decide(old, record, null, old));
        Assert.IsType<ElectionDecision.Claim>(Decide(promoted, record, null, old, promoted));
        Assert.Equal("redis-2", Assert.IsType<ElectionDecision.Lost>(Decide(old, record, null, old, promoted)).Winner);
    }

    [Fact]
    public void A_volume_of_an_hour_ago_never_wins_while_a_newer_one_is_there()
    {
        // It says "master" of the right id, and its own last report or anybody's older offset gives it away.
        var rolledBack = On(A, Id(1), 1000, upper: null, serving: (Node1, Token(1, 0)), history: First);
        var replica = On(B, Id(1), 5000, upper: null, earlier: 4800, serving: (Node1, Token(1, 0)), history: First);
        var other = On(C, Id(1), 4900, upper: null, earlier: 4700, serving: (Node1, Token(1, 0)), history: First);
        foreach (var record in (ElectionRecord[])[
            Serving(A, Token(1, 0), Id(1), 4990, [First], ("redis-2", 4800), ("redis-3", 4700)),
            Serving(A, Token(1, 0), Id(1), 0, [First], ("redis-2", 0), ("redis-3", 0)),
            new ElectionRecord { Term = 1 }])
        {
            Assert.IsType<ElectionDecision.Claim>(Decide(replica, record, null, rolledBack, replica, other));
            Assert.IsType<ElectionDecision.Claim>(Decide(replica, record, new NamedMaster(A, 0), rolledBack, replica, other));
        }
    }

    [Fact]
    public void Where_the_newest_disks_are_absent_everybody_waits_and_says_for_whom()
    {
        var stale = On(C, Id(1), 1000, serving: (Node1, Token(1, 0)), history: First);
        var record = Serving(A, Token(1, 0), Id(1), 4990, [First], ("redis-2", 4800), ("redis-3", 4700));
        var wait = Assert.IsType<ElectionDecision.Wait>(Decide(stale, record, null, stale));
        Assert.Equal(["redis-1", "redis-2", "redis-3"], wait.WaitingFor.AsEnumerable());
        Assert.Contains("redis-3 does not hold what it had acknowledged (offset 4700", wait.Reason, StringComparison.Ordinal);
        Assert.Contains("redis-2 is not here", wait.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_last_master_those_in_sync_with_it_are_enough()
    {
        var inSync = On(B, Id(1), 5000, serving: (Node1, Token(1, 0)), history: First);
        var lagging = On(C, Id(1), 300, serving: (Node1, Token(1, 0)), history: First);
        var record = Serving(A, Token(1, 0), Id(1), 4990, [First], ("redis-2", 4800));
        Assert.IsType<ElectionDecision.Claim>(Decide(inSync, record, null, inSync, lagging));
        // Not at once: the last master may be a second late, and hold what it never sent.
        var early = new ElectionFacts(View(record, inSync, lagging), inSync, 3, Durability.Aof, null, IsLastMasterOverdue: false);
        Assert.Equal(["redis-1"], Assert.IsType<ElectionDecision.Wait>(ElectionPolicy.Decide(early)).WaitingFor.AsEnumerable());
        var wait = Assert.IsType<ElectionDecision.Wait>(Decide(lagging, record, null, lagging, On(A, null, 0, data: DataState.Absent)));
        Assert.Equal(["redis-2"], wait.WaitingFor.AsEnumerable());
    }

    [Fact]
    public void A_replication_id_that_nobody_recorded_is_refused_and_never_lowest()
    {
        var known = On(A, Id(1), 1000, serving: (Node1, Token(1, 0)), history: First);
        var unknown = On(B, Id(9), 10, history: []);
        var record = Serving(A, Token(1, 0), Id(1), 950, [First], ("redis-2", 0));
        Assert.Equal(
            ElectionPolicy.LineageUnknown, Assert.IsType<ElectionDecision.Refuse>(Decide(known, record, null, known, unknown)).Code);
        Assert.Equal(
            ElectionPolicy.LineageUnknown, Assert.IsType<ElectionDecision.Refuse>(Decide(unknown, record, null, known, unknown)).Code);
    }

    [Fact]
    public void Two_masters_of_one_term_and_epoch_are_refused_unless_Sentinels_settled_it()
    {
        var rival = Second with { Position = new LineagePosition(1, 0, 2) };
        var one = On(A, Id(1), 1000, serving: (Node1, Token(1, 0)), history: First);
        var two = On(B, Id(2), 900, serving: (Node2, Token(1, 0)), history: rival);
        var three = On(C, Id(2), 900, history: rival);
        Assert.Equal(ElectionPolicy.LineageConflict,
            Assert.IsType<ElectionDecision.Refuse>(Decide(one, new ElectionRecord { Term = 1 }, null, one, two, three)).Code);
        Assert.IsType<ElectionDecision.Claim>(Decide(two, new ElectionRecord { Term = 1 }, new NamedMaster(B, 0), one, two, three));
    }

    [Fact]
    public void A_split_of_the_past_is_over_once_every_node_is_here_and_of_one_side()
    {
        var rival = Second with { Position = new LineagePosition(1, 0, 2) };
        var one = On(A, Id(2), 900, serving: (Node1, Token(1, 0)), history: First);
        var two = On(B, Id(2), 900, serving: (Node2, Token(1, 0)), history: rival);
        var three = On(C, Id(2), 890, history: rival);
        var record = new ElectionRecord { Term = 1, History = [First] };
        var winners = new[] { one, two, three }.Where(me => Decide(me, record, null, one, two, three) is ElectionDecision.Claim).ToList();
        Assert.Single(winners);
        // One that is not here may be of the other side; so may one whose position is not known.
        foreach (var me in new[] { two, three }) Assert.IsNotType<ElectionDecision.Claim>(Decide(me, record, null, two, three));
        foreach (var me in new[] { one, two, three })
            Assert.IsType<ElectionDecision.Refuse>(Decide(me, record, null, one with { Position = null }, two, three));
    }

    [Fact]
    public void An_unclean_election_goes_on_with_the_best_that_is_there_and_says_so()
    {
        var stale = On(C, Id(1), 1000, serving: (Node1, Token(1, 0)), history: First);
        var record = Serving(A, Token(1, 0), Id(1), 4990, [First], ("redis-2", 4800));
        var facts = new ElectionFacts(View(record, stale), stale, 3, Durability.Aof, null, IsUnclean: true);
        Assert.StartsWith("UNCLEAN, by UNCLEAN_ELECTION_AFTER, though redis-1",
            Assert.IsType<ElectionDecision.Claim>(ElectionPolicy.Decide(facts)).Reason, StringComparison.Ordinal);
        // Never an empty start: that has a command of its own.
        var empty = On(C, null, 0, data: DataState.Absent);
        Assert.Equal(ElectionPolicy.AllEmpty,
            Assert.IsType<ElectionDecision.Refuse>(ElectionPolicy.Decide(facts with { View = View(record, empty), Me = empty })).Code);
    }

    [Fact]
    public void What_a_replica_left_that_died_before_its_first_sync_is_no_data()
    {
        var master = On(A, Id(1), 1000, serving: (Node1, Token(1, 0)), history: First);
        var empty = On(B, null, 0, data: DataState.Empty);
        Assert.IsType<ElectionDecision.Claim>(Decide(master, Serving(A, Token(1, 0), Id(1), 950, [First]), null, master, empty));
    }

    [Fact]
    public void Snapshots_are_ranked_by_what_they_hold_whoever_served()
    {
        var master = On(A, Id(1), 700, upper: 700, serving: (Node1, Token(1, 0)), history: First);
        var replica = On(B, Id(1), 900, upper: 900, serving: (Node1, Token(1, 0)), history: First);
        var third = On(C, Id(1), 100, upper: 100, serving: (Node1, Token(1, 0)), history: First);
        var record = Serving(A, Token(1, 0), Id(1), 0, [First], ("redis-2", 0));
        var facts = new ElectionFacts(View(record, master, replica, third), replica, 3, Durability.Rdb, null);
        Assert.IsType<ElectionDecision.Claim>(ElectionPolicy.Decide(facts));
    }

    [Fact]
    public void The_last_master_of_a_group_with_snapshots_waits_a_while_for_a_newer_one_and_then_goes_on()
    {
        var master = On(A, Id(1), 1000, upper: 1000, serving: (Node1, Token(1, 0)), history: First);
        var replica = On(B, Id(1), 900, upper: 900, serving: (Node1, Token(1, 0)), history: First);
        var record = Serving(A, Token(1, 0), Id(1), 0, [First], ("redis-2", 0), ("redis-3", 0));
        foreach (var named in (NamedMaster?[])[null, new NamedMaster(A, 0)])
        {
            var early = new ElectionFacts(View(record, master, replica), master, 3, Durability.Rdb, named, IsLastMasterOverdue: false);
            Assert.Equal(["redis-3"], Assert.IsType<ElectionDecision.Wait>(ElectionPolicy.Decide(early)).WaitingFor.AsEnumerable());
            Assert.IsType<ElectionDecision.Claim>(ElectionPolicy.Decide(early with { IsLastMasterOverdue = true }));
            // With the AOF the master's disk has everything, whoever is missing.
            Assert.IsType<ElectionDecision.Claim>(ElectionPolicy.Decide(early with { Durability = Durability.Aof }));
        }
    }

    [Fact]
    public void A_lost_record_starts_above_every_term_that_a_marker_knows()
    {
        var all = (CandidateEvidence[])[On(A, Id(1), 10, token: Token(7, 3), history: First), On(B, Id(1), 10, history: First),
            On(C, Id(1), 10, history: First)];
        var view = View(new ElectionRecord(), all);
        Assert.Equal(8, view.Record.Claimed(all[0], view.HighestTerm, null).Term);
    }

    internal static ReplicationId Id(int n) =>
        ReplicationId.TryParse(n.ToString("x40", null), out var id) ? id : throw new ArgumentException("no id");

    internal static FencingToken Token(long term, long epoch) => new(term, epoch, 0);

    internal static CandidateEvidence On(
        RedisEndpoint at, ReplicationId? id, long offset, long? upper = -1, long? earlier = null,
        (NodeIdentity Node, FencingToken Token)? serving = null,
        FencingToken token = default, DataState data = DataState.Present, params ImmutableArray<LineageEntry> history) =>
        Evidence(at, data) with
        {
            Position = id is { } stream
                ? new DiskPosition(new ReplicationPosition(stream, offset), PositionBound.Exact, PositionSource.Marker)
                { Lower = offset, Estimate = offset, Upper = upper == -1 ? offset : upper }
                : null,
            EarlierOffset = earlier,
            LastServing = serving is { } s ? new LastServing(s.Node, s.Token) : null,
            Token = token,
            History = history,
        };

    internal static ElectionRecord Serving(
        RedisEndpoint at, FencingToken token, ReplicationId id, long offset, ImmutableArray<LineageEntry> history,
        params (string Node, long Offset)[] inSync) =>
        new()
        {
            Term = token.Term,
            HighestEpoch = token.Epoch,
            LastServing = new ServingMaster("redis-" + at.Host[^1], "uid", at, token, id, offset),
            InSync = [.. inSync.Select(r => new InSyncReplica(r.Node, "uid", r.Offset))],
            History = history,
        };

    internal static ElectionView View(ElectionRecord record, params CandidateEvidence[] all) =>
        new() { Record = record, Version = "v", Evidence = [.. all] };

    private static ElectionDecision Decide(
        CandidateEvidence me, ElectionRecord record, NamedMaster? named, params CandidateEvidence[] all) =>
        ElectionPolicy.Decide(new ElectionFacts(View(record, all), me, 3, Durability.Aof, named));
}
