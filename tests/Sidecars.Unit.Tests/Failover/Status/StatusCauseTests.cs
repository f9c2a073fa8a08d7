using Sidecars.Core.Election;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Status;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;
using static Sidecars.Unit.Tests.Failover.Status.StatusFacts;

namespace Sidecars.Unit.Tests.Failover.Status;

/// <summary>What a person reads first is what everything else comes from.</summary>
public sealed class StatusCauseTests
{
    private static readonly SentinelReplica LostC = Listed(C, flags: "slave,s_down,disconnected");

    [Fact]
    public void A_lost_replica_is_one_cause_on_one_line_and_what_follows_from_it_is_below() => Reads(
        On(s => s.WithOther(Gone(C)) with { Sentinels = [.. AllName(A, Listed(B), LostC).Select(o => Peer(o))] }),
        "redis-unreachable: 10.0.0.3:6379: connection refused",
        "replicas-not-seen < redis-unreachable: 10.0.1.1:26379, 10.0.1.2:26379, 10.0.1.3:26379: reaches 1 of 2 replicas");

    [Fact]
    public void Two_lost_replicas_are_one_line_too_and_explain_that_the_master_takes_no_writes() => Reads(
        On(s => s.WithOther(Gone(B)).WithOther(Gone(C)).WithOwn(n => n with { Attached = 0 })),
        "redis-unreachable: 10.0.0.2:6379, 10.0.0.3:6379: connection refused",
        "writes-refused < redis-unreachable: 10.0.0.1:6379: refuses writes: it needs 1 replicas in sync and has 0");

    [Fact]
    public void A_lost_master_explains_its_replicas_links_Sentinels_opinion_and_what_its_sidecar_can_not_write() => Reads(
        On(s => (s with
        {
            Own = Gone(A),
            Sentinels = [.. Enumerable.Range(1, 3).Select(n => Peer(Names(n, A, 8, "master,s_down,o_down", Listed(B), Listed(C))))],
        }).WithOther(B, n => n with { MasterLinkUp = false }).WithOther(C, n => n with { MasterLinkUp = false })) with
        {
            Places =
                [new PlaceReading.Known("zone-file", new Sidecars.Failover.Publish.PublishedMaster(new FencingToken(2, 7, 0), B.Host))],
        },
        "redis-unreachable: 10.0.0.1:6379: connection refused",
        "master-down < redis-unreachable: 10.0.0.1:6379: a Sentinel sees this master down",
        "link-down < redis-unreachable: 10.0.0.2:6379, 10.0.0.3:6379: no link to 10.0.0.1:6379",
        "published-another < redis-unreachable: zone-file: names 10.0.0.2:6379, Sentinels name 10.0.0.1:6379",
        "published-old < redis-unreachable: zone-file: token 2.7.0, Sentinels are in epoch 8");

    [Fact]
    public void Lost_Sentinels_explain_that_there_is_no_majority_and_that_an_isolated_master_is_fenced() => Reads(
        NoMajority with
        {
            Group = NoMajority.Group.WithOwn(n => n with { MinReplicas = WriteFence.MinReplicas }),
            Places = [new PlaceReading.Empty("zone-file")]
        },
        "sentinel-unreachable: 10.0.1.1:26379, 10.0.1.2:26379: connection refused",
        "no-majority < sentinel-unreachable: 1 of 3 Sentinels answer and 2 are needed: no failover is possible",
        "fenced < no-majority: 10.0.0.1:6379: fenced, and no other master is seen: the group takes no writes",
        "place-empty < no-majority: zone-file: names nobody");

    [Fact]
    public void Sentinels_that_have_not_met_a_missing_one_are_explained_by_it() => Reads(
        On(s => s with { Sentinels = [.. s.Sentinels.Take(2).Select(o => Peer(o, others: 1))] }),
        "sentinels-missing: 2 of 3 Sentinels are found",
        "sentinels-not-met < sentinels-missing: 10.0.1.1:26379, 10.0.1.2:26379: lists 1 of 2 other Sentinels");

    [Fact]
    public void An_API_server_that_is_away_is_one_cause() => Reads(
        Healthy with
        {
            Record = new ElectionObservation.Unavailable("no answer within 5s"),
            Places = [new PlaceReading.Failed("endpoint-slice", "no answer within 5s"),
                new PlaceReading.Failed("dns-endpoint", "no answer within 5s")]
        },
        "record-unreadable: record: no answer within 5s",
        "place-unreadable < record-unreadable: dns-endpoint, endpoint-slice: no answer within 5s");

    [Fact]
    public void A_failover_is_explained_by_the_master_that_it_replaces() => Reads(
        On(s => (s with { Own = Gone(A) })
            .WithSentinel(2, Peer(Names(2, A, 7, "master,o_down,failover_in_progress", Listed(B), Listed(C))))),
        "redis-unreachable: 10.0.0.1:6379: connection refused",
        "failover-in-progress < redis-unreachable: Sentinel 10.0.1.2:26379 runs a failover");

    // C is down, and B has lost its link for a reason of its own: another's silence explains nothing.
    [Fact]
    public void A_fault_that_the_silent_server_has_no_part_in_is_a_root_of_its_own() => Reads(
        On(s => s.WithOther(Gone(C)).WithOther(B, n => n with { MasterLinkUp = false })),
        "redis-unreachable: 10.0.0.3:6379: connection refused",
        "link-down: 10.0.0.2:6379: no link to 10.0.0.1:6379");

    [Fact]
    public void What_is_not_the_same_is_not_put_together() => Reads(
        On(s => s.WithSentinel(1, Dead(1)).WithSentinel(3, Hanging)),
        "sentinel-unreachable: 10.0.1.1:26379: connection refused",
        "no-majority < sentinel-unreachable: 1 of 3 Sentinels answer and 2 are needed: no failover is possible",
        "sentinel-timed-out: 10.0.1.3:26379: accepts connections and does not answer within COMMAND_TIMEOUT");

    [Fact]
    public void A_ghost_that_a_Sentinel_lists_costs_the_exit_code_and_an_address_that_none_lists_does_not()
    {
        Assert.False(StatusPolicy.Decide(Disagreements["ghost-replicas"]).IsHealthy);
        Assert.True(StatusPolicy.Decide(On(s => s with { Others = [.. s.Others, Gone(D)] })).IsHealthy);
    }

    // So that there is no circle, and the order is one that a reader can follow.
    [Fact]
    public void A_cause_is_among_the_findings_and_stands_before_what_it_explains()
    {
        var explained = 0;
        foreach (var report in Pairs().Select(StatusPolicy.Decide))
        {
            foreach (var (finding, at) in report.Findings.Select((f, i) => (f, i)).Where(x => x.f.Because is not null))
            {
                explained++;
                Assert.Contains(report.Findings.Take(at), f => f.Code == finding.Because);
                Assert.True(Rank(finding.Because!) < Rank(finding.Code), $"{finding.Because} comes after {finding.Code}");
            }

            var roots = report.Findings.Where(f => f.Because is null).Select(f => Rank(f.Code)).ToList();
            Assert.Equal(roots.Order(), roots);
        }

        Assert.True(explained > 100);
    }

    private static int Rank(string code) => FindingCodes.All.Select(c => c.Name).ToList().IndexOf(code);

    // Every group of the tables, with each of its servers lost in turn.
    private static IEnumerable<StatusSnapshot> Pairs() => StatusFacts.All.SelectMany(s => (StatusSnapshot[])
    [
        s, s with { Group = s.Group with { Own = Gone(A) } }, s with { Group = s.Group.WithOther(Gone(C)) },
        s with { Group = s.Group with { Sentinels = [Dead(1), Dead(2), .. s.Group.Sentinels.Skip(2)] } },
        s with { Record = new ElectionObservation.Unavailable("503"), Places = [new PlaceReading.Failed("endpoint-slice", "503")] },
    ]);

    private static void Reads(StatusSnapshot s, params string[] expected) => Assert.Equal(
        expected, StatusPolicy.Decide(s).Findings.Select(f => $"{f.Code}{(f.Because is null ? "" : $" < {f.Because}")}: {f.Text}"));
}
