using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Status;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;
using static Sidecars.Unit.Tests.Failover.Status.StatusFacts;

namespace Sidecars.Unit.Tests.Failover.Status;

public sealed class StatusPolicyTests
{
    public static TheoryData<string> DisagreementNames => [.. Disagreements.Keys.Order(StringComparer.Ordinal)];

    public static TheoryData<string> NoteNames => [.. Notes.Keys.Order(StringComparer.Ordinal)];

    [Fact]
    public void A_group_in_which_everything_agrees_is_healthy()
    {
        var report = StatusPolicy.Decide(Healthy);
        Assert.True(report.IsHealthy, Text(report));
        Assert.Empty(report.Findings);
        Assert.Equal("10.0.0.1:6379", report.Quorum.Master);
    }

    [Theory]
    [MemberData(nameof(DisagreementNames))]
    public void Every_disagreement_is_named_with_what_to_do_and_costs_the_exit_code(string code)
    {
        var report = StatusPolicy.Decide(Disagreements[code]);
        var finding = report.Findings.FirstOrDefault(f => f.Code == code.Split(':')[0]);
        Assert.True(finding is not null, Text(report));
        Assert.Equal(FindingKind.Disagreement, finding.Kind);
        Assert.NotEmpty(finding.ToDo);
        Assert.False(report.IsHealthy);
    }

    [Theory]
    [InlineData("led-away")]
    [InlineData("foreign-replica")]
    public void Nobody_is_called_a_stranger_where_a_node_has_not_said_what_it_announces(string code)
    {
        var partial = Disagreements[code] with { Record = ElectionOf(2, Evidence(A), Evidence(B)) };
        Assert.DoesNotContain(StatusPolicy.Decide(partial).Findings, f => f.Code == code);
    }

    [Theory]
    [MemberData(nameof(NoteNames))]
    public void What_is_only_good_to_know_leaves_the_group_healthy(string code)
    {
        var report = StatusPolicy.Decide(Notes[code]);
        Assert.Equal([(code.Split(':')[0], FindingKind.Note)], report.Findings.Select(f => (f.Code, f.Kind)));
        Assert.True(report.IsHealthy);
    }

    [Fact]
    public void Every_code_has_a_case_in_these_tables_and_no_table_has_another()
    {
        Assert.Equal(Names(FindingKind.Disagreement), Disagreements.Keys.Select(key => key.Split(':')[0]).ToHashSet());
        Assert.Equal(Names(FindingKind.Note), Notes.Keys.Select(key => key.Split(':')[0]).ToHashSet());

        static HashSet<string> Names(FindingKind kind) => [.. FindingCodes.All.Where(code => code.Kind == kind).Select(code => code.Name)];
    }

    [Fact]
    public void A_time_out_is_not_called_a_login_error_and_a_refused_login_is()
    {
        foreach (var (key, word) in (IEnumerable<(string, bool)>)[("sentinel-timed-out", false), ("redis-timed-out", false),
            ("sentinel-login-refused", true), ("redis-login-refused", true)])
        {
            var finding = StatusPolicy.Decide(Disagreements[key]).Findings.Single(f => f.Code == key);
            Assert.Equal(word, finding.ToDo.Contains("SIDECAR_PASSWORD", StringComparison.Ordinal));
            Assert.Equal(!word, finding.Text.Contains("does not answer within COMMAND_TIMEOUT", StringComparison.Ordinal));
        }

        Assert.Contains(
            "TLS", StatusPolicy.Decide(Disagreements["sentinel-unusable: no TLS"]).Findings.Single(f => f.Code == "sentinel-unusable").ToDo,
            StringComparison.Ordinal);
    }

    // An isolated master that nobody replaced is the whole group: "nothing" would leave it without writes for ever.
    [Fact]
    public void What_to_do_about_a_fence_depends_on_who_else_takes_writes()
    {
        static Finding Fenced(StatusSnapshot s) => StatusPolicy.Decide(s).Findings.Single(f => f.Code == "fenced");
        static StatusSnapshot Fence(StatusSnapshot s) => s with { Group = s.Group.WithOwn(n => n with { MinReplicas = 1_000_000 }) };

        var alone = Fenced(Fence(NoMajority));
        Assert.Equal("no-majority", alone.Because);
        Assert.Contains("the group takes no writes", alone.Text, StringComparison.Ordinal);
        Assert.Contains("majority of the Sentinels", alone.ToDo, StringComparison.Ordinal);

        // They name B, which is gone.
        var unfollowed =
            Fenced(Fence(On(s => s.WithOther(Gone(B)) with { Sentinels = [.. AllName(B, Listed(A), Listed(C)).Select(o => Peer(o))] })));
        Assert.Equal("redis-unreachable", unfollowed.Because);
        Assert.Contains($"bring {B} back", unfollowed.ToDo, StringComparison.Ordinal);

        // They name B, which serves: only then is it nobody's business.
        var replaced = Fenced(Fence(On(s => s.WithOther(B, n => n with { Role = NodeRole.Master, MasterAddress = null })
            .WithOther(C, n => n with { MasterAddress = B }) with
        { Sentinels = [.. AllName(B, Listed(A), Listed(C)).Select(o => Peer(o))] })));
        Assert.StartsWith("nothing", replaced.ToDo, StringComparison.Ordinal);

        Assert.Contains("sidecar", Fenced(Disagreements["fenced"]).ToDo, StringComparison.Ordinal);
        Assert.All((Finding[])[alone, unfollowed], f => Assert.DoesNotContain("nothing", f.ToDo, StringComparison.Ordinal));
    }

    [Fact]
    public void A_master_that_is_down_is_waited_for_only_while_a_replica_can_be_promoted()
    {
        Assert.StartsWith("nothing", MasterDown(100).ToDo, StringComparison.Ordinal);
        Assert.StartsWith("no replica can be promoted", MasterDown(0).ToDo, StringComparison.Ordinal);

        static Finding MasterDown(int priority) => StatusPolicy.Decide(On(s => s with
        {
            Sentinels =
                [.. Enumerable.Range(1, 3).Select(n => Peer(Names(n, A, 7, "master,o_down", Listed(B, priority), Listed(C, priority))))]
        }))
            .Findings.Single(f => f.Code == "master-down");
    }

    [Fact]
    public void A_node_that_waits_says_for_whom()
    {
        var report = StatusPolicy.Decide(Waiting());
        var finding = report.Findings.Single(f => f.Code == "redis-waiting");
        Assert.Equal([A.ToString()], finding.Subjects.AsEnumerable());
        Assert.Contains("the last serving master is absent (waits for redis-2)", finding.Text, StringComparison.Ordinal);
        var row = report.Redis.Single(n => n.State == "waiting");
        Assert.Equal(("election-wait", 75L), (row.Waiting!.Code, row.Waiting.WaitedSeconds));
        Assert.Equal(["redis-2"], row.Waiting.WaitingFor.AsEnumerable());

        // One that serves does not wait, however fresh the file is.
        Assert.Empty(StatusPolicy.Decide(Healthy with { Waiting = Waiting().Waiting }).Findings);
    }

    [Fact]
    public void A_group_that_nobody_has_written_to_has_no_fault()
    {
        var fresh = Healthy with
        {
            Backup = new BackupReading(0, null, null, null, null),
            Record = ElectionOf(1),
            Group = Healthy.Group.WithOwn(n => n with { Offset = 0 }).WithOther(B, n => n with { Offset = 0 })
                .WithOther(C, n => n with { Offset = 0 })
        };
        Assert.True(StatusPolicy.Decide(fresh).IsHealthy);
        Assert.False(StatusPolicy.Decide(fresh with { Group = fresh.Group.WithOwn(n => n with { Keys = 1 }) }).IsHealthy);
    }

    [Fact]
    public void A_server_with_several_addresses_is_one_row_and_one_subject()
    {
        static RedisEndpoint Six(RedisEndpoint four) => new("fd00::" + four.Host[^1], four.Port);
        var both = On(s => s with
        {
            Sentinels = [.. s.Sentinels.SelectMany(o => (SentinelObservation[])[o,
                o is SentinelObservation.Known k ? new SentinelObservation.Known(Six(k.Endpoint), k.View) : o])],
            Others = [.. s.Others.SelectMany(
                o => (NodeObservation[])[o, o is NodeObservation.Known k ? new NodeObservation.Known(Six(k.Endpoint), k.View) : o])],
        });
        var report = StatusPolicy.Decide(both);
        Assert.Empty(report.Findings);
        Assert.Equal(["10.0.1.1:26379", "10.0.1.2:26379", "10.0.1.3:26379"], report.Sentinels.Select(r => r.Address));
        Assert.Equal(["[fd00::1]:26379"], report.Sentinels[0].OtherAddresses!);
        Assert.Equal(["10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"], report.Redis.Select(r => r.Address));
        Assert.Equal(["[fd00::2]:6379"], report.Redis[1].OtherAddresses!);

        // A finding of a Sentinel is not said twice either.
        var tilted = StatusPolicy.Decide(both with
        {
            Group = both.Group with
            {
                Sentinels = [.. both.Group.Sentinels.Select(
                    o => o is SentinelObservation.Known k ? k with { View = k.View with { Tilt = true } } : o)]
            }
        });
        Assert.Equal(3, Assert.Single(tilted.Findings).Subjects.Length);
    }

    [Fact]
    public void A_dead_node_is_one_row_at_loopback_its_pods_and_its_Services_address()
    {
        var pod = new RedisEndpoint("10.244.0.1", 6379);
        var dead = On(s => s with { Own = Gone(new RedisEndpoint("127.0.0.1", 6379)), Others = [.. s.Others, Gone(pod), Gone(A)] }) with
        {
            OwnAnnounced = A,
            Addresses = [new NodeAddresses("redis-0", "u", A, pod, null)],
        };
        var report = StatusPolicy.Decide(dead);
        Assert.Equal((3, "unreachable"), (report.Redis.Length, report.Redis[0].State));
        Assert.Equal([A.ToString()], report.Findings.Single(f => f.Code == "redis-unreachable").Subjects.AsEnumerable());
    }

    [Fact]
    public void A_replica_that_one_Sentinel_lists_is_no_stray()
    {
        var report = StatusPolicy.Decide(On(
            s => s.WithOther(C, n => n with { MasterAddress = B }).WithSentinel(1, Peer(HandOver.HandOverFacts.Names(1, A, Listed(B))))));
        Assert.Contains(report.Findings, f => f.Code == "follows-another");
        Assert.DoesNotContain(report.Findings, f => f.Code == "stray-replica");
    }

    [Fact]
    public void The_address_that_a_node_is_published_at_is_known_to_be_its_own() =>
        Assert.Empty(StatusPolicy.Decide(
            Published("203.0.113.9", new FencingToken(2, 7, 0)) with { PublishedAs = Healthy.PublishedAs.Add(A, "203.0.113.9") }).Findings);

    [Fact]
    public void A_pods_own_address_in_the_slice_is_the_masters_whatever_the_node_announces_and_is_asked_at()
    {
        Assert.Empty(StatusPolicy.Decide(Sliced("10.244.0.1")).Findings);
        // Only its own sidecar is of this version.
        Assert.Empty(StatusPolicy.Decide(Sliced("10.244.0.1", recorded: 1)).Findings);
    }

    [Fact]
    public void An_address_outside_that_a_node_has_recorded_is_known_to_be_its_own() =>
        Assert.Empty(StatusPolicy.Decide(Published("203.0.113.9", new FencingToken(2, 7, 0)) with
        { Addresses = [new NodeAddresses("redis-0", "u", A, null, "203.0.113.9")] }).Findings);
}
