using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Sentinels;

/// <summary>Sentinels are replaced by new pods: who they are stays the same.</summary>
[Collection(GroupTests.Name)]
public sealed class SentinelChurnTests(ITestOutputHelper output)
{
    private static bool Soak => RunCount.Soak;

    [Fact]
    public async Task Replaced_one_after_the_other_each_knows_exactly_the_others_and_one_of_three_may_still_be_lost()
    {
        var random = new Random(1);
        await using var pods = await PodGroup.StartAsync("sentinel-churn");
        var rounds = Soak ? 30 : 3;
        for (var round = 0; round < rounds; round++)
        {
            // Each of the three at least once, and then any.
            await pods.Group.ReplaceSentinelAsync(pods.Group.Sentinels[round < 3 ? round : random.Next(3)]);
            await pods.WaitNoGhostsAsync();
        }

        await pods.AssertIdsAreSlotsAsync();
        var before = await pods.Group.WaitHealthyAsync();
        await pods.Group.Sentinels[random.Next(3)].KillAsync();
        await before.Master!.Node.KillAsync();
        var after = await pods.Group.WaitForAsync(
            "a failover with two of three", s => s.Master is { } m && m.Node != before.Master.Node && s.LinkedReplicas == 1);
        Assert.NotEqual(before.Master.Node, after.Master!.Node);
        output.WriteLine($"{rounds} replaced; {before.Master.Node} > {after.Master.Node}");
    }

    [Fact]
    public async Task A_pod_that_is_gone_for_the_API_server_and_alive_keeps_its_identity_to_itself()
    {
        await using var pods = await PodGroup.StartAsync("force-deleted");
        var alive = pods.Group.Sentinels[1];
        var id = await pods.IdAsync(alive);
        pods.Server.ForgetPod(alive.Name); // kubectl delete --force, on a node that hears of it later
        var next = pods.Group.NewSentinel(alive);
        await next.StartAsync();
        var waiting = await next.Process!.WaitForDecisionAsync("slot-taken");
        Assert.Contains($"{alive.Name} still answers with this id", waiting.Reason, StringComparison.Ordinal);
        Assert.False(await InlinePing.AnswersAsync(next.Endpoint.Port));
        await alive.KillAsync();
        await pods.WaitNoGhostsAsync();
        Assert.Equal(id, await pods.IdAsync(next));
        // It had to wait for the slot: what it saw of the group before was old, so it looked again.
        Assert.Equal("join-majority", next.Process!.Codes()[^1]);
        Assert.Single(next.Process!.Events("slot-kept"));
    }

    [Fact]
    public async Task A_pod_that_stays_Terminating_on_a_dead_node_gives_its_identity_up()
    {
        await using var pods = await PodGroup.StartAsync("terminating");
        var dead = pods.Group.Sentinels[1];
        var id = await pods.IdAsync(dead);
        pods.Server.Objects.Change(
            "pods", FakeKubernetesServer.Namespace, dead.Name, pod => pod["metadata"]!["deletionTimestamp"] = "2026-11-20T10:00:00Z");
        var next = pods.Group.NewSentinel(dead);
        await next.StartAsync();
        // It is being deleted and lives: its node may only be slow.
        Assert.Contains(
            $"{dead.Name} is being deleted", (await next.Process!.WaitForDecisionAsync("slot-taken")).Reason, StringComparison.Ordinal);
        await dead.KillAsync();
        // Silent now, and 30 s without a sign of life: the object is there as long as nobody deletes it by force.
        await Eventually.UntilAsync(
            "the identity to be taken over", async () => await InlinePing.AnswersAsync(next.Endpoint.Port), TimeSpan.FromSeconds(60));
        Assert.Equal(id, await pods.IdAsync(next));
        await pods.WaitNoGhostsAsync();
        await pods.AssertIdsAreSlotsAsync();
    }

    [Fact]
    public async Task While_the_API_server_is_away_a_container_restarts_as_itself_and_a_new_pod_waits()
    {
        await using var pods = await PodGroup.StartAsync("sentinels-api-down");
        var ids = new List<string>();
        foreach (var sentinel in pods.Group.Sentinels) ids.Add(await pods.IdAsync(sentinel));
        pods.Server.Forbids = (_, _, _) => true;
        var restarted = pods.Group.Sentinels[0];
        await restarted.KillAsync();
        await restarted.StartAsync();
        await restarted.Process!.WaitForEventAsync("slot-remembered");
        await pods.WaitNoGhostsAsync();
        Assert.Equal(ids[0], await pods.IdAsync(restarted));

        // A volume that outlives its pod does not bring the identity back.
        await restarted.KillAsync();
        restarted.Environment["POD_UID"] = "another-pod";
        await restarted.StartAsync();
        await restarted.Process!.WaitForDecisionAsync("slot-table-unavailable");
        await restarted.KillAsync();
        restarted.Environment.Remove("POD_UID");
        await restarted.StartAsync();
        await pods.WaitNoGhostsAsync();

        var next = await pods.Group.ReplaceSentinelAsync(pods.Group.Sentinels[2]);
        Assert.Contains("forbidden", (await next.Process!.WaitForDecisionAsync("slot-table-unavailable")).Reason, StringComparison.Ordinal);
        Assert.False(await InlinePing.AnswersAsync(next.Endpoint.Port));
        pods.Server.Forbids = (_, _, _) => false;
        await pods.WaitNoGhostsAsync();
        Assert.Equal(ids[2], await pods.IdAsync(next));
    }

    [Fact]
    public async Task Three_new_pods_at_once_are_three_voters()
    {
        await using var pods = await PodGroup.StartAsync("sentinels-at-once");
        var old = pods.Group.Sentinels;
        await Task.WhenAll(old.Select(pods.Group.ReplaceSentinelAsync));
        await pods.WaitNoGhostsAsync();
        await pods.AssertIdsAreSlotsAsync();
    }
}
