using Sidecars.Bootstrap.Election;
using Sidecars.Failover.Status;

namespace Sidecars.Unit.Tests.Failover.Status;

/// <summary>Lines as versions before NodeLook logged them: nodes of a hand-over had names of their own.</summary>
public sealed class OldLogTests
{
    private const string Settings = """{"sentinel_count":3,"redis_count":3,"down_after":"00:00:05","min_replicas":1,"priority":100}""";

    private const string Sentinel = """
        {"state":"known","view":{"my_id":"ID","tilt":false,"master":{"address":"10.244.0.1:6379","failover_state":"",
        "run_id":"1111111111111111111111111111111111111111","flags":"master","config_epoch":7,"quorum":0,"role_reported":"",
        "subjectively_down":false,"objectively_down":false,"failover_in_progress":false},"replicas":[
        {"address":"10.244.0.2:6379","run_id":"","flags":"slave","priority":100,"offset":0,"master_link_status":"ok",
        "promotable":true,"chosen":false,"down":false},
        {"address":"10.244.0.3:6379","run_id":"","flags":"slave","priority":0,"offset":0,"master_link_status":"ok",
        "promotable":false,"chosen":false,"down":false}],"others":[]},"endpoint":"10.244.1.1:26379"}
        """;

    private const string Own = """
        {"state":"known","node":{"run_id":"1111111111111111111111111111111111111111","address":"10.244.0.1:6379","role":"Master",
        "replication_id":"5555555555555555555555555555555555555555","previous_replication_id":"","offset":1000,"link_up":false,
        "syncing":false,"loading":false,"rewriting":false,"failing_over":false,"priority":100,"min_replicas":1,"max_lag":3,
        "attached":2},"endpoint":"127.0.0.1:6379"}
        """;

    private const string Replica = """
        {"state":"known","node":{"run_id":"2222222222222222222222222222222222222222","address":"10.244.0.2:6379","role":"Replica",
        "replication_id":"5555555555555555555555555555555555555555","previous_replication_id":"","offset":990,
        "master_address":"10.244.0.1:6379","link_up":true,"silence":"00:00:01","syncing":false,"loading":false,"rewriting":false,
        "failing_over":false,"priority":100,"min_replicas":1,"max_lag":3,"attached":0},"endpoint":"10.245.0.2:6379"}
        """;

    private const string Unknown = """{"state":"unknown","why":"it answers NOPERM","endpoint":"10.244.0.3:6379"}""";

    private const string Unreachable = """{"state":"unreachable","why":"connection refused","endpoint":"10.244.0.3:6379"}""";

    [Theory]
    [InlineData("step-down", "hand-over", "10.244.0.2:6379 is next")]
    [InlineData("step-down", "no-target", "10.244.0.2:6379 has no live link", "\"link_up\":true", "\"link_up\":false")]
    [InlineData("step-down", "no-target", "10.244.0.2:6379 has no live link", "\"syncing\":false", "\"syncing\":true")]
    [InlineData("step-down", "target-rewrites", "10.244.0.2:6379 rewrites", "\"rewriting\":false", "\"rewriting\":true")]
    public void A_node_of_an_old_line_is_the_same_node(string loop, string code, string reason, string from = "-", string to = "-")
    {
        var replica = Replica.Replace(from, to, StringComparison.Ordinal);
        foreach (var third in (string[])[Unknown, Unreachable]) Same(loop, code, Snapshot(Own, replica, third), reason);
    }

    [Fact]
    public void A_repair_of_an_old_line_counts_the_replicas_that_were_attached()
    {
        var lax = Snapshot(Own.Replace("\"min_replicas\":1", "\"min_replicas\":0", StringComparison.Ordinal), Replica, Unknown);
        var facts = $$"""{"group":{{lax}},"coordinator":false}""";
        Same("hand-over-repair", "restore-min-replicas", facts, "2 replicas are attached to 10.244.0.1:6379");
    }

    private static string Snapshot(string own, string replica, string third)
    {
        var sentinels = string.Join(',', "bcd".Select((c, i) => Sentinel
            .Replace("ID", new string(c, 40), StringComparison.Ordinal)
            .Replace("10.244.1.1", $"10.244.1.{i + 1}", StringComparison.Ordinal)));
        return $$"""
            {"settings":{{Settings}},"sentinels":[{{sentinels}}],"own":{{own}},"others":[{{replica}},{{third}}],"accepts_any_moment":true}
            """;
    }

    private static void Same(string loop, string code, string snapshot, string reason)
    {
        var line = $$"""{"event":"decision","loop":"{{loop}}","code":"{{code}}","snapshot":{{snapshot}}}""";
        var outcome = DecisionReplay.Replay(line, SnapshotReplay.Decide);
        var same = outcome is ReplayOutcome.Replayed { IsSame: true } replayed
            && replayed.Reason.Contains(reason, StringComparison.Ordinal);
        Assert.True(same, outcome.ToString());
    }
}
