using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

public sealed class ElectionPolicyTests
{
    private static ElectionDecision Decide(CandidateEvidence me, long term, Durability durability = Durability.Aof,
        RedisEndpoint? named = null, params CandidateEvidence[] all) =>
        ElectionPolicy.Decide(new ElectionFacts(
            ((ElectionObservation.Known)ElectionOf(term, all)).View, me, 3, durability, named is null ? null : new NamedMaster(named, 1)));

    [Fact]
    public void Once_there_was_a_master_every_disk_is_compared()
    {
        CandidateEvidence a = Evidence(A, bytes: 10), b = Evidence(B, bytes: 20), c = Evidence(C, DataState.Absent);
        var wait = Assert.IsType<ElectionDecision.Wait>(Decide(b, 1, all: [a, b]));
        Assert.Equal("2 of 3 nodes are here (redis-1, redis-2), 3 are needed to compare disks", wait.Reason);
        Assert.IsType<ElectionDecision.Claim>(Decide(b, 1, all: [a, b, c]));
        Assert.Equal("redis-2", Assert.IsType<ElectionDecision.Lost>(Decide(a, 1, all: [a, b, c])).Winner);
    }

    [Fact]
    public void While_two_sizes_live_the_larger_decides()
    {
        // Three of the old setting, and one of the two that the group is growing by: by their own setting the three were all there are.
        CandidateEvidence a = Evidence(A, bytes: 10), b = Evidence(B, bytes: 20), c = Evidence(C, bytes: 5);
        var fourth = Evidence(new RedisEndpoint("10.0.0.4", 6379), bytes: 40) with { Node = "redis-4", RedisCount = 5 };
        Assert.IsType<ElectionDecision.Claim>(Decide(b, 1, all: [a, b, c]));
        var wait = Assert.IsType<ElectionDecision.Wait>(Decide(b, 1, all: [a, b, c, fourth]));
        Assert.Equal("4 of 5 nodes are here (redis-1, redis-2, redis-3, redis-4), 5 are needed to compare disks", wait.Reason);
        // One that is gone was of the larger group, and is no more.
        Assert.IsType<ElectionDecision.Claim>(Decide(b, 1, all: [a, b, c, fourth with { Live = false }]));
        // A cache: two of three were a majority, of five they are none.
        CandidateEvidence x = Evidence(A, DataState.Absent), y = Evidence(B, DataState.Absent) with { RedisCount = 5 };
        Assert.IsType<ElectionDecision.Wait>(Decide(x, 1, Durability.None, all: [x, y]));
        Assert.IsType<ElectionDecision.Claim>(Decide(x, 1, Durability.None, all: [x, y with { RedisCount = 3 }]));
    }

    [Fact]
    public void Data_on_one_disk_is_compared_even_in_a_first_installation() =>
        Assert.IsType<ElectionDecision.Wait>(Decide(Evidence(A), 0, all: [Evidence(A), Evidence(B, DataState.Absent)]));

    [Fact]
    public void Evidence_of_a_process_that_is_gone_counts_for_nothing() =>
        Assert.IsType<ElectionDecision.Wait>(Decide(Evidence(A), 1, all: [Evidence(A), Evidence(B), Evidence(C, live: false)]));

    [Fact]
    public void The_node_that_Sentinels_name_waits_for_nobody_if_its_data_is_there()
    {
        Assert.IsType<ElectionDecision.Claim>(
            Decide(Evidence(A, bytes: 1), 1, named: A, all: [Evidence(A, bytes: 1), Evidence(B, bytes: 9)]));
        Assert.IsType<ElectionDecision.Wait>(
            Decide(Evidence(A, DataState.Absent), 1, named: A, all: [Evidence(A, DataState.Absent), Evidence(B)]));
    }

    [Fact]
    public void A_group_that_restores_backups_does_so_once_a_term_where_every_disk_is_seen_and_empty()
    {
        CandidateEvidence[] all = [Evidence(A, DataState.Absent), Evidence(B, DataState.Absent), Evidence(C, DataState.Absent)];
        ElectionDecision With(CandidateEvidence me, Durability durability, long term, params CandidateEvidence[] seen) =>
            ElectionPolicy.Decide(
                new ElectionFacts(((ElectionObservation.Known)ElectionOf(term, seen)).View, me, 3, durability, null)
                { RestoresBackups = true });
        Assert.True(Assert.IsType<ElectionDecision.Claim>(With(all[0], Durability.Aof, 4, all)).RestoreFirst);
        Assert.Equal("redis-1", Assert.IsType<ElectionDecision.Lost>(With(all[1], Durability.Aof, 4, all)).Winner);
        Assert.False(Assert.IsType<ElectionDecision.Claim>(With(all[0], Durability.Aof, 0, all)).RestoreFirst); // a first installation
        Assert.False(Assert.IsType<ElectionDecision.Claim>(With(all[0], Durability.None, 4, all)).RestoreFirst);
        Assert.IsType<ElectionDecision.Wait>(With(all[0], Durability.Aof, 4, all[..2])); // the third may have more than any backup
        Assert.False(With(all[0], Durability.Aof, 4, all[0], all[1], Evidence(C)) is ElectionDecision.Claim);
        Assert.False(With(all[0], Durability.Aof, 4, all[0], all[1], Evidence(C, DataState.Suspect)) is ElectionDecision.Claim);
        Assert.False(
            With(all[0], Durability.Aof, 4, all[0], all[1], Evidence(C, DataState.Empty)) is ElectionDecision.Claim { RestoreFirst: true });
        var view = ((ElectionObservation.Known)ElectionOf(4, all)).View;
        var allowed = ElectionPolicy.Decide(
            new ElectionFacts(view with { Record = view.Record with { EmptyStartAllowedInTerm = 4 } }, all[0], 3, Durability.Aof, null)
            { RestoresBackups = true });
        Assert.False(Assert.IsType<ElectionDecision.Claim>(allowed).RestoreFirst); // a person's word stands
    }

    [Fact]
    public void A_durable_group_of_empty_disks_is_refused_until_a_person_allows_it_for_this_term()
    {
        CandidateEvidence[] all = [Evidence(A, DataState.Absent), Evidence(B, DataState.Absent), Evidence(C, DataState.Absent)];
        var refused = Assert.IsType<ElectionDecision.Refuse>(Decide(all[0], 4, all: all));
        Assert.Equal(ElectionPolicy.AllEmpty, refused.Code);
        Assert.IsType<ElectionDecision.Claim>(Decide(all[0], 4, Durability.None, all: all));
        var view = ((ElectionObservation.Known)ElectionOf(4, all)).View;
        ElectionDecision With(long allowed) => ElectionPolicy.Decide(new ElectionFacts(
            view with { Record = view.Record with { EmptyStartAllowedInTerm = allowed } }, all[0], 3, Durability.Aof, null));
        Assert.IsType<ElectionDecision.Claim>(With(4));
        Assert.IsType<ElectionDecision.Refuse>(With(3));
    }

    [Fact]
    public void A_flushed_data_set_is_data() =>
        Assert.IsType<ElectionDecision.Claim>(
            Decide(Evidence(A, bytes: 0), 4, all: [Evidence(A, bytes: 0), Evidence(B, DataState.Absent), Evidence(C, DataState.Absent)]));

    [Fact]
    public void An_unreadable_disk_is_waited_for_and_never_taken_for_empty()
    {
        var wait = Assert.IsType<ElectionDecision.Wait>(
            Decide(Evidence(A), 1, all: [Evidence(A), Evidence(B), Evidence(C, DataState.Suspect)]));
        Assert.Equal(["redis-3"], wait.WaitingFor.AsEnumerable());
    }

    [Fact]
    public void A_cache_needs_a_majority_and_no_disk() =>
        Assert.IsType<ElectionDecision.Claim>(Decide(Evidence(A), 9, Durability.None, all: [Evidence(A), Evidence(B, DataState.Suspect)]));

    [Fact]
    public void One_name_alive_twice_is_refused() =>
        Assert.Equal("node-alive-twice", Assert.IsType<ElectionDecision.Refuse>(
            Decide(Evidence(A), 0, all: [Evidence(A), Evidence(A) with { Incarnation = "other" }, Evidence(B)])).Code);

    [Fact]
    public void A_living_candidate_is_never_contested()
    {
        var view = ((ElectionObservation.Known)Candidate(3, Evidence(B, bytes: 1), Evidence(A), Evidence(B, bytes: 1), Evidence(C))).View;
        ElectionDecision For(CandidateEvidence me) => ElectionPolicy.Decide(new ElectionFacts(view, me, 3, Durability.Aof, null));
        Assert.Equal("redis-2", Assert.IsType<ElectionDecision.Lost>(For(Evidence(A))).Winner);
        Assert.Equal(3, Assert.IsType<ElectionDecision.Won>(For(Evidence(B))).Term);
        Assert.IsType<ElectionDecision.Lost>(For(Evidence(B) with { Incarnation = "a later process of the same pod" }));
    }

    [Fact]
    public void All_nodes_come_to_the_same_winner_whatever_the_order_of_the_evidence()
    {
        var disk = from state in Gen.Elements(DataState.Absent, DataState.Present)
                   from bytes in Gen.Choose(0, 5)
                   select (State: state, Bytes: bytes);
        var facts = from disks in disk.ArrayOf(3)
                    from named in Gen.Elements<RedisEndpoint?>(null, A, B, C)
                    from term in Gen.Choose(0, 3)
                    select (Disks: disks, Named: named, Term: term);
        Prop.ForAll(facts.ToArbitrary(), f =>
        {
            CandidateEvidence[] all = [.. new[] { A, B, C }.Select((at, i) => Evidence(at, f.Disks[i].State, f.Disks[i].Bytes))];
            var decisions = all.Select(me => Decide(
                me, f.Term, named: f.Named, all: [.. all.OrderBy(e => (e.Node + me.Node).GetHashCode(StringComparison.Ordinal))])).ToList();
            var claims = decisions.OfType<ElectionDecision.Claim>().Count();
            if (decisions.Any(d => d is ElectionDecision.Refuse)) return decisions.All(d => d is ElectionDecision.Refuse);
            if (claims != 1) return false;
            var winner = all[decisions.FindIndex(d => d is ElectionDecision.Claim)];
            var losersAgree = decisions.OfType<ElectionDecision.Lost>().All(l => l.Winner == winner.Node);
            // Never an empty disk over one with data; never fewer bytes, unless Sentinels name the winner.
            var dataFirst = winner.Data == DataState.Present || all.All(e => e.Data == DataState.Absent);
            var most = winner.Address == f.Named || all.All(e => e.DataBytes <= winner.DataBytes || e.Data == DataState.Absent);
            return losersAgree && dataFirst && most;
        }).QuickCheckThrowOnFailure();
    }
}
