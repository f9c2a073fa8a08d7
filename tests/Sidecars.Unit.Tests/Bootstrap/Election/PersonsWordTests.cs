using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Bootstrap.Election.LineageElectionTests;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

/// <summary>When a group starts empty, and what a person's word changes. Nodes are redis-0, redis-1 and redis-2.</summary>
public sealed class PersonsWordTests
{
    private static readonly LineageEntry Lineage = new(Id(1), 0, new LineagePosition(3, 0, 1), new NodeIdentity("redis-0", "u"));

    [Fact]
    public void A_first_installation_starts_empty_only_where_every_disk_was_seen_empty_and_names_who_is_missing()
    {
        CandidateEvidence a = Node(0, DataState.Absent), b = Node(1, DataState.Absent), c = Node(2, DataState.Absent);
        Assert.Equal(
            ["redis-1", "redis-2"], Assert.IsType<ElectionDecision.Wait>(Decide(a, new ElectionRecord(), [a])).WaitingFor.AsEnumerable());
        var wait = Assert.IsType<ElectionDecision.Wait>(Decide(a, new ElectionRecord(), [a, b]));
        Assert.Equal(["redis-2"], wait.WaitingFor.AsEnumerable());
        Assert.Contains("no disk that is here holds data, and one that is not may ('redis-bootstrap allow-empty'", wait.Reason,
            StringComparison.Ordinal);
        Assert.IsType<ElectionDecision.Claim>(Decide(a, new ElectionRecord(), [a, b, c]));
        Assert.Equal("redis-0", Assert.IsType<ElectionDecision.Lost>(Decide(b, new ElectionRecord(), [a, b, c])).Winner);
        // The third is filled: it wins, whenever it comes.
        Assert.Equal("redis-2", Assert.IsType<ElectionDecision.Lost>(Decide(a, new ElectionRecord(), [a, b, Node(2)])).Winner);
        // a cache loses nothing
        Assert.IsType<ElectionDecision.Claim>(Decide(a, new ElectionRecord(), [a, b], durability: Durability.None));
        // Whom Sentinels name changes nothing of whom it waits for.
        Assert.IsType<ElectionDecision.Wait>(Decide(a, new ElectionRecord(), [a, b], named: b.Address));
        Assert.Equal("redis-1", Assert.IsType<ElectionDecision.Lost>(Decide(a, new ElectionRecord(), [a, b, c], named: b.Address)).Winner);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_empty_start_that_a_person_allowed_waits_for_nobody(bool restores)
    {
        CandidateEvidence a = Node(0, DataState.Absent), b = Node(1, DataState.Absent);
        // Sidecars have recorded who served and who was in sync; every disk is gone.
        var record = Serving(a.Address, new FencingToken(3, 0, 0), Id(1), 900, [Lineage], ("redis-1", 800), ("redis-2", 800)) with
        { EmptyStartAllowedInTerm = 3 };
        var claim = Assert.IsType<ElectionDecision.Claim>(Decide(a, record, [a, b], restores));
        Assert.Equal((PersonsWordKind.AllowEmpty, false), (claim.Word!.Value, claim.RestoreFirst));
        Assert.IsType<ElectionDecision.Claim>(Decide(a, record, [a], restores));
        Assert.IsType<ElectionDecision.Claim>(Decide(a, new ElectionRecord { EmptyStartAllowedInTerm = 0 }, [a], restores));
        // Not the word of another term, and not against data that are here.
        Assert.IsNotType<ElectionDecision.Claim>(Decide(a, record with { EmptyStartAllowedInTerm = 2 }, [a, b], restores));
        Assert.IsNotType<ElectionDecision.Claim>(Decide(a, record, [a, Node(1)], restores));
        Assert.IsNotType<ElectionDecision.Claim>(Decide(a, record, [a, Node(1, DataState.Suspect)], restores));
    }

    [Fact]
    public void Whoever_was_filled_on_purpose_is_the_only_possible_winner()
    {
        CandidateEvidence filled = Node(0, bytes: 5) with { Filled = FilledBy.Adopt }, empty = Node(1, DataState.Absent),
            longer = Node(2, bytes: 900);
        Assert.Equal(
            PersonsWordKind.Adopt, Assert.IsType<ElectionDecision.Claim>(Decide(filled, new ElectionRecord(), [filled, empty])).Word);
        Assert.Equal("redis-0", Assert.IsType<ElectionDecision.Lost>(Decide(longer, new ElectionRecord(), [filled, empty, longer])).Winner);
        var restored = filled with { Filled = FilledBy.Restore };
        Assert.Equal(PersonsWordKind.Restore,
            Assert.IsType<ElectionDecision.Claim>(Decide(restored, new ElectionRecord { Term = 4, History = [Lineage] }, [restored])).Word);
        // Not without data, not twice, and not a process that is gone.
        Assert.IsType<ElectionDecision.Wait>(
            Decide(filled with { Data = DataState.Absent }, new ElectionRecord(), [filled with { Data = DataState.Absent }, empty]));
        Assert.Equal(ElectionPolicy.FilledTwice, Assert.IsType<ElectionDecision.Refuse>(
            Decide(filled, new ElectionRecord(), [filled, longer with { Filled = FilledBy.Restore }])).Code);
        Assert.IsType<ElectionDecision.Wait>(Decide(longer, new ElectionRecord(), [filled with { Live = false }, empty, longer]));
    }

    [Fact]
    public void Whom_a_person_trusts_wins_where_the_lineage_is_refused_and_is_waited_for_where_it_is_not_here()
    {
        CandidateEvidence a = Stream(0, 1) with { History = [Lineage], Token = new FencingToken(3, 0, 0) }, b = Stream(1, 9), c = Node(2);
        var refused = new ElectionRecord { Term = 3, History = [Lineage] };
        Assert.Contains("'redis-bootstrap trust NODE'", Assert.IsType<ElectionDecision.Refuse>(Decide(a, refused, [a, b, c])).Reason,
            StringComparison.Ordinal);
        var said = refused.Trusting("redis-1", 5);
        Assert.Equal((6L, new PersonsWord(PersonsWordKind.Trust, "redis-1", 6)), (said.Term, said.Word));
        Assert.Equal(PersonsWordKind.Trust, Assert.IsType<ElectionDecision.Claim>(Decide(b, said, [a, b])).Word);
        Assert.Equal("redis-1", Assert.IsType<ElectionDecision.Lost>(Decide(a, said, [a, b])).Winner);
        Assert.Equal(["redis-1"], Assert.IsType<ElectionDecision.Wait>(Decide(a, said, [a, c])).WaitingFor.AsEnumerable());
        Assert.Equal(ElectionPolicy.TrustedWithoutData,
            Assert.IsType<ElectionDecision.Refuse>(Decide(a, said, [a, b with { Data = DataState.Absent }])).Code);
        // Once: the claim takes it, and keeps what it was with its term; so does a master that serves.
        var claimed = said.Claimed(b, 6, PersonsWordKind.Trust);
        Assert.Equal((null, new PersonsWord(PersonsWordKind.Trust, "redis-1", 7)), (claimed.Trusted, claimed.Word));
        Assert.Equal((null, said.Word), Reported(said) is { } after ? (after.Trusted, after.Word) : default);
    }

    /// <summary>A node that is not named is not looked at before a person says whose data count.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)] // its first marker was written before anybody knew who had promoted it
    public void A_conflict_names_every_side(bool areKnown)
    {
        CandidateEvidence Side(int n) => Stream(n, n + 1) with
        {
            History = [new LineageEntry(Id(n + 1), 0, new LineagePosition(3, 0, 1),
                areKnown ? new NodeIdentity($"redis-{n}", "u") : NodeIdentity.Unknown)]
        };
        CandidateEvidence a = Stream(0, 1) with { History = [Lineage] }, b = Side(1), c = Side(2);
        foreach (var me in new[] { a, b, c })
        {
            var refused = Assert.IsType<ElectionDecision.Refuse>(Decide(me, new ElectionRecord { Term = 3 }, [a, b, c]));
            Assert.Equal(ElectionPolicy.LineageConflict, refused.Code);
            Assert.Contains(areKnown ? "redis-0 and redis-1 and redis-2 served at" : "redis-1 and redis-2 served at", refused.Reason,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_conflict_says_which_command_settles_it_and_it_does()
    {
        var rival = new LineageEntry(Id(2), 0, new LineagePosition(3, 0, 1), new NodeIdentity("redis-1", "u"));
        CandidateEvidence a = Stream(0, 1) with { History = [Lineage] }, b = Stream(1, 2) with { History = [rival] },
            c = Stream(2, 2) with { History = [rival] };
        var refused = Assert.IsType<ElectionDecision.Refuse>(Decide(a, new ElectionRecord { Term = 3 }, [a, b, c]));
        Assert.Equal(ElectionPolicy.LineageConflict, refused.Code);
        Assert.Contains("a person must say whose writes count: 'redis-bootstrap trust NODE'", refused.Reason, StringComparison.Ordinal);
        Assert.IsType<ElectionDecision.Claim>(Decide(a, new ElectionRecord { Term = 3 }.Trusting("redis-0", 3), [a, b, c]));
    }

    [Fact]
    public void An_unclean_election_and_a_restore_are_recorded_as_what_they_are()
    {
        var stale = Stream(2, 1) with { History = [Lineage] };
        var record = Serving(Node(0).Address, new FencingToken(3, 0, 0), Id(1), 4990, [Lineage], ("redis-1", 4800));
        var unclean = ElectionPolicy.Decide(new ElectionFacts(View(record, stale), stale, 3, Durability.Aof, null, IsUnclean: true));
        Assert.Equal(PersonsWordKind.Unclean, Assert.IsType<ElectionDecision.Claim>(unclean).Word);
        CandidateEvidence[] empty = [Node(0, DataState.Absent), Node(1, DataState.Absent), Node(2, DataState.Absent)];
        var restore = Assert.IsType<ElectionDecision.Claim>(Decide(empty[0], new ElectionRecord { Term = 3 }, empty, restores: true));
        Assert.Equal((true, PersonsWordKind.Restore), (restore.RestoreFirst, restore.Word!.Value));
        // Said while the restore failed, in the term that had begun with it.
        var said = new ElectionRecord { Term = 3, EmptyStartAllowedInTerm = 3 };
        Assert.Equal(new PersonsWord(PersonsWordKind.AllowEmpty, "redis-0", 3), Reported(said)!.Word);
    }

    [Fact]
    public void A_word_is_refused_where_what_is_known_contradicts_it()
    {
        var view = View(new ElectionRecord { Term = 1 }, Node(0), Node(1, DataState.Absent), Node(2, DataState.Suspect));
        Assert.Contains("redis-0 has data", PersonsWordPolicy.AgainstAllowEmpty(view), StringComparison.Ordinal);
        Assert.Contains(
            "redis-2", PersonsWordPolicy.AgainstAllowEmpty(view with { Evidence = [.. view.Evidence.Skip(1)] }), StringComparison.Ordinal);
        Assert.Null(
            PersonsWordPolicy.AgainstAllowEmpty(view with { Evidence = [Node(0) with { Live = false }, Node(1, DataState.Absent)] }));
        Assert.Null(PersonsWordPolicy.AgainstTrust(view, "redis-0"));
        Assert.Contains("is empty", PersonsWordPolicy.AgainstTrust(view, "redis-1"), StringComparison.Ordinal);
        Assert.Contains("can't be trusted", PersonsWordPolicy.AgainstTrust(view, "redis-2"), StringComparison.Ordinal);
        Assert.Contains("redis-0, redis-1, redis-2", PersonsWordPolicy.AgainstTrust(view, "redis-7"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_living_master_contradicts_a_word_that_is_not_about_it()
    {
        var view = View(new ElectionRecord { Term = 1 }, Node(0), Node(1), Node(2));
        var (mine, other) = (Node(0).Address, Node(1).Address);
        Assert.Null(PersonsWordPolicy.AgainstAllowEmpty((RedisEndpoint[])[]));
        Assert.Contains("is master", PersonsWordPolicy.AgainstAllowEmpty([mine]), StringComparison.Ordinal);
        Assert.Null(PersonsWordPolicy.AgainstTrust(view, "redis-0", []));
        Assert.Null(PersonsWordPolicy.AgainstTrust(view, "redis-0", [mine]));
        Assert.Contains("is not redis-0", PersonsWordPolicy.AgainstTrust(view, "redis-0", [other]), StringComparison.Ordinal);
        Assert.Null(PersonsWordPolicy.AgainstTrust(view, "redis-0", [other, mine])); // of two it says which
    }

    [Fact]
    public void An_elector_that_knows_no_data_elects_only_where_the_leader_has_seen_that_none_can_be_lost()
    {
        DataState?[] empty = [DataState.Absent, DataState.Absent], unseen = [DataState.Absent, null];
        Assert.IsType<ElectionDecision.Wait>(Elector(null, DataState.Absent, empty));
        Assert.IsType<ElectionDecision.Lost>(Elector("10.0.0.9", DataState.Absent, empty));
        Assert.IsType<ElectionDecision.Won>(Elector("redis-1", DataState.Absent, empty));
        Assert.Equal(
            ["redis-2"], Assert.IsType<ElectionDecision.Wait>(Elector("redis-1", DataState.Absent, unseen)).WaitingFor.AsEnumerable());
        Assert.Equal(["redis-0", "redis-2"],
            Assert.IsType<ElectionDecision.Wait>(Elector("redis-1", DataState.Present, [])).WaitingFor.AsEnumerable());
        foreach (var theirs in (DataState[])[DataState.Present, DataState.Suspect])
            Assert.Equal(
                ElectionPolicy.BlindBackend, Assert.IsType<ElectionDecision.Refuse>(Elector("redis-1", DataState.Absent, [theirs])).Code);
        Assert.Equal(
            ElectionPolicy.BlindBackend, Assert.IsType<ElectionDecision.Refuse>(Elector("redis-1", DataState.Suspect, empty)).Code);
        Assert.IsType<ElectionDecision.Won>(Elector("redis-1", DataState.Present, empty)); // nobody else has any
        Assert.Equal(ElectionPolicy.BlindBackend,
            Assert.IsType<ElectionDecision.Refuse>(Elector("redis-1", DataState.Present, [DataState.Present, DataState.Absent])).Code);
        Assert.IsType<ElectionDecision.Won>(Elector("redis-1", DataState.Present, [], Durability.None));
        Assert.IsType<ElectionDecision.Won>(Elector("redis-1", DataState.Absent, [], allowed: true));
        Assert.Equal(ElectionPolicy.BlindBackend,
            Assert.IsType<ElectionDecision.Refuse>(Elector("redis-1", DataState.Absent, [DataState.Present], allowed: true)).Code);
    }

    private static ElectionDecision Elector(
        string? leader, DataState mine, DataState?[] peers, Durability durability = Durability.Aof, bool allowed = false)
    {
        var view = new ElectionView
        {
            Record = new ElectionRecord { Candidate = leader, EmptyStartAllowedInTerm = allowed ? 0 : null },
            Version = "",
            CarriesEvidence = false,
            Evidence = [Node(1, mine), .. peers.Select((p, i) => p is { } state ? Node(i * 2, state) : null).OfType<CandidateEvidence>()],
        };
        return ElectionPolicy.Decide(new ElectionFacts(view, Node(1, mine), 3, durability, null));
    }

    private static ElectionDecision Decide(CandidateEvidence me, ElectionRecord record, CandidateEvidence[] all, bool restores = false,
        RedisEndpoint? named = null, Durability durability = Durability.Aof) =>
        ElectionPolicy.Decide(new ElectionFacts(View(record, all), me, 3, durability, named is null ? null : new NamedMaster(named, 1))
        { RestoresBackups = restores });

    private static ElectionRecord? Reported(ElectionRecord record) =>
        record.Reported(new ServingReport(
            new ServingMaster("redis-0", "u", Node(0).Address, new FencingToken(record.Term, 0, 0), Id(1), 0), [], [Lineage], 0));

    private static CandidateEvidence Stream(int ordinal, int id) => Node(ordinal) with
    {
        Position = new DiskPosition(new ReplicationPosition(Id(id), 5), PositionBound.Exact, PositionSource.Marker)
        { Lower = 5, Estimate = 5, Upper = 5 },
    };

    private static CandidateEvidence Node(int ordinal, DataState data = DataState.Present, long bytes = 1000) =>
        Evidence(new RedisEndpoint($"10.0.0.{ordinal}", 6379), data, bytes);
}
