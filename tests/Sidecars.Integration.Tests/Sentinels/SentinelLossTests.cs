using Sidecars.Core.Sentinel;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Sentinels;

/// <summary>All Sentinels are lost with everything they knew, while Redis lives.</summary>
[Collection(GroupTests.Name)]
public sealed class SentinelLossTests(ITestOutputHelper output)
{
    public static TheoryData<int> Seeds => [.. PodGroup.Seeds(soak: 30)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Rebuilt_Sentinels_go_on_from_the_epoch_where_they_were(int seed)
    {
        var random = new Random(seed);
        await using var pods = await PodGroup.StartAsync($"sentinel-loss-{seed}");
        var failovers = 1 + random.Next(2);
        for (var i = 0; i < failovers; i++) await pods.FailoverAsync();
        var before = await pods.Group.WaitAgreedAsync();
        var epoch = before.Sentinels[0].Epoch;
        Assert.True(epoch >= failovers, $"epoch {epoch} after {failovers} failovers");
        await Eventually.UntilAsync($"epoch {epoch} to be kept", async () => await pods.Sidecars.KeptEpochAsync() == epoch);

        var lost = pods.Group.Sentinels;
        await Task.WhenAll(lost.Select(node => node.KillAsync()));
        foreach (var node in lost) await pods.Group.ReplaceSentinelAsync(node);
        var after = await pods.Group.WaitAgreedAsync();
        await pods.WaitNoGhostsAsync();
        await pods.AssertIdsAreSlotsAsync();
        Assert.Equal((before.Master!.RunId, epoch), (after.Master!.RunId, after.Sentinels[0].Epoch));

        var next = await pods.FailoverAsync();
        var raised = next.Sentinels[0].Epoch;
        // not always the next one: rebuilt Sentinels vote only in later epochs than the known ones
        Assert.True(raised > epoch, $"{raised} after {epoch}");
        await Eventually.UntilAsync($"epoch {raised} to be kept", async () => await pods.Sidecars.KeptEpochAsync() == raised);
        Assert.DoesNotContain("epoch-went-back", pods.Sidecars.EpochCodes);
        output.WriteLine($"seed {seed}: epoch {epoch} > lost > {after.Sentinels[0].Epoch} > failover > {next.Sentinels[0].Epoch}; "
            + $"{string.Join(" > ", pods.Sidecars.EpochCodes)}");
    }

    [Fact]
    public async Task On_one_machine_the_directory_of_elections_keeps_the_epoch()
    {
        await using var group = new LocalGroup(new LocalGroupOptions
        { Name = "sentinel-loss-file", DownAfter = TimeSpan.FromSeconds(2), FailoverTimeout = TimeSpan.FromSeconds(5) });
        await group.StartHealthyAsync();
        await using var sidecars = GroupSidecars.Start(group);
        await using (var client = await group.ConnectAsync(group.Sentinels[0], TimeSpan.FromSeconds(5)))
        {
            await Eventually.UntilAsync(
                "the failover to be accepted",
                async () => (await client.CallAsync(default, "SENTINEL", "FAILOVER", group.Options.EffectiveMasterName)).Text == "OK");
        }

        var before = await group.WaitForAsync(
            "the switch", s => s.Sentinels.All(x => x.Epoch > 0 && x.Master == s.Master?.Node.Endpoint && x.Epoch == s.Sentinels[0].Epoch));
        var epoch = before.Sentinels[0].Epoch;
        await Eventually.UntilAsync($"epoch {epoch} to be kept", async () => await sidecars.KeptEpochAsync() == epoch);
        await Task.WhenAll(group.Sentinels.Select(node => node.KillAsync()));
        foreach (var node in group.Sentinels)
        {
            node.WipeConfig();
            await node.StartAsync();
        }

        var after = await group.WaitAgreedAsync();
        Assert.Equal((epoch, before.Master!.RunId), (after.Sentinels[0].Epoch, after.Master!.RunId));
    }

    [Fact]
    public async Task One_restart_lifts_Sentinels_that_are_below_the_kept_epoch()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "epoch-below" });
        var before = await group.StartHealthyAsync();
        Assert.All(before.Sentinels, s => Assert.Equal(0, s.Epoch));
        var master = before.Master!.Node.Endpoint;
        Assert.IsType<EpochReading.Known>(await new FileEpochStore(Path.Combine(group.Folder, "election")).RaiseAsync(5, master, default));
        await group.Sentinels[0].RestartAsync();
        var after = await group.WaitForAsync("epoch 5 everywhere", s => s.Sentinels.All(x => x.Epoch == 5 && x.Master == master));
        Assert.Equal(before.Master.RunId, after.Master!.RunId);
    }

    [Fact]
    public async Task Lost_just_after_a_failover_they_refuse_beside_a_resumed_former_master_and_take_the_epoch_from_the_Lease()
    {
        await using var pods = await PodGroup.StartAsync("two-masters");
        var group = pods.Group;
        var former = (await group.ObserveAsync()).Master!.Node;
        await group.WaitHealthyAsync(); // every Sentinel has polled every replica
        await former.KillAsync();
        var switched = await group.WaitForAsync("another master", s => s.Master is { } m && m.Node != former
            && s.Sentinels.All(x => x.Master == m.Node.Endpoint && x.Epoch == s.Sentinels[0].Epoch));
        var epoch = switched.Sentinels[0].Epoch;
        await Eventually.UntilAsync($"epoch {epoch} to be kept", async () => await pods.Sidecars.KeptEpochAsync() == epoch);
        var lost = group.Sentinels;
        await Task.WhenAll(lost.Select(node => node.KillAsync()));

        // It resumes as the master that its own file makes it, past redis-bootstrap, which would not let it.
        await using var resumed = await ServerProcess.StartAsync(
            new ServerStart("redis-server", Path.Combine(former.ConfigFolder, "redis.conf"))
            { Name = "resumed", WorkingDirectory = former.DataFolder });
        await resumed.WaitUntilAsync("it answers", () => InlinePing.AnswersAsync(former.Endpoint.Port));
        foreach (var node in lost) await group.ReplaceSentinelAsync(node);
        foreach (var node in group.Sentinels)
        {
            var refusal = await node.Process!.WaitForDecisionAsync("two-masters");
            Assert.Equal("Refuse", refusal.Kind);
            Assert.Contains(former.Endpoint.ToString(), refusal.Reason, StringComparison.Ordinal);
            Assert.Contains(switched.Master!.Node.Endpoint.ToString(), refusal.Reason, StringComparison.Ordinal);
            Assert.False(await InlinePing.AnswersAsync(node.Endpoint.Port));
        }

        await resumed.KillAsync(); // a person, or the fence, settles it
        await former.StartAsync();
        var healed = await group.WaitAgreedAsync();
        Assert.Equal(
            (switched.Master!.Node, switched.Master.RunId, epoch), (healed.Master!.Node, healed.Master.RunId, healed.Sentinels[0].Epoch));
        await pods.AssertIdsAreSlotsAsync();
    }
}
