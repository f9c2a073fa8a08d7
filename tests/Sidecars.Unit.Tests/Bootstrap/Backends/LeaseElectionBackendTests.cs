using Sidecars.Bootstrap.Backends;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.FakeKubernetes;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Bootstrap.Election.LineageElectionTests;

namespace Sidecars.Unit.Tests.Bootstrap.Backends;

/// <summary>Rounds, evidence, candidates and reports over a Lease of an API server on a real socket.</summary>
public sealed class LeaseElectionBackendTests : IAsyncLifetime
{
    private readonly List<LeaseElectionBackend> _open = [];
    private FakeKubernetesServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await FakeKubernetesServer.StartAsync();
        foreach (var ordinal in (int[])[0, 1, 2]) _server.RunPod(Pod(ordinal), Uid(ordinal));
    }

    public async Task DisposeAsync()
    {
        foreach (var backend in _open) backend.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Nodes_see_each_others_evidence_of_one_round_and_one_claim_wins()
    {
        LeaseElectionBackend a = Open(0), b = Open(1);
        _ = await SeeAsync(a, 0);
        var second = await SeeAsync(b, 1); // opens a round of its own: what it counts was written after it began to look
        Assert.Equal([Pod(1)], Live(second));
        var first = await SeeAsync(a, 0);
        Assert.Equal([Pod(0), Pod(1)], Live(first));
        second = await SeeAsync(b, 1);
        Assert.Equal([Pod(0), Pod(1)], Live(second));

        var won = Assert.IsType<ClaimOutcome.Won>(await a.ClaimAsync(first, Mine(0), null, default));
        Assert.Equal(1, won.Term);
        Assert.IsType<ClaimOutcome.Lost>(await b.ClaimAsync(second, Mine(1), null, default));
        var after = await SeeAsync(b, 1);
        Assert.Equal(
            (1L, Pod(0), Uid(0), true), (after.Record.Term, after.Record.Candidate, after.Record.CandidateUid, after.CandidateAlive));
    }

    [Fact]
    public async Task Evidence_of_an_older_round_or_of_a_pod_that_is_gone_counts_for_nothing()
    {
        LeaseElectionBackend a = Open(0), b = Open(1);
        _ = await SeeAsync(b, 1);
        var view = await SeeAsync(a, 0); // a new round: b has not testified in it
        Assert.Equal([Pod(0)], Live(view));
        Assert.Contains(view.Evidence, e => e.Node == Pod(1) && !e.Live);
        _ = await SeeAsync(b, 1);
        Assert.Equal([Pod(0), Pod(1)], Live(await SeeAsync(a, 0)));
        _server.RunPod(Pod(1), "another-pod-of-this-name");
        Assert.Equal([Pod(0)], Live(await SeeAsync(a, 0)));
    }

    [Fact]
    public async Task Pods_of_a_larger_setting_are_seen_by_those_of_the_smaller()
    {
        foreach (var ordinal in (int[])[3, 4]) _server.RunPod(Pod(ordinal), Uid(ordinal));
        LeaseElectionBackend old = Open(0), added = Open(3, redisCount: 5);
        _ = await SeeAsync(old, 0);
        _ = await SeeAsync(added, 3);
        var view = await SeeAsync(old, 0);
        Assert.Equal([Pod(0), Pod(3)], Live(view));
        Assert.Equal([Pod(0), Pod(3)], Live(await SeeAsync(added, 3)));
    }

    [Fact]
    public async Task A_candidate_whose_process_or_pod_ended_is_none()
    {
        var a = Open(0);
        Assert.IsType<ClaimOutcome.Won>(await a.ClaimAsync(await SeeAsync(a, 0), Mine(0), null, default));
        // Its container restarted: same pod, another process. It must not start on the word of the one before.
        var again = await SeeAsync(Open(0), 0, "a later process");
        Assert.Equal(((string?)null, false, 1L), (again.Record.Candidate, again.CandidateAlive, again.Record.Term));

        a = Open(0);
        Assert.IsType<ClaimOutcome.Won>(await a.ClaimAsync(await SeeAsync(a, 0), Mine(0), null, default));
        Assert.True((await SeeAsync(Open(1), 1)).CandidateAlive);
        _server.ForgetPod(Pod(0));
        var without = await SeeAsync(Open(1), 1);
        Assert.Equal(((string?)null, false, 2L), (without.Record.Candidate, without.CandidateAlive, without.Record.Term));
    }

    [Fact]
    public async Task A_report_of_a_serving_master_ends_candidacy_and_round_and_never_goes_back()
    {
        var a = Open(0);
        Assert.IsType<ClaimOutcome.Won>(await a.ClaimAsync(await SeeAsync(a, 0), Mine(0), null, default));
        var report = Report(0, Token(1, 3), 500);
        Assert.IsType<ClaimOutcome.Won>(await a.ReportAsync(report, default));
        var record = (await ReadAsync(a)).Record;
        Assert.Equal(report.Serving, record.LastServing);
        Assert.Equal(report.History, record.History.AsEnumerable());
        Assert.Equal(report.InSync!.Value.AsEnumerable(), record.InSync!.Value.AsEnumerable());
        Assert.Equal((null, null, 3L), (record.Candidate, record.Round, record.HighestEpoch));

        // A stale sidecar that was resumed, and a late one of the same token elsewhere.
        Assert.IsType<ClaimOutcome.Lost>(await Open(1).ReportAsync(Report(1, Token(1, 2), 900), default));
        Assert.IsType<ClaimOutcome.Lost>(await Open(1).ReportAsync(Report(1, Token(1, 3), 900), default));
        Assert.IsType<ClaimOutcome.Won>(await a.ReportAsync(Report(0, Token(1, 3), 100), default));
        Assert.Equal(500, (await ReadAsync(a)).Record.LastServing!.Offset);
        Assert.IsType<ClaimOutcome.Won>(await Open(1).ReportAsync(Report(1, Token(1, 4), 10), default));
        Assert.Equal(Pod(1), (await ReadAsync(a)).Record.LastServing!.Node);
    }

    [Fact]
    public async Task A_lost_Lease_is_made_anew_above_every_term_that_a_marker_knows()
    {
        var a = Open(0);
        var mine = Mine(0) with { Token = Token(6, 2) };
        var view = Assert.IsType<ElectionObservation.Known>(await a.ObserveAsync(mine, default)).View;
        Assert.Equal(7, Assert.IsType<ClaimOutcome.Won>(await a.ClaimAsync(view, mine, null, default)).Term);
    }

    [Fact]
    public async Task An_API_server_that_refuses_or_a_Lease_that_a_person_broke_is_unavailable_and_stays_as_it_is()
    {
        var a = Open(0);
        _ = await SeeAsync(a, 0);
        _server.Forbids = (_, resource, _) => resource == "pods";
        _ = await SeeAsync(Open(1), 1);
        Assert.IsType<ElectionObservation.Unavailable>(await Open(2).ObserveAsync(Mine(2), default) is ElectionObservation.Known
            ? await a.ObserveAsync(Mine(0), default)
            : new ElectionObservation.Unavailable(""));
        _server.Forbids = (_, _, _) => false;
        _server.Objects.Change("leases.coordination.k8s.io", FakeKubernetesServer.Namespace, "redis",
            lease => lease["metadata"]!["annotations"]!["sidecars.redis/term"] = "many");
        var broken = Assert.IsType<ElectionObservation.Unavailable>(await a.ObserveAsync(Mine(0), default));
        Assert.Contains("sidecars.redis/term", broken.Why, StringComparison.Ordinal);
        Assert.IsType<ClaimOutcome.Unavailable>(await a.ReportAsync(Report(0, Token(9, 9), 1), default));
    }

    [Fact]
    public async Task A_person_may_allow_one_empty_start_and_not_against_data()
    {
        _ = await SeeAsync(Open(1), 1);
        Assert.Contains("redis-1 has data", await Open(0).AllowEmptyStartAsync(default), StringComparison.Ordinal);
        var a = Open(0);
        var empty = Mine(0) with { Data = DataState.Absent };
        Assert.IsType<ClaimOutcome.Won>(await a.ClaimAsync(await SeeAsync(a, empty), empty, null, default));
        Assert.Null(await a.AllowEmptyStartAsync(default));
        Assert.Equal(1, (await ReadAsync(a)).Record.EmptyStartAllowedInTerm);
        var b = Open(0);
        var next = empty with { Incarnation = "next" };
        Assert.IsType<ClaimOutcome.Won>(await b.ClaimAsync(await SeeAsync(b, next), next, PersonsWordKind.AllowEmpty, default));
        var record = (await ReadAsync(a)).Record;
        Assert.Equal((null, new PersonsWord(PersonsWordKind.AllowEmpty, "redis-0", 2)), (record.EmptyStartAllowedInTerm, record.Word));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_word_is_said_again_where_a_waiting_pod_wrote_the_Lease_in_between(int overtaken)
    {
        var a = Open(0);
        var empty = Mine(0) with { Data = DataState.Absent };
        _ = await SeeAsync(a, empty);
        var conflicts = 0;
        _server.Weather = () =>
        {
            if (_server.Seen[^1].Method != "PUT" || conflicts == overtaken) return null;
            conflicts++;
            return new Fault.Error(409, "Conflict");
        };
        Assert.Null(await Open(1).AllowEmptyStartAsync(default));
        Assert.Equal(overtaken, conflicts);
        Assert.Equal(0, (await ReadAsync(a)).Record.EmptyStartAllowedInTerm);
    }

    [Fact]
    public async Task A_person_may_trust_a_node_above_every_term_that_is_known_and_not_an_empty_one()
    {
        LeaseElectionBackend[] all = [Open(0), Open(1), Open(2)];
        CandidateEvidence[] mine = [Mine(0), Mine(1) with { Data = DataState.Absent }, Mine(2) with { Token = Token(6, 0) }];
        foreach (var _ in mine) // each opens a round with its first look, and all testify in the last
            for (var i = 0; i < all.Length; i++) await SeeAsync(all[i], mine[i]);
        Assert.Contains("the disk of redis-1 is empty", await Open(0).TrustAsync("redis-1", default), StringComparison.Ordinal);
        Assert.Null(await Open(0).TrustAsync("redis-0", default));
        var record = (await ReadAsync(Open(1))).Record;
        Assert.Equal((7L, "redis-0", new PersonsWord(PersonsWordKind.Trust, "redis-0", 7)), (record.Term, record.Trusted, record.Word));
    }

    private static string Pod(int ordinal) => $"redis-{ordinal}";

    private static string Uid(int ordinal) => $"uid-{ordinal}";

    private static string[] Live(ElectionView view) =>
        [.. view.Evidence.Where(e => e.Live).Select(e => e.Node).Order(StringComparer.Ordinal)];

    private static CandidateEvidence Mine(int ordinal, string incarnation = "first") =>
        Evidence(A) with { Node = Pod(ordinal), Uid = Uid(ordinal), Incarnation = $"{incarnation} of {ordinal}" };

    private static ServingReport Report(int ordinal, FencingToken token, long offset) => new(
        new ServingMaster(Pod(ordinal), Uid(ordinal), A, token, Id(1), offset),
        [new InSyncReplica(Pod(2), Uid(2), offset / 2)],
        [new LineageEntry(Id(1), 0, new LineagePosition(token.Term, token.Epoch, 1), new NodeIdentity(Pod(ordinal), Uid(ordinal)))],
        token.Epoch);

    private static async Task<ElectionView> SeeAsync(LeaseElectionBackend backend, int ordinal, string incarnation = "first") =>
        Assert.IsType<ElectionObservation.Known>(await backend.ObserveAsync(Mine(ordinal, incarnation), default)).View;

    private static async Task<ElectionView> SeeAsync(LeaseElectionBackend backend, CandidateEvidence mine) =>
        Assert.IsType<ElectionObservation.Known>(await backend.ObserveAsync(mine, default)).View;

    private static async Task<ElectionView> ReadAsync(LeaseElectionBackend backend) =>
        Assert.IsType<ElectionObservation.Known>(await backend.ReadAsync(default)).View;

    private LeaseElectionBackend Open(int ordinal, int redisCount = 3)
    {
        Assert.True(ClusterId.TryParse("demo/redis", out var cluster));
        var client = new KubernetesClient(_server.Config, TimeProvider.System);
        var backend = new LeaseElectionBackend(
            client, new GroupLeaseStore(client, cluster, "redis", TimeProvider.System), Pod(ordinal), redisCount, TimeProvider.System);
        _open.Add(backend);
        return backend;
    }
}
